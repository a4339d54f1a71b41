"""An avatar service whose every session has its lease on disk."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from itertools import chain, repeat
from types import TracebackType
from typing import Final, Self

import anyio
from msgspec import Struct, structs

from akoolflow.contracts import AvatarSession, SessionRequest
from akoolflow.errors import AkoolflowError, LeasesUnusable, ServiceError
from akoolflow.leases.book import LeaseBook
from akoolflow.leases.budget import Budget, Usage
from akoolflow.leases.dating import dating_for
from akoolflow.leases.lease import Ask, ListingService, Payer, State
from akoolflow.leases.ledger import new_id
from akoolflow.leases.reaping import Outcome, Rules, reap

__all__ = ["LeasedService", "Terms"]

log: Final = logging.getLogger(__name__)
_LOOK_TIMEOUT_S: Final = 5.0
_FIRST_REAP_TIMEOUT_S: Final = 20.0
_LAST_REAP_TIMEOUT_S: Final = 10.0
_LAST_PATIENCE_S: Final = 3.0
"""For what may still come of a create whose answer was lost."""
_WRITE_TIMEOUT_S: Final = 15.0
"""More than SQLite's own patience, so that its error is the one that is told."""
_RESCUE_TIMEOUT_S: Final = 10.0
_PAUSES_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)


class Terms(Struct, frozen=True, kw_only=True):
    """For whom sessions are opened, how many, and how sure to be of a lost one."""

    payer: Payer
    pipeline: str = ""
    budget: Budget = Budget()
    rules: Rules = Rules()


class LeasedService:
    """An `AvatarService` around another. Use it in `async with`, which opens and closes the book and the inner one too.

    On the way in, what dead processes have left is closed. On the way out, and in between if closing failed or the
    answer to a create was lost, so are our own: a create is never repeated, but what may have come of it is looked for.
    """

    def __init__(self, inner: ListingService, book: LeaseBook, terms: Terms) -> None:
        self._inner, self._book, self._terms = inner, book, terms
        self._leases: dict[str, str] = {}
        """Of the sessions that are open, by session id."""
        self._stack = AsyncExitStack()
        self._astray = anyio.Event()

    async def __aenter__(self) -> Self:
        """:raises LeasesUnusable: the book cannot be used, and without it nothing is opened."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._book)
            if isinstance(self._inner, AbstractAsyncContextManager):
                await stack.enter_async_context(self._inner)
            with anyio.move_on_after(_FIRST_REAP_TIMEOUT_S) as patience:
                _log(await self._reap())
            if patience.cancelled_caught:
                log.warning("what earlier runs have left open could not be closed in %g s", _FIRST_REAP_TIMEOUT_S)
            stack.push_async_callback(self._give_back)
            tasks = await stack.enter_async_context(anyio.create_task_group())
            stack.callback(tasks.cancel_scope.cancel)
            tasks.start_soon(self._tend)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Left as if in peace: a task group would wrap the body's own exception in an ExceptionGroup.
        await self._stack.__aexit__(None, None, None)

    async def create(self, request: SessionRequest) -> AvatarSession:
        """Open a session, its lease first.

        :raises BudgetExceeded: the pipeline has spent its budget; nothing was sent.
        :raises LeasesUnusable: the lease could not be written; nothing was sent, or what was opened was closed.
        :raises ServiceError: as the inner service. If the answer was lost, what may have been opened is looked for.
        """
        lease_id = new_id()
        await self._ask(lease_id, request)
        try:
            session = await self._inner.create(request)
        except ServiceError as error:
            if error.may_have_happened:
                await self._lose(lease_id, str(error))
            else:
                await self._settle(lease_id, "refused", str(error))
            raise
        except BaseException as error:
            await self._lose(lease_id, f"the answer was lost: {type(error).__name__}")
            raise
        await self._opened(lease_id, session)
        return session

    async def close(self, session_id: str) -> None:
        """Close a session; closing one that is over is no error. If it fails it is tried again in the background."""
        lease_id = self._leases.pop(session_id, None)
        try:
            await self._inner.close(session_id)
        except BaseException as error:
            if lease_id is not None:
                await self._lose(lease_id, f"session/close: {type(error).__name__}: {error}")
            raise
        if lease_id is not None:
            await self._settle(lease_id, "closed", "")

    async def usage(self) -> Usage:
        """What the pipeline has spent today, open sessions included."""
        return await self._book.usage(self._terms.payer, self._terms.pipeline)

    # -- leases ----------------------------------------------------------------------------------

    async def _ask(self, lease_id: str, request: SessionRequest) -> None:
        ask = Ask(
            payer=self._terms.payer,
            pipeline=self._terms.pipeline,
            avatar_id=request.avatar_id,
            stream_type=request.stream_type,
            duration_s=request.duration,
            before=await self._open_before(),
        )
        try:
            await self._book.ask(lease_id, ask, self._terms.budget)
        except AkoolflowError:
            raise
        except BaseException:
            await self._settle(lease_id, "refused", "it was not asked for")
            raise

    async def _open_before(self) -> frozenset[str] | None:
        """The account's open sessions; not asked for where ids tell which are older than a request."""
        payer, asked = self._terms.payer, self._book.clock()
        if dating_for(asked, await self._book.openings(payer, asked.boot_id)) is not None:
            return None
        try:
            with anyio.fail_after(_LOOK_TIMEOUT_S):
                return frozenset(session.id for session in await self._inner.open_sessions())
        except Exception as error:  # noqa: BLE001 - it is needed only if the answer is lost, which it seldom is
            log.warning("open sessions could not be listed: %s: %s", type(error).__name__, error)
            return None

    async def _opened(self, lease_id: str, session: AvatarSession) -> None:
        self._leases[session.id] = lease_id
        try:
            with anyio.CancelScope(shield=True):
                await self._book.opened(lease_id, session.id)
        except LeasesUnusable:
            # It costs, and nothing on disk knows its id: given back while we still know it.
            with anyio.move_on_after(_RESCUE_TIMEOUT_S, shield=True):
                await self.close(session.id)
            raise
        except BaseException as error:  # a cancel of asyncio's own: nobody gets the session
            del self._leases[session.id]
            await self._lose(lease_id, f"its caller was gone: {type(error).__name__}")
            raise

    async def _lose(self, lease_id: str, note: str) -> None:
        """Nobody holds it from here on; whatever became of it is found out in the background."""
        with anyio.move_on_after(_WRITE_TIMEOUT_S, shield=True):
            try:
                await self._book.release(lease_id, note)
            except LeasesUnusable as error:
                log.warning("%s", error)  # it is held until this flow ends; the next reap finds it
            self._astray.set()

    async def _settle(self, lease_id: str, state: State, note: str) -> None:
        with anyio.move_on_after(_WRITE_TIMEOUT_S, shield=True):
            try:
                await self._book.settle(lease_id, state, note)
            except LeasesUnusable as error:
                log.warning("%s", error)  # as above

    # -- in the background -----------------------------------------------------------------------

    async def _tend(self) -> None:
        while True:
            await self._astray.wait()
            self._astray = anyio.Event()
            for pause_s in chain(_PAUSES_S, repeat(_PAUSES_S[-1])):
                await anyio.sleep(pause_s)
                if not await self._sweep():
                    break

    async def _sweep(self) -> bool:
        """Whether there is reason to try again."""
        try:
            outcomes = await self._reap()
        except LeasesUnusable as error:
            log.warning("%s", error)
            return True
        _log(outcomes)
        return any(outcome.deed in {"waiting", "failed"} for outcome in outcomes)

    async def _give_back(self) -> None:
        """Close whatever is still open in our name."""
        with anyio.move_on_after(_LAST_REAP_TIMEOUT_S, shield=True) as patience:
            try:
                await self._book.release_all("its flow has ended")
                _log(await self._reap(patience_s=_LAST_PATIENCE_S))
            except LeasesUnusable as error:
                log.warning("%s", error)
        if patience.cancelled_caught:
            log.warning(
                "not all sessions could be closed in %g s; `akoolflow sessions reap` will", _LAST_REAP_TIMEOUT_S
            )

    async def _reap(self, *, patience_s: float = 0.0) -> list[Outcome]:
        rules = structs.replace(self._terms.rules, patience_s=patience_s)
        return await reap(self._book, self._inner, self._terms.payer, rules)


def _log(outcomes: Iterable[Outcome]) -> None:
    for outcome in outcomes:
        level = logging.DEBUG if outcome.deed in {"nothing", "waiting"} else logging.WARNING
        log.log(level, "%s", outcome)
