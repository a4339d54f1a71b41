"""One component in one session: a bounded inbox and the task that empties it."""

from __future__ import annotations

import inspect
import logging
import math
from collections import deque
from contextvars import ContextVar
from types import CoroutineType
from typing import TYPE_CHECKING, Final

import anyio

from akoolflow.bus.routing import ONLY_EVENT, Component
from akoolflow.events import Event, EventsDropped, PluginFailed

if TYPE_CHECKING:
    from akoolflow.bus.bus import Bus, Channel

__all__ = ["Worker", "current_worker"]

log: Final = logging.getLogger(__name__)
current_worker: ContextVar[Worker | None] = ContextVar("akoolflow_worker", default=None)
"""The worker whose hook is running: what it publishes is caused by the event in its hands."""

_BATCH: Final = 1024
"""Events handled before the loop gets a turn, even if no hook ever waits."""
_ERROR_CHARS: Final = 300


class Worker:
    """Created at the first event for its component in this session; ends with the session's channel."""

    __slots__ = (
        "blocked_on",
        "capacity",
        "channel",
        "component",
        "current",
        "handled",
        "impatient",
        "overdue",
        "queue",
        "room",
        "scope",
        "sleeping",
        "unreported",
    )

    def __init__(self, component: Component, channel: Channel) -> None:
        self.component, self.channel = component, channel
        self.capacity = component.inbox.capacity
        self.queue: deque[Event] = deque()
        self.sleeping: anyio.Event | None = None
        """Set by the publisher to wake the task; None while it is awake."""
        self.room: anyio.Event | None = None
        """Publishers wait here while the inbox is full."""
        self.blocked_on: list[Worker] = []
        """Inboxes in which this worker's own hook waits for room: the edges in which a deadlock would show."""
        self.current: Event | None = None
        self.handled = 0
        self.unreported = 0
        self.overdue = self.impatient = False
        self.scope: anyio.CancelScope | None = None

    def wake(self) -> None:
        sleeping, self.sleeping = self.sleeping, None
        if sleeping is not None:
            sleeping.set()

    def drop_oldest(self, keep: int) -> None:
        while len(self.queue) > keep:
            self.queue.popleft()
            self.unreported += 1
            self.component.dropped += 1

    def waits_for(self, other: Worker) -> bool:
        """True if `other` would have to move before this one can: a wait of `other` for this would never end."""
        seen: set[int] = set()
        front = [self]
        while front:
            worker = front.pop()
            if worker is other:
                return True
            if id(worker) not in seen:
                seen.add(id(worker))
                front += worker.blocked_on
        return False

    async def run(self) -> None:
        current_worker.set(self)
        bus = self.channel.bus
        try:
            while not self.component.put_aside:
                with anyio.CancelScope() as self.scope:
                    await self._drain(bus)
                if not self.scope.cancelled_caught:
                    break
                self._after_timeout(bus)
        finally:
            self._give_room()
            bus.busy.discard(self)
            self.component.delivered += self.handled
            self.channel.worker_ended(self)

    async def _drain(self, bus: Bus) -> None:
        queue, busy, component = self.queue, bus.busy, self.component
        while not component.put_aside:
            busy.add(self)
            if bus.watchdog_sleeping is not None:
                bus.wake_watchdog()
            await self._handle_batch(bus)
            self.current = None
            if self.unreported:
                self.report_drops()
            if queue:
                await anyio.lowlevel.checkpoint()
                continue
            busy.discard(self)
            if self.channel.closing:
                return
            self.sleeping = anyio.Event()
            await self.sleeping.wait()

    async def _handle_batch(self, bus: Bus) -> None:  # noqa: C901 - see below
        # One flat loop on purpose: a call more for each event would cost a third of the whole delivery.
        queue, hooks = self.queue, self.component.hooks
        half = self.capacity // 2
        for _ in range(_BATCH):
            if not queue:
                return
            self.current = event = queue.popleft()
            for function, shape, hook in hooks[event.__class__]:
                try:
                    result = function(event) if shape is ONLY_EVENT else function(*self._arguments(shape, event))
                    if result is not None and (result.__class__ is CoroutineType or inspect.isawaitable(result)):
                        await result
                except Exception as error:  # noqa: BLE001 - isolation is the point: a component's bug stays its own
                    self._failed(bus, hook, error)
                except anyio.get_cancelled_exc_class() as error:
                    # A cancelled future inside a hook looks like our own cancellation; only ours may end the worker.
                    if self.scope is None or self.scope.cancel_called or _cancelled_from_outside():
                        raise
                    self._failed(bus, hook, error)
                else:
                    if self.component.failures:
                        self.component.failures = 0
            self.handled += 1
            if self.room is not None and len(queue) <= half:
                self._give_room()
            if self.overdue:  # the hook ended just as its time ran out
                self.current = None
                await anyio.lowlevel.checkpoint()

    def _arguments(self, shape: tuple[str, ...], event: Event) -> list[object]:
        return [event if name == "event" else self.channel.session for name in shape]

    def _after_timeout(self, bus: Bus) -> None:
        self.overdue = False
        if self.current is not None:
            hook = self.component.hooks[self.current.__class__][0][2]
            self._failed(bus, hook, TimeoutError(f"took longer than {bus.hook_timeout_s:g} s and was cancelled"))
            self.handled += 1
            self.current = None

    def _failed(self, bus: Bus, hook: str, error: BaseException) -> None:
        component, event = self.component, self.current
        component.failed += 1
        component.failures += 1
        log.debug("component %s failed in %s", component.name, hook, exc_info=error)
        put_aside = component.failures >= bus.max_failures and not component.put_aside
        if put_aside:
            bus.put_aside(component)
        if not put_aside and isinstance(event, PluginFailed) and event.component == component.name:
            return  # its failure to hear of its failure is counted, but telling it again would never end
        text = f"{type(error).__name__}: {error}"[:_ERROR_CHARS]
        report = PluginFailed(
            component=component.name, hook=hook, error=text, count=component.failures, put_aside=put_aside
        )
        self.channel.post(report, cause=event)

    def report_drops(self) -> None:
        count, self.unreported = self.unreported, 0
        self.channel.post(EventsDropped(component=self.component.name, count=count), cause=self.current)

    def _give_room(self) -> None:
        self.impatient = False
        room, self.room = self.room, None
        if room is not None:
            room.set()


def _cancelled_from_outside() -> bool:
    return anyio.current_effective_deadline() == -math.inf
