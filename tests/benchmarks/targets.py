"""Where akoolflow means to be, as ratios and figures that hold in one run on one machine. Printed, never asserted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from msgspec import Struct

__all__ = ["TARGETS", "Medians", "Target", "Verdict"]

Medians: TypeAlias = Mapping[tuple[str, str, str], float]
"""By cell, figure and peer."""


class Verdict(Struct, frozen=True):
    reached: str
    met: bool


class Target(Struct, frozen=True):
    what: str
    limit: str
    _judge: Callable[[Medians], tuple[float, bool] | None]
    _unit: str = ""

    def verdict(self, found: Medians) -> Verdict | None:
        """None where it was not measured."""
        judged = self._judge(found)
        if judged is None:
            return None
        value, met = judged
        shown = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
        return Verdict(f"{shown}{self._unit}", met)


def _at_most(what: str, name: tuple[str, str, str], limit: float, unit: str) -> Target:
    def judge(found: Medians) -> tuple[float, bool] | None:
        value = found.get(name)
        return None if value is None else (value, value <= limit)

    return Target(what, f"≤ {limit:,g}{unit}", judge, unit)


def _at_least(what: str, name: tuple[str, str, str], limit: float, unit: str) -> Target:
    def judge(found: Medians) -> tuple[float, bool] | None:
        value = found.get(name)
        return None if value is None else (value, value >= limit)

    return Target(what, f"≥ {limit:,g}{unit}", judge, unit)


def _times(what: str, name: tuple[str, str, str], floor: str, limit: float) -> Target:
    cell, key, _ = name

    def judge(found: Medians) -> tuple[float, bool] | None:
        value, against = found.get(name), found.get((cell, key, floor))
        return None if value is None or not against else (value / against, value / against <= limit)

    return Target(what, f"≤ {limit:g} x {floor}", judge, " x")


_FIRST: Final = ("W2/latency", "first_p50_us", "akoolflow")
_FIRST_P99: Final = ("W2/latency", "first_p99_us", "akoolflow")

TARGETS: Final = (
    _at_most("W1, 3 subscribers", ("W1/3", "us_per_event", "akoolflow"), 2.1, " µs an event"),
    _times("W1, 3 subscribers", ("W1/3", "us_per_event", "akoolflow"), "floor", 2.5),
    _at_most("W1, 10 subscribers", ("W1/10", "us_per_event", "akoolflow"), 6.0, " µs an event"),
    _times("W2, first chunk p50", ("W2/latency", "first_p50_us", "akoolflow"), "floor", 1.5),
    _times("W2, first chunk p99", ("W2/latency", "first_p99_us", "akoolflow"), "floor", 2.0),
    _at_most("W2, each chunk p50", ("W2/latency", "each_p50_us", "akoolflow"), 10.0, " µs"),
    _at_least("W2, most turns, 64 in flight", ("W2/most", "turns_per_s", "akoolflow"), 20_000, " turns/s"),
    _at_most("W3, memory of an idle session", ("W3", "idle_kb", "akoolflow"), 15.0, " KB"),
    _at_most("W3, memory of a used session", ("W3", "used_kb", "akoolflow"), 15.0, " KB"),
    _at_most("W3, set-up of a session", ("W3", "set_up_us", "akoolflow"), 100.0, " µs"),
    _at_most("W3, one turn in all at once", ("W3", "turn_us", "akoolflow"), 300.0, " µs a session"),
    _at_most("W4, interrupts with a chunk after", ("W4", "leaky_share", "akoolflow"), 0.0, ""),
    _at_most("W4, the same for whole sessions", ("W4", "leaky_share", "akoolflow, session"), 0.0, ""),
    _at_most("W4, brain stopped p99", ("W4", "stopped_p99_us", "akoolflow"), 250.0, " µs"),
    _times("W5, import", ("W5/import", "ms", "akoolflow"), "asyncio + msgspec", 1.4),
    _times("W5, first event", ("W5/first", "ms", "akoolflow"), "asyncio.Queue + msgspec", 1.5),
    _times("W5, `--help`", ("W5/help", "ms", "akoolflow"), "click, one command", 1.6),
    _at_least("W6, codec", ("W6", "per_s", "akoolflow"), 900_000, " messages/s"),
    _at_least("W6, codec and reassembly", ("W6", "per_s", "akoolflow, reassembly"), 600_000, " messages/s"),
)
