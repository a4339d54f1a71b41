"""One running simulator: the pure service with a clock, a store, faults and a request log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import anyio

from akoolflow.simulator.rest.backend import Backend, Shelves
from akoolflow.simulator.rest.endpoint import Answer, Asked, Endpoint, answer
from akoolflow.simulator.rest.endpoints import check_faults
from akoolflow.simulator.rest.faults import Fault, Faults
from akoolflow.simulator.rest.options import Switches
from akoolflow.simulator.web.clock import Clock
from akoolflow.simulator.web.journal import Journal
from akoolflow.simulator.web.store import Store

__all__ = ["Drop", "Host"]

Drop: TypeAlias = Callable[[Any], None]
"""Ends a client's connection at once, without a word; `client` is what ASGI calls it."""


def _cannot_drop(client: Any) -> None:
    raise ConnectionAbortedError(f"no connection to drop for {client}")


class Host:
    def __init__(self, switches: Switches, *, store: Store | None = None, journal: Journal | None = None) -> None:
        """:raises OptionInvalid: a fault names no call."""
        check_faults(switches.fault)
        shelves, self.clock = store.load() if store else (Shelves(), Clock())
        self.switches = switches
        self.backend = Backend(switches, shelves)
        self.faults = Faults(switches.fault, switches.simulator.seed)
        self.journal = journal or Journal()
        self.drop: Drop = _cannot_drop
        self.sleep = anyio.sleep
        self._store = store

    def answer(self, endpoint: Endpoint, asked: Asked) -> tuple[Answer, int]:
        """The answer and the account's uid; what follows from it is on disk when this returns."""
        made = answer(self.backend, endpoint, asked, self.clock.now())
        self.save()
        return made

    def set_faults(self, faults: Sequence[Fault]) -> None:
        """:raises OptionInvalid: a fault names no call."""
        check_faults(faults)
        self.faults = Faults(faults, self.switches.simulator.seed)

    def advance(self, by_s: float) -> float:
        """Put the clock forward, and let happen what is due."""
        now = self.clock.advance(by_s)
        self.backend.settle(now)
        self.save()
        return now

    def fail(self, session_id: str) -> bool:
        """End a session with status 4; False if there is none that is open."""
        failed = self.backend.fail(session_id, self.clock.now())
        self.save()
        return failed

    def reset(self) -> None:
        """Forget everything but the time: sessions, credits spent, uploads, knowledge, the log; faults start anew."""
        for shelf in self.backend.shelves:
            for key in list(shelf):
                del shelf[key]
        self.save()
        self.backend = Backend(self.switches, self.backend.shelves)
        self.set_faults(self.switches.fault)
        self.journal.clear()

    def save(self) -> None:
        if self._store is not None:
            self._store.save(self.backend.shelves, self.clock)
        else:
            for shelf in self.backend.shelves:
                shelf.take_changes()
