"""How much a pipeline may spend in a day.

A day begins at midnight UTC: processes of one book may run in different time zones, and no UTC day has 23 or 25 hours.
A session counts on the day on which it was asked for: with its whole duration until it is closed, then with the seconds
used. A refused one does not count.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from akoolflow.errors import BudgetExceeded, Spent
from akoolflow.leases.clock import Instant

__all__ = ["DAY_S", "Budget", "Usage", "check", "since_midnight_s"]

DAY_S: Final = 86_400.0


class Budget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[session.budget]`: limits for one pipeline and one account on one day, which ends at midnight UTC."""

    seconds_per_day: Annotated[float, Meta(gt=0)] | None = None
    """Of avatar sessions; one that is open counts with its whole duration."""
    sessions_per_day: Annotated[int, Meta(gt=0)] | None = None


class Usage(Struct, frozen=True, kw_only=True):
    """What a pipeline has spent today."""

    seconds: float = 0.0
    sessions: int = 0
    reserved_s: float = 0.0
    """Of `seconds`: what sessions have not used yet that are still open, or may be."""


def since_midnight_s(now: Instant) -> float:
    return now.unix_s % DAY_S


def check(budget: Budget, usage: Usage, *, pipeline: str, wanted_s: float, now: Instant) -> None:
    """:raises BudgetExceeded: one more session of `wanted_s` is too much."""
    rows: tuple[tuple[Literal["seconds", "sessions"], float | None, float, float, float], ...] = (
        ("seconds", budget.seconds_per_day, usage.seconds, wanted_s, usage.reserved_s),
        ("sessions", budget.sessions_per_day, usage.sessions, 1, 0.0),
    )
    for unit, limit, used, wanted, reserved in rows:
        if limit is not None and used + wanted > limit:
            frees_in_s = DAY_S - since_midnight_s(now)
            spent = Spent(limit=limit, used=used, wanted=wanted, reserved=reserved, frees_in_s=frees_in_s)
            raise BudgetExceeded(pipeline, unit, spent)
