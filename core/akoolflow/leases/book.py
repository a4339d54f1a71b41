"""The lease book, for coroutines: SQLite blocks, so it works in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

import anyio
from anyio import CapacityLimiter, to_thread

from akoolflow.leases.budget import Budget, Usage
from akoolflow.leases.clock import Clock, now
from akoolflow.leases.lease import Ask, Lease, Payer, State
from akoolflow.leases.ledger import Ledger

__all__ = ["LeaseBook"]

R = TypeVar("R")
_NO_BUDGET = Budget()


class LeaseBook:
    """The leases of one user, on disk. Use it in `async with`; each process, and each flow, opens its own.

    A call that has begun is finished even if its caller is cancelled: what it says is then on disk.
    Every method raises `LeasesUnusable` if the file cannot be read or written.
    """

    def __init__(self, path: Path, *, clock: Clock = now) -> None:
        """:param path: the file, made for its owner alone if it is not there; `book_path()` is the user's."""
        self.path, self.clock = path, clock
        self._ledger: Ledger | None = None
        self._turn: CapacityLimiter | None = None

    async def __aenter__(self) -> Self:
        """:raises LeasesUnusable: damaged, of another program, or not to be written; the file is left as it is."""
        self._turn = CapacityLimiter(1)
        with anyio.CancelScope(shield=True):  # a book that was opened for nobody would never be closed
            self._ledger = await self._run(lambda: Ledger(self.path, self.clock))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        ledger, self._ledger = self._open, None
        with anyio.CancelScope(shield=True):
            await self._run(ledger.close)

    async def ask(self, lease_id: str, ask: Ask, budget: Budget = _NO_BUDGET) -> Lease:
        """Write the lease; only after this may the session be asked for.

        :raises BudgetExceeded: no lease was written.
        """
        return await self._run(lambda: self._open.ask(lease_id, ask, budget))

    async def opened(self, lease_id: str, session_id: str) -> Lease:
        """Note which session it became."""
        return await self._run(lambda: self._open.opened(lease_id, session_id))

    async def settle(self, lease_id: str, state: State, note: str = "", *, whole: bool = False) -> bool:
        """Note the end of a lease of ours; False if it had ended, or is not ours.

        :param whole: charge the whole duration, since nobody knows better.
        """
        return await self._run(lambda: self._open.settle(lease_id, state, note, whole=whole))

    async def release(self, lease_id: str, note: str = "") -> None:
        """Let go of a lease that we cannot settle: whoever reaps next may."""
        await self._run(lambda: self._open.release(lease_id, note))

    async def release_all(self, note: str = "") -> None:
        """Let go of all that we hold."""
        await self._run(lambda: self._open.release_all(note))

    async def take(self, lease: Lease, session_id: str = "") -> bool:
        """Become the holder of a lease that nobody holds; False if somebody was faster."""
        return await self._run(lambda: self._open.take(lease, session_id))

    async def suspect(self, lease_id: str, session_ids: tuple[str, ...], note: str) -> None:
        """Note that a lost create may have opened one of these sessions."""
        await self._run(lambda: self._open.suspect(lease_id, session_ids, note))

    async def leases(self, payer: Payer | None = None, *, settled: bool = True) -> list[Lease]:
        """Of one account or of all, with those that are settled or without; oldest first."""
        return await self._run(lambda: self._open.leases(payer, settled=settled))

    async def find(self, name: str) -> list[Lease]:
        """By the id of the lease or of its session, or by the first six characters or more of either."""
        return await self._run(lambda: self._open.find(name))

    async def session_ids(self, payer: Payer) -> frozenset[str]:
        """Of all sessions that a lease of this account names or has named."""
        return await self._run(lambda: self._open.session_ids(payer))

    async def openings(self, payer: Payer, boot_id: str) -> list[Lease]:
        """The latest few that were answered in that boot of this machine, oldest first."""
        return await self._run(lambda: self._open.openings(payer, boot_id))

    async def usage(self, payer: Payer, pipeline: str = "") -> Usage:
        """What the pipeline has spent today."""
        return await self._run(lambda: self._open.usage(payer, pipeline))

    @property
    def _open(self) -> Ledger:
        if self._ledger is None:
            raise RuntimeError("the lease book is not open; use it inside its `async with` block")
        return self._ledger

    async def _run(self, work: Callable[[], R]) -> R:
        job = _Job(work)
        try:
            return await to_thread.run_sync(job.run, limiter=self._turn)
        except BaseException:
            # A cancel of asyncio's own, unlike anyio's, comes through while the thread still works.
            if job.under_way():
                with anyio.CancelScope(shield=True):
                    await to_thread.run_sync(job.ended.wait, limiter=CapacityLimiter(1))
            raise


class _Job(Generic[R]):
    """Work that has either not begun, and then never will, or is waited for."""

    def __init__(self, work: Callable[[], R]) -> None:
        self._work, self._lock = work, threading.Lock()
        self._begun = self._dropped = False
        self.ended = threading.Event()

    def run(self) -> R:
        with self._lock:
            if self._dropped:
                raise RuntimeError("its caller was cancelled before it began")
            self._begun = True
        try:
            return self._work()
        finally:
            self.ended.set()

    def under_way(self) -> bool:
        """Whether it has begun and not ended; if it has not begun, it is dropped."""
        with self._lock:
            self._dropped = not self._begun
            return self._begun and not self.ended.is_set()
