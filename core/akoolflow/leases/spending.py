"""What a pipeline has spent today, counted from its leases."""

from __future__ import annotations

import sqlite3
from typing import Final

from akoolflow.leases.budget import Usage, since_midnight_s
from akoolflow.leases.clock import Instant
from akoolflow.leases.lease import Payer
from akoolflow.leases.rows import OF_PAYER, key_of

__all__ = ["usage_of"]

_USAGE: Final = (
    # By the machine's clock within one boot, so that setting the wall clock back brings no new budget. What was asked
    # for in another boot counts by the wall's; up to a day ahead of it, in case it was set back since.
    "SELECT count(*) AS sessions, total(cost_s) AS seconds,"  # noqa: S608 - constants
    " total(CASE WHEN settled_unix_s IS NULL THEN max(0, cost_s - CASE WHEN asked_boot_id = :boot_id AND :boot_id != ''"
    " THEN :boot_s - asked_boot_s ELSE max(0, :unix_s - asked_unix_s) END) END) AS reserved_s"
    f" FROM leases WHERE {OF_PAYER} AND pipeline = :pipeline AND state != 'refused' AND"
    " CASE WHEN asked_boot_id = :boot_id AND :boot_id != '' THEN :boot_s - asked_boot_s <= :since_midnight_s"
    " ELSE asked_unix_s BETWEEN :unix_s - :since_midnight_s AND :unix_s - :since_midnight_s + 172800 END"
)


def usage_of(db: sqlite3.Connection, payer: Payer, pipeline: str, now: Instant) -> Usage:
    """To be called inside a transaction: the one that writes a lease, if there is to be one."""
    values = key_of(payer) | {"pipeline": pipeline, "since_midnight_s": since_midnight_s(now)}
    values |= {"unix_s": now.unix_s, "boot_s": now.boot_s, "boot_id": now.boot_id}
    row = db.execute(_USAGE, values).fetchone()
    return Usage(seconds=row["seconds"], sessions=row["sessions"], reserved_s=row["reserved_s"])
