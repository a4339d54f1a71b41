"""Close one session by hand, whoever opened it."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import anyio
from msgspec import Struct

from akoolflow.errors import ServiceError, ServiceSilent
from akoolflow.leases.book import LeaseBook
from akoolflow.leases.lease import Lease, ListingService, Payer

__all__ = ["Closing", "Ending", "Hand", "close_by_hand"]

Ending: TypeAlias = Literal["closed", "over", "held", "pending", "unclear", "unknown", "failed"]
"""It is `closed` now, or was `over`. Not touched: a live process has it `held`; its create is `pending`; the name is
`unclear`, since it fits several, or `unknown`. `failed`: the service did not do it."""

_CALL_TIMEOUT_S: Final = 15.0
_WRITE_TIMEOUT_S: Final = 15.0
_SHORTEST: Final = 6


class Closing(Struct, frozen=True, kw_only=True):
    """What came of it; in a dry run, what would."""

    name: str
    """What was asked for: the id of a session or of a lease, or six characters or more of it."""
    ending: Ending
    session: str = ""
    lease: str = ""
    """Empty for a session that was not opened from here."""
    detail: str

    @property
    def done(self) -> bool:
        return self.ending in {"closed", "over"}


class Hand(Struct, frozen=True):
    """With what to close, and how firmly."""

    book: LeaseBook
    service: ListingService
    payer: Payer
    force: bool = False
    """Even what a live process holds."""
    dry_run: bool = False


async def close_by_hand(hand: Hand, name: str) -> Closing:
    """Close the session of that name, and settle its lease if nobody holds it.

    :raises LeasesUnusable: the book cannot be read or written.
    """
    try:
        listed = await _listed(hand)
        found = await hand.book.find(name)
        leases = [lease for lease in found if lease.ask.payer == hand.payer and not lease.settled]
        ids = {lease.session_id for lease in leases} | {one for one in listed if _names(name, one)}
        if len(ids) != 1:
            which = f"it may be {' or '.join(sorted(filter(None, ids)))}; give more of the id"
            nothing = "neither the service nor the book has a session of that name that is open"
            return Closing(name=name, ending="unclear" if ids else "unknown", detail=which if ids else nothing)
        [session_id] = ids
        return await _close(hand, name, session_id, leases[0] if leases else None, is_open=session_id in listed)
    except ServiceError as error:
        return Closing(name=name, ending="failed", detail=str(error))


async def _close(hand: Hand, name: str, session_id: str, lease: Lease | None, *, is_open: bool) -> Closing:
    lease_id = "" if lease is None else lease.id
    if not session_id:
        detail = "the answer to its create is awaited, or was lost: `akoolflow sessions reap` finds out"
        return Closing(name=name, ending="pending", lease=lease_id, detail=detail)
    if lease is not None and lease.held != "nobody" and not hand.force:
        detail = f"{lease.holder} is alive and holds it; --force closes it all the same"
        return Closing(name=name, ending="held", session=session_id, lease=lease_id, detail=detail)
    detail = "by hand" if is_open else "the service does not have it open"
    if not hand.dry_run:
        ours = lease is not None and lease.held == "nobody" and await hand.book.take(lease)
        try:
            if is_open:
                await _close_at_service(hand, session_id)
            if ours:
                await hand.book.settle(lease_id, "closed", f"closed: {detail}")
        except BaseException:
            if ours:
                with anyio.move_on_after(_WRITE_TIMEOUT_S, shield=True):
                    await hand.book.release(lease_id)
            raise
    ending: Ending = "closed" if is_open else "over"
    return Closing(name=name, ending=ending, session=session_id, lease=lease_id, detail=detail)


async def _listed(hand: Hand) -> set[str]:
    with anyio.move_on_after(_CALL_TIMEOUT_S):
        return {session.id for session in await hand.service.open_sessions()}
    raise ServiceSilent("session/list", _CALL_TIMEOUT_S)


async def _close_at_service(hand: Hand, session_id: str) -> None:
    with anyio.move_on_after(_CALL_TIMEOUT_S):
        await hand.service.close(session_id)
        return
    raise ServiceSilent("session/close", _CALL_TIMEOUT_S)


def _names(name: str, session_id: str) -> bool:
    return name == session_id or (len(name) >= _SHORTEST and session_id.startswith(name))
