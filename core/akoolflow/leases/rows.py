"""Leases as rows, and rows as leases."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, Final

from akoolflow.leases.clock import Instant
from akoolflow.leases.holder import Holder
from akoolflow.leases.lease import Ask, Held, Lease, Payer

__all__ = ["OF_PAYER", "SELECT", "at", "columns_of", "holder_in", "key_of", "lease_in"]

_HOLDER: Final = ("token", "pid", "started_ticks", "host", "boot_id")
_JOINED: Final = ", ".join(f"{role}.{column} AS {role}_{column}" for role in ("opener", "holder") for column in _HOLDER)
SELECT: Final = (
    f"SELECT leases.*, {_JOINED} FROM leases"  # noqa: S608 - constants
    " JOIN holders AS opener ON opener.token = leases.opener"
    " LEFT JOIN holders AS holder ON holder.token = leases.holder"
)

OF_PAYER: Final = "base_url = :base_url AND key_print = :key_print"
"""A condition on `leases`; `key_of` gives its values."""


def key_of(payer: Payer) -> dict[str, Any]:
    return {"base_url": payer.base_url, "key_print": payer.key_print}


def at(name: str, instant: Instant) -> dict[str, Any]:
    """The three columns of one moment."""
    return {f"{name}_unix_s": instant.unix_s, f"{name}_boot_s": instant.boot_s, f"{name}_boot_id": instant.boot_id}


def columns_of(ask: Ask) -> dict[str, Any]:
    return key_of(ask.payer) | {
        "pipeline": ask.pipeline,
        "avatar_id": ask.avatar_id,
        "stream_type": ask.stream_type,
        "duration_s": ask.duration_s,
        "before": None if ask.before is None else json.dumps(sorted(ask.before)),
        "cost_s": ask.longest_s,
    }


def holder_in(row: sqlite3.Row, role: str) -> Holder | None:
    return Holder(*(row[f"{role}_{column}"] for column in _HOLDER)) if row[f"{role}_token"] is not None else None


def lease_in(row: sqlite3.Row, held: Held) -> Lease:
    opener = holder_in(row, "opener")
    assert opener is not None  # noqa: S101 - a foreign key that may not be null
    return Lease(
        id=row["id"],
        state=row["state"],
        ask=Ask(
            payer=Payer(row["base_url"], row["key_print"]),
            pipeline=row["pipeline"],
            avatar_id=row["avatar_id"],
            stream_type=row["stream_type"],
            duration_s=row["duration_s"],
            before=None if row["before"] is None else frozenset(json.loads(row["before"])),
        ),
        asked=_instant(row, "asked"),
        opened=None if row["opened_unix_s"] is None else _instant(row, "opened"),
        settled_unix_s=row["settled_unix_s"],
        session_id=row["session_id"],
        cost_s=row["cost_s"],
        note=row["note"],
        suspects=tuple(json.loads(row["suspects"])),
        opener=opener,
        holder=holder_in(row, "holder"),
        held=held,
    )


def _instant(row: sqlite3.Row, name: str) -> Instant:
    return Instant(row[f"{name}_unix_s"], row[f"{name}_boot_s"], row[f"{name}_boot_id"])
