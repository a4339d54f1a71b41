"""Rows as Markdown: for each workload the medians, and how many times the floor and akoolflow they are."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct
from runner import Row
from targets import TARGETS, Medians

__all__ = ["markdown", "medians"]

_LEGEND: Final = (
    "Each figure is a median over rounds; in brackets, how many times the floor's cost it is, and how many times "
    "akoolflow's: more than 1 is always the worse."
)


class _Figure(Struct, frozen=True):
    """One column."""

    cell: str
    key: str
    title: str
    floor: str = "floor"
    more_is_better: bool = False


_TABLES: Final[dict[str, tuple[_Figure, ...]]] = {
    "W1 fan-out: µs for each event of 40 characters": (
        _Figure("W1/1", "us_per_event", "1 subscriber"),
        _Figure("W1/3", "us_per_event", "3 subscribers"),
        _Figure("W1/10", "us_per_event", "10 subscribers"),
    ),
    "W2 a turn of 20 chunks: µs at 100 turns/s, and the most turns": (
        _Figure("W2/latency", "first_p50_us", "first chunk p50"),
        _Figure("W2/latency", "first_p99_us", "p99"),
        _Figure("W2/latency", "each_p50_us", "each chunk p50"),
        _Figure("W2/latency", "each_p99_us", "p99"),
        _Figure("W2/most", "turns_per_s", "most turns/s", more_is_better=True),
    ),
    "W3 many sessions: for each of them": (
        _Figure("W3", "idle_kb", "KB idle"),
        _Figure("W3", "used_kb", "KB after a turn"),
        _Figure("W3", "set_up_us", "set-up µs"),
        _Figure("W3", "turn_us", "one turn in all at once, µs"),
    ),
    "W4 interruption while 8 others talk": (
        _Figure("W4", "stopped_p50_us", "brain stopped µs p50"),
        _Figure("W4", "stopped_p99_us", "p99"),
        _Figure("W4", "last_p99_us", "last chunk µs p99"),
        _Figure("W4", "leaky_share", "share of interrupts with a chunk after"),
    ),
    "W5 start-up: ms to import": (_Figure("W5/import", "ms", "ms", "asyncio + msgspec"),),
    "W5 start-up: ms from nothing to the first event": (_Figure("W5/first", "ms", "ms", "asyncio.Queue + msgspec"),),
    "W5 start-up: ms for `--help`": (_Figure("W5/help", "ms", "ms", "click, one command"),),
    "W6 one stream message decoded and encoded": (
        _Figure("W6", "per_s", "messages/s", "bare msgspec", more_is_better=True),
    ),
}


def medians(rows: Sequence[Row]) -> Medians:
    """By cell, figure and peer, over all rounds."""
    gathered: dict[tuple[str, str, str], list[float]] = {}
    for row in rows:
        for key, value in row.figures.items():
            gathered.setdefault((row.cell, key, row.peer), []).append(value)
    return {name: statistics.median(values) for name, values in gathered.items()}


def markdown(rows: Sequence[Row]) -> str:
    """All tables, the targets, and what went wrong."""
    found = medians(rows)
    lines = [_LEGEND]
    for title, figures in _TABLES.items():
        lines += _table(title, figures, rows, found)
    lines += [*_targets(found), *_failures(rows), *_about(rows)]
    return "\n".join(lines)


def _table(title: str, figures: Sequence[_Figure], rows: Sequence[Row], found: Medians) -> Iterator[str]:
    wanted = {figure.cell for figure in figures}
    peers = list(dict.fromkeys(row.peer for row in rows if row.cell in wanted and row.figures))
    if not peers:
        return
    yield from ("", f"### {title}", "")
    yield f"| | {' | '.join(figure.title for figure in figures)} |"
    yield "|---" * (len(figures) + 1) + "|"
    for peer in peers:
        cells = (_cell(figure, peer, found) for figure in figures)
        yield f"| {peer}{_size(peer, figures[0].cell, rows)} | {' | '.join(cells)} |"


def _cell(figure: _Figure, peer: str, found: Medians) -> str:
    value = found.get((figure.cell, figure.key, peer))
    if value is None:
        return ""
    ratios = []
    for other in (figure.floor, "akoolflow"):
        against = found.get((figure.cell, figure.key, other))
        if against and value:
            ratio = against / value if figure.more_is_better else value / against
            ratios.append(f"{ratio:.2g}" if ratio < 100 else f"{ratio:,.0f}")
    return f"{_number(value)} ({', '.join(ratios)})" if len(ratios) == 2 else _number(value)


def _size(peer: str, cell: str, rows: Sequence[Row]) -> str:
    """Sessions in W3, which are not the same for all."""
    sessions = next((row.spec.get("sessions") for row in rows if row.cell == cell == "W3" and row.peer == peer), None)
    return f", {sessions:,} sessions" if sessions else ""


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _targets(found: Medians) -> Iterator[str]:
    yield from ("", "### Targets", "", "| what | target | reached | |", "|---|---|---|---|")
    for target in TARGETS:
        if verdict := target.verdict(found):
            yield f"| {target.what} | {target.limit} | {verdict.reached} | {'yes' if verdict.met else 'missed'} |"


def _failures(rows: Sequence[Row]) -> Iterator[str]:
    failed = [row for row in rows if row.error]
    if failed:
        yield from ("", "### What failed", "")
    for row in failed:
        yield f"- {row.cell}, {row.peer}, round {row.round}: {row.error}"


def _about(rows: Sequence[Row]) -> Iterator[str]:
    yield ""
    noise = [row.others_cores for row in rows if row.others_cores is not None]
    if noise:
        usual, worst = statistics.median(noise), sorted(noise)[len(noise) * 9 // 10]
        yield f"Other processes took {usual:.2g} cores meanwhile; in one process of ten, {worst:.2g} or more."
    versions = sorted({f"{row.peer.partition(',')[0]} {row.version}" for row in rows if row.version})
    pythons = sorted({row.python for row in rows if row.python})
    yield f"Python {', '.join(pythons)}; {'; '.join(versions)}."
