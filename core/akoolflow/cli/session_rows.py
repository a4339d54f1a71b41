"""What `akoolflow sessions` shows of each session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import asdict

from akoolflow.leases import Lease, OpenSession
from akoolflow.leases.clock import now

__all__ = ["Row", "foreign", "is_named", "page", "row_of", "table"]

_COLUMNS: Final = ("session", "lease", "state", "service", "holder", "avatar", "pipeline", "asked", "seconds")
_SHORTEST: Final = 6
"""Characters of an id that are enough to name it."""


class Row(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One session, as the book and the service have it."""

    session: str = ""
    lease: str = ""
    """Empty for a session that was not opened from here."""
    state: str = ""
    service: str = "?"
    """`open`, or `over`: what the service says; a question mark if it was not asked."""
    holder: str = ""
    held: bool = False
    """By a live process; what is neither settled nor held is left behind."""
    avatar: str = ""
    pipeline: str = ""
    asked: str = ""
    seconds: float = 0.0
    """Used, or so far."""
    duration_s: float | None = None
    base_url: str = ""
    key_print: str = ""
    note: str = ""
    suspects: tuple[str, ...] = ()


def row_of(lease: Lease, listed: Mapping[str, OpenSession] | None) -> Row:
    held = lease.held != "nobody"
    return Row(
        session=lease.session_id,
        lease=lease.id,
        state=lease.state,
        service="?" if listed is None or not lease.session_id else "open" if lease.session_id in listed else "over",
        holder="" if lease.settled else str(lease.holder) if held else "left behind",
        held=held,
        avatar=lease.ask.avatar_id,
        pipeline=lease.ask.pipeline,
        asked=datetime.fromtimestamp(lease.asked.unix_s, UTC).astimezone().isoformat(" ", "seconds"),
        seconds=round(lease.cost_s if lease.settled else lease.used_s(now()), 1),
        duration_s=lease.ask.duration_s,
        base_url=lease.ask.payer.base_url,
        key_print=lease.ask.payer.key_print,
        note=lease.note,
        suspects=lease.suspects,
    )


def is_named(row: Row, name: str) -> bool:
    ids = (row.session, row.lease)
    return name in ids or (len(name) >= _SHORTEST and any(one.startswith(name) for one in ids))


def foreign(session: OpenSession, base_url: str) -> Row:
    """One that was not opened from here."""
    return Row(session=session.id, state="no lease", service="open", avatar=session.avatar_id, base_url=base_url)


def table(rows: Sequence[Row]) -> Iterable[str]:
    cells = [_COLUMNS, *(tuple(str(getattr(row, column)) for column in _COLUMNS) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


def page(row: Row) -> Iterable[str]:
    for name, value in asdict(row).items():
        text = ", ".join(value) if isinstance(value, tuple) else "" if value is None else str(value)
        if text:
            yield f"{name:<12}{text}"
