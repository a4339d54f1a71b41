"""Close one session by hand, whoever it belongs to."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import anyio
from msgspec import Struct

from akoolflow.leases.book import LeaseBook
from akoolflow.leases.lease import Lease, ListingService, Payer

__all__ = ["Closing", "Ending", "Hand", "close_by_hand"]

Ending: TypeAlias = Literal["closed", "not open", "held", "unclear", "no session yet"]

_CALL_TIMEOUT_S: Final = 15.0
_WRITE_TIMEOUT_S: Final = 15.0


class Closing(Struct, frozen=True, kw_only=True):
    """What came of it; in a dry run, what would."""

    name: str
    """What was asked for: the id of a session or a lease, or its beginning."""
    ending: Ending
    """`held`: a live process has it. `unclear`: the name fits several. Neither was touched."""
    session: str = ""
    lease: str = ""
    """Empty for a session that was not opened from here."""
    detail: str

    @property
    def done(self) -> bool:
        return self.ending in {"closed", "not open"}


class Hand(Struct, frozen=True):
    """With what to close, and how firmly."""

    book: LeaseBook
    service: ListingService
    payer: Payer
    force: bool = False
    """Even what a live process holds."""
    dry_run: bool = False


async def close_by_hand(hand: Hand, name: str) -> Closing:
    """Close the session of that name, and settle its lease if there is one.

    :raises LeasesUnusable: the book cannot be read or written.
    :raises ServiceError: the service did not list, or did not close.
    :raises TimeoutError: it did not within 15 s.
    """
    leases = [lease for lease in await hand.book.find(name) if lease.ask.payer == hand.payer and not lease.settled]
    with anyio.fail_after(_CALL_TIMEOUT_S):
        listed = {session.id for session in await hand.service.open_sessions()}
    ids = {lease.session_id for lease in leases} | {one for one in listed if one == name or _begins(one, name)}
    if len(ids) > 1:
        return Closing(name=name, ending="unclear", detail=f"it may be {' or '.join(sorted(ids))}; give more of the id")
    lease = leases[0] if leases else None
    session_id = next(iter(ids), name)
    if lease is not None and not session_id:
        detail = "the answer to its create is awaited, or was lost: `akoolflow sessions reap` finds out"
        return Closing(name=name, ending="no session yet", lease=lease.id, detail=detail)
    if lease is not None and lease.held != "nobody" and not hand.force:
        detail = f"{lease.holder} is alive and holds it; --force closes it all the same"
        return Closing(name=name, ending="held", session=session_id, lease=lease.id, detail=detail)
    return await _close(hand, name, session_id, lease, is_open=session_id in listed)


async def _close(hand: Hand, name: str, session_id: str, lease: Lease | None, *, is_open: bool) -> Closing:
    ending: Ending = "closed" if is_open else "not open"
    detail = "closed by hand" if is_open else "the service does not have it open"
    if not hand.dry_run:
        ours = lease is not None and lease.held == "nobody" and await hand.book.take(lease)
        try:
            if is_open:
                with anyio.fail_after(_CALL_TIMEOUT_S):
                    await hand.service.close(session_id)
            if ours and lease is not None:
                await hand.book.settle(lease.id, "closed", detail)
        except BaseException:
            if ours and lease is not None:
                with anyio.move_on_after(_WRITE_TIMEOUT_S, shield=True):
                    await hand.book.release(lease.id)
            raise
    return Closing(name=name, ending=ending, session=session_id, lease="" if lease is None else lease.id, detail=detail)


def _begins(session_id: str, name: str) -> bool:
    return len(name) >= 6 and session_id.startswith(name)
