"""When a session was opened, told by its id.

The service's ids look like MongoDB's, which begin with the second in which they were made. That is a guess, believed
only after sessions whose time we know have borne it out; these also show how far the service's clock is from ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from akoolflow.leases.clock import Instant
from akoolflow.leases.lease import Lease

__all__ = ["Dating", "dating_for", "told_unix_s"]

_ID_DIGITS: Final = 24
_SLACK_S: Final = 5.0
"""How far two clocks may drift apart between one session and the next, or be corrected."""
_FARTHEST_S: Final = 86_400.0
"""A clock that is further off than this is none; and no number drawn by lot comes as near."""


class Dating(Struct, frozen=True):
    """How far the service's clock is ahead of ours: at least, and at most."""

    least_s: float
    most_s: float

    def fits(self, told_s: float, asked: Instant, settle_s: float) -> bool:
        """Whether a session of that time can be what was asked for."""
        return asked.unix_s + self.least_s <= told_s <= asked.unix_s + settle_s + self.most_s


def told_unix_s(session_id: str) -> float | None:
    """The second that the id begins with; None if it is no 24 hex digits."""
    if len(session_id) != _ID_DIGITS or not set(session_id) <= set("0123456789abcdef"):
        return None
    return float(int(session_id[:8], 16))


def dating_for(asked: Instant, leases: Iterable[Lease]) -> Dating | None:
    """What ids tell about a session asked for at that moment; None if they are not known to tell the time.

    :param leases: of the same account; those count that were opened in the same boot, with the clock set as it was.
    """
    known = [
        lease
        for lease in leases
        if lease.opened is not None and _same_clock(lease.asked, asked) and _same_clock(lease.opened, asked)
    ]
    least_s, most_s = -_FARTHEST_S, _FARTHEST_S
    for lease in known:
        told_s = told_unix_s(lease.session_id)
        if told_s is None or lease.opened is None:
            return None
        # Made between the request and the answer, and told in whole seconds, rounded down.
        least_s = max(least_s, told_s - lease.opened.unix_s - _SLACK_S)
        most_s = min(most_s, told_s + 1 - lease.asked.unix_s + _SLACK_S)
    return Dating(least_s, most_s) if known and least_s <= most_s else None


def _same_clock(one: Instant, other: Instant) -> bool:
    return one.same_boot(other) and abs(one.offset_s - other.offset_s) <= _SLACK_S
