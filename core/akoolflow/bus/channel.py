"""Publishing in one session: stamp an event, lay it in the inbox of each component that asked for its type."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from msgspec.structs import replace

from akoolflow.bus.room import in_own_task, most, press
from akoolflow.bus.routing import Component, Inbox, component_of_handler
from akoolflow.bus.worker import Worker, current_worker
from akoolflow.errors import BusClosed, BusError
from akoolflow.events import EVENT_TYPES, Event

if TYPE_CHECKING:
    from akoolflow.bus.bus import Bus

__all__ = ["Channel"]

E = TypeVar("E", bound=Event)


class Channel:
    """One session's stream through the bus. Every component sees its events in sequence order."""

    __slots__ = (
        "_active",
        "_ended",
        "_own",
        "_quiet",
        "_routes",
        "bus",
        "closed",
        "closing",
        "id",
        "seq",
        "session",
        "workers",
    )

    def __init__(self, bus: Bus, session_id: str, session: object) -> None:
        self.bus, self.id, self.session = bus, session_id, session
        self.seq = 0
        self.closing = False
        """Only hooks of this session may still publish, until all have handled what they have."""
        self.closed = False
        self.workers: dict[Component, Worker] = {}
        self._routes: dict[type[Event], tuple[Worker, ...]] = {}
        self._own: list[Component] = []
        """Subscribed to this session only."""
        self._active: set[Worker] = set()
        """Those that have something to do."""
        self._quiet: anyio.Event | None = None
        self._ended: anyio.Event | None = None

    @contextmanager
    def subscribe(
        self, event_type: type[E], handler: Callable[..., Any], *, name: str, inbox: Inbox | None = None
    ) -> Iterator[None]:
        """As `Bus.subscribe`, for this session's events only, while in the block."""
        component = component_of_handler(event_type, handler, name, inbox or Inbox())
        self._own.append(component)
        self.reroute()
        try:
            yield
        finally:
            self._own.remove(component)
            self.remove(component)

    # -- publishing --

    async def publish(self, event: E, *, turn: int | None = None, cause: Event | None = None) -> E:
        """Stamp `event` and hand it to every component that wants its type; returns the stamped copy.

        Inside a hook, `cause` and `turn` default to those of the event in hand; a task that outlives the hook that
        started it should name them. Waits while a component that pushes back is full, at most its `max_wait_s`; if that
        wait is cancelled, the event has been published all the same.

        :raises BusClosed: the channel or the bus has ended.
        :raises FeedbackLoop: this hook's own events fill the inbox it would have to wait for; nobody gets this one.
        """
        cause_seq = 0
        if self.closing or cause is not None or current_worker.get() is not None:
            turn, cause_seq = self._origin(turn, cause)
        stamped, crowded = self._deliver(event, turn or 0, cause_seq)
        if crowded:
            await press(crowded, current_worker.get(), stamped, self._take_back)
        return stamped

    def post(self, event: E, *, turn: int | None = None, cause: Event | None = None) -> E:
        """As `publish`, but never waits: a full inbox goes into overdraft, then drops its oldest."""
        turn, cause_seq = self._origin(turn, cause)
        stamped, crowded = self._deliver(event, turn or 0, cause_seq)
        for full in crowded or ():
            full.drop_oldest(most(full))
        return stamped

    def report(self, event: Event, cause: Event | None) -> None:
        """As `post`, for the bus's own news: taken even while closing, and first to go where there is no room left."""
        if self.closed:
            return
        _, crowded = self._deliver(event, cause.turn if cause else 0, cause.seq if cause else 0)
        for full in crowded or ():
            if full.component.inbox.when_full == "drop_oldest":
                full.drop_oldest(full.capacity)
            elif len(full.queue) > most(full):
                full.drop_newest()

    def _origin(self, turn: int | None, cause: Event | None) -> tuple[int | None, int]:
        own = current_worker.get()
        inside = own is not None and own.channel is self
        if self.closed or (self.closing and not inside):
            raise BusClosed
        if cause is None and own is not None and inside:
            cause = own.current
        if cause is None or cause.session != self.id:  # another session's numbers mean nothing here
            return turn, 0
        return (cause.turn if turn is None else turn), cause.seq

    def _deliver(self, event: E, turn: int, cause_seq: int) -> tuple[E, list[Worker] | None]:
        kind = event.__class__
        workers = self._routes.get(kind)
        if workers is None:
            workers = self._route(kind)
        bus, seq = self.bus, self.seq + 1
        unix_s, now_s = bus.wall_clock(), bus.clock()
        stamped = replace(event, session=self.id, seq=seq, turn=turn, cause=cause_seq, unix_s=unix_s, monotonic_s=now_s)
        self.seq = seq
        crowded: list[Worker] | None = None
        for worker in workers:
            queue = worker.queue
            queue.append(stamped)
            if worker.idle:
                self._rouse(worker)
            if len(queue) >= worker.capacity:
                crowded = [*(crowded or ()), worker]
        return stamped, crowded

    def _take_back(self, event: Event) -> None:
        """Undo `_deliver`: nobody has had a turn since."""
        self.seq -= 1
        for worker in self._routes[event.__class__]:
            worker.queue.pop()

    # -- workers --

    def _route(self, kind: type[Event]) -> tuple[Worker, ...]:
        if kind not in EVENT_TYPES:
            raise BusError(f"cannot publish a {kind.__name__}: it is not in the vocabulary of akoolflow.events")
        workers = []
        for component in (*self.bus.wanted(kind), *[own for own in self._own if kind in own.hooks]):
            worker = self.workers.get(component)
            if worker is None:
                worker = self.workers[component] = Worker(component, self)
            if not worker.put_aside:
                workers.append(worker)
        self._routes[kind] = tuple(workers)
        return self._routes[kind]

    def reroute(self) -> None:
        """The set of components has changed; routes are made anew as events come."""
        self._routes.clear()

    def remove(self, component: Component) -> None:
        """Take a component out of this session; the event in its hands is its last."""
        self.reroute()
        worker = self.workers.pop(component, None)
        if worker is not None:
            worker.dismiss()

    def restore(self, component: Component) -> bool:
        """Deliver to it again, if it was put aside."""
        self.reroute()
        worker = self.workers.get(component)
        if worker is None or not worker.put_aside:
            return False
        worker.put_aside, worker.failures = False, 0
        return True

    def _rouse(self, worker: Worker) -> None:
        worker.idle = False
        self._active.add(worker)
        self.bus.crew.schedule(worker)

    def worker_rests(self, worker: Worker) -> None:
        self._active.discard(worker)
        if self._quiet is not None and not self._active:
            self._quiet.set()

    # -- the end --

    @property
    def at_rest(self) -> bool:
        """True if nobody has anything to handle or to tell."""
        return not self._active and not any(worker.unreported for worker in self.workers.values())

    async def aclose(self) -> None:
        """Take no more events; return when every component has handled its own, or the bus's deadline has passed.

        What hooks of this session publish meanwhile is still taken and handled. Called in one of them, it returns at
        once: this hook has to end before the session can.
        """
        if self.closed:
            return
        ended, first = self._ended or anyio.Event(), self._ended is None
        if first:
            self._ended = ended
            self._begin_end()
        own = current_worker.get()
        if own is not None and own.channel is self and in_own_task(own):
            if first:
                self.bus.start(self._end)
        elif first:
            await self._end()
        else:
            await ended.wait()

    def _begin_end(self) -> None:
        self.closing = True
        for worker in [worker for worker in self.workers.values() if worker.unreported]:
            worker.telling = True
            if worker.idle:
                self._rouse(worker)

    async def _end(self) -> None:
        try:
            for patience_s in (self.bus.close_timeout_s, self.bus.close_timeout_s / 4):
                if self._active:
                    self._quiet = anyio.Event()
                    with anyio.move_on_after(patience_s):
                        await self._quiet.wait()
                for worker in list(self._active):
                    worker.cut_off("had not ended when the session closed, and was cancelled")
        finally:
            self.finish()

    def finish(self) -> None:
        """End at once: what still waits is dropped, hooks that still run are cancelled."""
        if self.closed:
            return
        self.closing = self.closed = True
        for worker in {*self.workers.values(), *self._active}:
            worker.cancel_hook()
            worker.dismiss()
        self.workers.clear()
        self._routes.clear()
        self.bus.forget(self)
        if self._ended is not None:
            self._ended.set()
