"""Publishing: stamp an event, lay it in the inbox of each component that asked for its type."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import anyio
from anyio.abc import TaskGroup
from msgspec import Struct
from msgspec.structs import replace

from akoolflow.bus.clock import loop_clock
from akoolflow.bus.routing import Component, Inbox, component_of, component_of_handler, new_plugin_manager
from akoolflow.bus.worker import Worker, current_worker
from akoolflow.errors import BusClosed, FeedbackLoop, HookInvalid
from akoolflow.events import EVENT_TYPES, Event

__all__ = ["Bus", "BusStatistics", "Channel", "ComponentStatistics", "Subscription"]

E = TypeVar("E", bound=Event)
_OVERDRAFT: Final = 2
"""An inbox may hold this many times its capacity when waiting for room would never end."""


class ComponentStatistics(Struct, frozen=True, kw_only=True):
    name: str
    delivered: int
    """Events handled, well or not."""
    failed: int
    dropped: int
    waiting: int
    """Events in its inboxes now."""
    put_aside: bool


class BusStatistics(Struct, frozen=True, kw_only=True):
    published: int
    sessions: int
    """Channels open now."""
    components: tuple[ComponentStatistics, ...]


class Subscription:
    """What `subscribe` and `register` return; `cancel()` ends it, and so does leaving its `with` block."""

    __slots__ = ("_bus", "component")

    def __init__(self, bus: Bus, component: Component) -> None:
        self._bus, self.component = bus, component

    def cancel(self) -> None:
        self._bus.remove(self.component)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.cancel()


class Bus:
    """Routes events to components; one for a whole program, with a channel for each session.

    Use it as `async with Bus() as bus:`; components may be added before or inside the block.
    """

    def __init__(
        self,
        *,
        hook_timeout_s: float = 10.0,
        max_failures: int = 5,
        close_timeout_s: float = 5.0,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """
        :param hook_timeout_s: a hook still waiting after this (up to a quarter more) is cancelled and counts as failed.
        :param max_failures: failures in a row after which a component is put aside.
        :param close_timeout_s: longest wait, at the end, for components to handle what is in their inboxes.
        """
        self.hook_timeout_s, self.max_failures = hook_timeout_s, max_failures
        self.close_timeout_s, self.wall_clock = close_timeout_s, wall_clock
        self.busy: set[Worker] = set()
        self.watchdog_sleeping: anyio.Event | None = None
        self._manager = new_plugin_manager()
        self._components: list[Component] = []
        self._channels: set[Channel] = set()
        self._published = 0
        self._default: Channel | None = None
        self._group: TaskGroup | None = None
        self.clock: Callable[[], float] = time.monotonic

    # -- components --

    def register(self, component: object, *, name: str | None = None, inbox: Inbox | None = None) -> Subscription:
        """Add an object whose methods are marked `@hookimpl`; its own `inbox` attribute is the default rule.

        :raises HookInvalid: a hook is misspelt or asks for arguments that are not offered.
        """
        rule = inbox or getattr(component, "inbox", None) or Inbox()
        return self._add(component_of(self._manager, component, name, rule))

    def subscribe(
        self, event_type: type[E], handler: Callable[..., Any], *, name: str | None = None, inbox: Inbox | None = None
    ) -> Subscription:
        """Call `handler(event)` or `handler(event, session)`, sync or async, for each event of this type.

        `Event` itself stands for all types. Each subscription has an inbox and a task of its own.
        """
        if event_type is not Event and event_type not in EVENT_TYPES:
            raise HookInvalid(name or repr(handler), "subscribe", f"{event_type!r} is no event type")
        label = name or str(getattr(handler, "__qualname__", type(handler).__name__))
        return self._add(component_of_handler(event_type, handler, label, inbox or Inbox()))

    def remove(self, component: Component) -> None:
        """Take a component off the bus; what waits in its inboxes is let go."""
        component.put_aside = True
        if component in self._components:
            self._components.remove(component)
            if self._manager.is_registered(component.subject):
                self._manager.unregister(component.subject)
        self._reroute(component)

    def put_aside(self, component: Component) -> None:
        """Stop delivering to a component that keeps failing; `restore` takes it back."""
        component.put_aside = True
        self._reroute(component)

    def restore(self, name: str) -> bool:
        """Deliver again to a component that was put aside; False if there is none of this name."""
        found = [c for c in self._components if c.name == name and c.put_aside]
        for component in found:
            component.put_aside, component.failures = False, 0
        self._reroute(None)
        return bool(found)

    def wanted(self, event_type: type[Event]) -> tuple[Component, ...]:
        return tuple(c for c in self._components if event_type in c.hooks and not c.put_aside)

    def statistics(self) -> BusStatistics:
        waiting = dict.fromkeys(self._components, 0)
        delivered = {c: c.delivered for c in self._components}
        for channel in self._channels:
            for c, worker in channel.workers.items():
                waiting[c] = waiting.get(c, 0) + len(worker.queue)
                delivered[c] = delivered.get(c, 0) + worker.handled
        rows = tuple(
            ComponentStatistics(
                name=c.name,
                delivered=delivered[c],
                failed=c.failed,
                dropped=c.dropped,
                waiting=waiting[c],
                put_aside=c.put_aside,
            )
            for c in self._components
        )
        published = self._published + sum(channel.seq for channel in self._channels)
        return BusStatistics(published=published, sessions=len(self._channels), components=rows)

    def _add(self, component: Component) -> Subscription:
        self._components.append(component)
        self._reroute(None)
        return Subscription(self, component)

    def _reroute(self, gone: Component | None) -> None:
        for channel in self._channels:
            channel.reroute(gone)

    # -- events --

    async def publish(self, event: E, *, turn: int | None = None, cause: Event | None = None) -> E:
        """Publish outside any session; returns the stamped event. See `Channel.publish`."""
        if self._default is None:
            self._default = self.channel("", None)
        return await self._default.publish(event, turn=turn, cause=cause)

    def channel(self, session_id: str, session: object) -> Channel:
        """A stream of its own for one session: own sequence numbers, own inboxes. Close it at the end."""
        if self._group is None:
            raise BusClosed
        channel = Channel(self, session_id, session)
        self._channels.add(channel)
        return channel

    def start(self, worker: Worker) -> None:
        if self._group is None:
            raise BusClosed
        self._group.start_soon(worker.run, name=f"akoolflow {worker.component.name}")

    def forget(self, channel: Channel) -> None:
        if channel in self._channels:
            self._channels.discard(channel)
            self._published += channel.seq

    # -- life --

    async def __aenter__(self) -> Self:
        self.clock = loop_clock()
        self._group = anyio.create_task_group()
        await self._group.__aenter__()
        self._group.start_soon(self._watch, name="akoolflow watchdog")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        group = self._group
        assert group is not None  # noqa: S101 - entered
        try:
            if kind is None:
                async with anyio.create_task_group() as closing:
                    for channel in list(self._channels):
                        closing.start_soon(channel.aclose)
        finally:
            self._group = None
            group.cancel_scope.cancel()
            suppressed = await group.__aexit__(kind, error, trace)
        return suppressed

    def wake_watchdog(self) -> None:
        sleeping, self.watchdog_sleeping = self.watchdog_sleeping, None
        if sleeping is not None:
            sleeping.set()

    async def _watch(self) -> None:
        """Cancel hooks that take too long. A look now and then costs nothing per event, unlike a timeout each."""
        seen: dict[Worker, tuple[int, float]] = {}
        while True:
            if not self.busy:
                seen.clear()
                self.watchdog_sleeping = anyio.Event()
                await self.watchdog_sleeping.wait()
            await anyio.sleep(self.hook_timeout_s / 8)
            now = self.clock()
            seen = {w: seen[w] if w in seen and seen[w][0] == w.handled else (w.handled, now) for w in self.busy}
            for worker, (_, since) in seen.items():
                if worker.blocked_on:
                    seen[worker] = (worker.handled, now)
                elif now - since >= self.hook_timeout_s and worker.scope is not None and not worker.overdue:
                    worker.overdue = True
                    worker.scope.cancel()


class Channel:
    """One session's stream through the bus. Every component sees its events in sequence order."""

    __slots__ = ("_ended", "_routes", "bus", "closing", "id", "seq", "session", "workers")

    def __init__(self, bus: Bus, session_id: str, session: object) -> None:
        self.bus, self.id, self.session = bus, session_id, session
        self.seq = 0
        self.closing = False
        self.workers: dict[Component, Worker] = {}
        self._routes: dict[type[Event], tuple[Worker, ...]] = {}
        self._ended: anyio.Event | None = None

    async def publish(self, event: E, *, turn: int | None = None, cause: Event | None = None) -> E:
        """Stamp `event` and hand it to every component that wants its type; returns the stamped copy.

        Inside a hook, `cause` and `turn` default to those of the event in hand. Waits while a component that pushes
        back is full, at most its `max_wait_s`.

        :raises BusClosed: the channel or the bus has ended.
        :raises FeedbackLoop: this hook's own events fill the inbox it would have to wait for.
        """
        stamped, crowded = self._deliver(event, turn, cause)
        if crowded:
            for worker in crowded:
                if len(worker.queue) >= worker.capacity:
                    await self._relieve(worker, stamped)
        return stamped

    def post(self, event: E, *, turn: int | None = None, cause: Event | None = None) -> E:
        """As `publish`, but never waits: a full inbox goes into overdraft, then drops its oldest."""
        stamped, crowded = self._deliver(event, turn, cause)
        for worker in crowded or ():
            allowed = 1 if worker.component.inbox.when_full == "drop_oldest" else _OVERDRAFT
            worker.drop_oldest(allowed * worker.capacity)
        return stamped

    def _deliver(self, event: E, turn: int | None, cause: Event | None) -> tuple[E, list[Worker] | None]:
        if self.closing:
            raise BusClosed
        if cause is None:
            worker = current_worker.get()
            if worker is not None and worker.channel is self:
                cause = worker.current
        cause_seq = 0
        if cause is not None:
            cause_seq = cause.seq
            if turn is None:
                turn = cause.turn
        kind = event.__class__
        workers = self._routes.get(kind)
        if workers is None:
            workers = self._route(kind)
        self.seq = seq = self.seq + 1
        bus = self.bus
        stamped = replace(
            event,
            session=self.id,
            seq=seq,
            turn=turn or 0,
            cause=cause_seq,
            unix_s=bus.wall_clock(),
            monotonic_s=bus.clock(),
        )
        crowded: list[Worker] | None = None
        for worker in workers:
            queue = worker.queue
            queue.append(stamped)
            if worker.sleeping is not None:
                worker.wake()
            if len(queue) >= worker.capacity:
                crowded = [*(crowded or ()), worker]
        return stamped, crowded

    async def _relieve(self, full: Worker, event: Event) -> None:
        own = current_worker.get()
        rule = full.component.inbox
        if own is not None and full.waits_for(own):
            if len(full.queue) >= _OVERDRAFT * full.capacity:
                raise FeedbackLoop(own.component.name, type(event).__name__, len(full.queue))
            return
        if rule.when_full == "drop_oldest" or full.impatient:
            await anyio.lowlevel.checkpoint()  # a quick component is only behind because it had no turn yet
            full.drop_oldest(full.capacity)
            return
        if full.room is None:
            full.room = anyio.Event()
        room = full.room
        if own is not None:
            own.blocked_on.append(full)
        try:
            with anyio.move_on_after(rule.max_wait_s) as patience:
                await room.wait()
        finally:
            if own is not None:
                own.blocked_on.remove(full)
        if patience.cancelled_caught:
            full.impatient = True
            full.drop_oldest(full.capacity)

    def _route(self, kind: type[Event]) -> tuple[Worker, ...]:
        workers = []
        for component in self.bus.wanted(kind):
            worker = self.workers.get(component)
            if worker is None:
                worker = self.workers[component] = Worker(component, self)
                self.bus.start(worker)
            workers.append(worker)
        self._routes[kind] = tuple(workers)
        return self._routes[kind]

    def reroute(self, gone: Component | None) -> None:
        """The set of components has changed; routes are made anew as events come."""
        self._routes.clear()
        worker = self.workers.pop(gone, None) if gone is not None else None
        if worker is not None:
            worker.queue.clear()
            worker.wake()

    def worker_ended(self, worker: Worker) -> None:
        if self.workers.get(worker.component) is worker:
            del self.workers[worker.component]
            self._routes.clear()
        if self._ended is not None and not self.workers:
            self._ended.set()

    async def aclose(self) -> None:
        """Take no more events; return when every component has handled its own, or the bus's deadline has passed."""
        if self.closing:
            return
        self.closing = True
        self._ended = anyio.Event()
        for worker in list(self.workers.values()):
            worker.wake()
        if self.workers:
            with anyio.move_on_after(self.bus.close_timeout_s):
                await self._ended.wait()
        for worker in list(self.workers.values()):
            worker.component.dropped += len(worker.queue)
            worker.queue.clear()
            if worker.scope is not None:
                worker.scope.cancel()
        self.bus.forget(self)
