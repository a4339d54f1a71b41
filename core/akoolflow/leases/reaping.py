"""Close what dead processes have left open, and settle what became of their lost creates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

import anyio
from msgspec import Struct

from akoolflow.errors import AkoolflowError, LeasesUnusable
from akoolflow.leases.book import LeaseBook
from akoolflow.leases.clock import Instant
from akoolflow.leases.dating import dating_for
from akoolflow.leases.lease import Lease, ListingService, OpenSession, Payer
from akoolflow.leases.matching import SETTLE_S, Decision, Verdict, View, decide

__all__ = ["Deed", "Outcome", "Rules", "reap"]

_CALL_TIMEOUT_S: Final = 15.0
_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 8.0
_WRITE_TIMEOUT_S: Final = 15.0
_AT_ONCE: Final = 8
"""How many sessions are closed at the same time: a crash may have left hundreds."""
_PENDING: Final[frozenset[Verdict]] = frozenset({"again", "wait"})

Deed: TypeAlias = Literal["closed", "over", "nothing", "unknown", "waiting", "ambiguous", "failed"]
"""The session was `closed`, or was `over` already; the create opened `nothing`, or nobody will ever know: `unknown`.
Left for another time: `waiting`, since it is too early to tell; `ambiguous`; or `failed`."""

_DEEDS: Final[Mapping[Verdict, tuple[Deed, str]]] = {
    "close": ("closed", "left open by {opener}"),
    "over": ("over", "it had ended already"),
    "nothing": ("nothing", "no session came of the request"),
    "unknown": ("unknown", "whether a session came of the request is not known; its duration is over"),
    "again": ("over", "it had ended already"),
    "wait": ("waiting", "too early to tell what came of the request; try again in half a minute"),
    "ambiguous": ("ambiguous", "one of {sessions} may have come of the request; close it yourself if you know which"),
}


class Rules(Struct, frozen=True, kw_only=True):
    """How sure to be, and how long to try."""

    settle_s: float = SETTLE_S
    """How long after a create request its session may still come into being."""
    patience_s: float = 0.0
    """How long to keep looking while it is too early to tell."""
    sole_user: bool = False
    """Nobody else uses the account: a session that no lease explains may be taken for a lost create's."""


class Outcome(Struct, frozen=True, kw_only=True):
    """What was done about one lease; in a dry run, what would be."""

    lease: str
    deed: Deed
    session: str = ""
    avatar: str
    detail: str

    def __str__(self) -> str:
        return self.line()

    def line(self, would: str = "") -> str:
        """:param would: what goes before the deed in a dry run."""
        what = f"session {self.session}" if self.session else f"a session of {self.avatar}"
        return f"{what} (lease {self.lease}): {would}{self.deed}: {self.detail}"

    @property
    def done(self) -> bool:
        """Nothing of it is left to do."""
        return self.deed not in {"waiting", "ambiguous", "failed"}


_DEFAULT_RULES: Final = Rules()


async def reap(
    book: LeaseBook,
    service: ListingService,
    payer: Payer,
    rules: Rules = _DEFAULT_RULES,
    *,
    dry_run: bool = False,
) -> list[Outcome]:
    """Settle the account's leases that nobody holds; the service is asked only if there are any.

    Leases that a live process holds, and their sessions, are not touched, nor are sessions of which it is not certain
    that they are ours: `matching` has the rule. May be done again, and by several at once: each lease is settled once.
    What the service refuses, or does not answer within 15 s, is an outcome, not an error.

    :raises LeasesUnusable: the book cannot be read or written.
    """
    reaper = _Reaper(book, service, payer, rules)
    give_up_at, pause_s = anyio.current_time() + rules.patience_s, _PAUSE_S
    while True:
        verdicts = await reaper.look(dry_run=dry_run)
        left_s = give_up_at - anyio.current_time()
        if dry_run or not ("again" in verdicts or ("wait" in verdicts and left_s > 0)):
            return list(reaper.outcomes.values())
        await anyio.sleep(pause_s if "again" in verdicts else min(pause_s, left_s))
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


class _Reaper:
    def __init__(self, book: LeaseBook, service: ListingService, payer: Payer, rules: Rules) -> None:
        self._book, self._service, self._payer, self._rules = book, service, payer, rules
        self._first_seen: dict[str, Instant] = {}
        self._missed: set[str] = set()
        self.outcomes: dict[str, Outcome] = {}

    async def look(self, *, dry_run: bool) -> set[Verdict]:
        """Look once at book and service, and act; the verdicts on what could not be settled yet."""
        self.outcomes = {lease_id: outcome for lease_id, outcome in self.outcomes.items() if outcome.done}
        orphans = [lease for lease in await self._unsettled() if lease.held == "nobody"]
        if not orphans:
            return set()
        try:
            with anyio.fail_after(_CALL_TIMEOUT_S):
                listed = {session.id: session for session in await self._service.open_sessions()}
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told for each lease
            decisions = self._blind(orphans, f"session/list: {_reason(error)}")
        else:
            decisions = decide(await self._view(listed))
            self._missed |= {each.lease.session_id for each in decisions if each.verdict == "again"}
        for decision in decisions:
            self._tell_of(decision)
        if not dry_run:
            await self._act_on([decision for decision in decisions if decision.verdict not in _PENDING])
        return {decision.verdict for decision in decisions} & _PENDING

    def _blind(self, orphans: Sequence[Lease], why: str) -> list[Decision]:
        """Without a list, only what must be over by now can be settled."""
        for lease in orphans:
            self._tell(lease, "failed", why)
        view = View(
            now=self._book.clock(),
            leases=orphans,
            named=frozenset(),
            listed={},
            first_seen={},
            settle_s=self._rules.settle_s,
        )
        return [decision for decision in decide(view) if decision.verdict in {"over", "unknown"}]

    async def _view(self, listed: Mapping[str, OpenSession]) -> View:
        seen_at = self._book.clock()
        for session_id in listed:
            self._first_seen.setdefault(session_id, seen_at)
        leases = await self._unsettled()  # after the list: whatever is in it has its lease by now
        boots = {lease.asked.boot_id for lease in leases if lease.state == "asking"}
        openings = {boot_id: await self._book.openings(self._payer, boot_id) for boot_id in boots}
        datings = {
            lease.id: dating_for(lease.asked, openings[lease.asked.boot_id])
            for lease in leases
            if lease.state == "asking"
        }
        return View(
            now=self._book.clock(),
            leases=leases,
            named=await self._book.session_ids(self._payer),
            listed=listed,
            first_seen=self._first_seen,
            missed=frozenset(self._missed),
            dating={lease_id: dating for lease_id, dating in datings.items() if dating is not None},
            settle_s=self._rules.settle_s,
            sole_user=self._rules.sole_user,
        )

    async def _act_on(self, decisions: Sequence[Decision]) -> None:
        broken: list[LeasesUnusable] = []

        async def work(share: Sequence[Decision]) -> None:
            try:
                for decision in share:
                    await self._act(decision)
            except LeasesUnusable as error:
                broken.append(error)

        async with anyio.create_task_group() as tasks:
            for number in range(_AT_ONCE):
                tasks.start_soon(work, decisions[number::_AT_ONCE])
        if broken:
            raise broken[0]

    async def _act(self, decision: Decision) -> None:
        lease, verdict, book = decision.lease, decision.verdict, self._book
        detail = self.outcomes[lease.id].detail
        if verdict == "ambiguous":
            await book.suspect(lease.id, decision.sessions, detail)
        elif not await book.take(lease, *decision.sessions):
            del self.outcomes[lease.id]  # another reaper was faster, and tells of it
        elif verdict != "close" or await self._close(lease, decision.sessions[0]):
            await book.settle(
                lease.id, "refused" if verdict == "nothing" else "closed", detail, whole=verdict == "unknown"
            )

    async def _close(self, lease: Lease, session_id: str) -> bool:
        try:
            with anyio.fail_after(_CALL_TIMEOUT_S):
                await self._service.close(session_id)
        except BaseException as error:
            why = f"session/close: {_reason(error)}"
            with anyio.move_on_after(_WRITE_TIMEOUT_S, shield=True):
                await self._book.release(lease.id, why)
            if not isinstance(error, Exception):
                raise
            self._tell(lease, "failed", why, session_id)
            return False
        return True

    def _tell_of(self, decision: Decision) -> None:
        deed, words = _DEEDS[decision.verdict]
        detail = words.format(opener=decision.lease.opener, sessions=", ".join(decision.sessions))
        self._tell(decision.lease, deed, detail, decision.sessions[0] if decision.verdict == "close" else "")

    def _tell(self, lease: Lease, deed: Deed, detail: str, session_id: str = "") -> None:
        self.outcomes[lease.id] = Outcome(
            lease=lease.id,
            deed=deed,
            session=session_id or lease.session_id,
            avatar=lease.ask.avatar_id,
            detail=detail,
        )

    async def _unsettled(self) -> list[Lease]:
        return await self._book.leases(self._payer, settled=False)


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {_CALL_TIMEOUT_S:g} s"
    return str(error) if isinstance(error, AkoolflowError) else f"{type(error).__name__}: {error}"
