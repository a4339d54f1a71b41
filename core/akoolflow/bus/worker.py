"""One component in one session: a bounded inbox and how its events are handled."""

from __future__ import annotations

import inspect
import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final

import anyio

from akoolflow.bus.failures import fail
from akoolflow.bus.loop import cancelled_from_outside
from akoolflow.bus.room import Room
from akoolflow.bus.routing import ONLY_EVENT, Component, Hook
from akoolflow.events import Event, EventsDropped

if TYPE_CHECKING:
    from akoolflow.bus.channel import Channel

__all__ = ["Worker", "current_worker"]

current_worker: ContextVar[Worker | None] = ContextVar("akoolflow_worker", default=None)
"""The worker whose hook is running, in its own task and in those that it starts."""

_BATCH: Final = 64
_TURN_S: Final = 0.001
"""How long a worker may go on while others are ready, even if no hook ever waits; looked at after each batch."""
_REPORT_EVERY_S: Final = 1.0
"""Drops are reported when the inbox is empty, and this often while it stays full."""


class Worker:
    """The inbox of a component in one session. While there is something in it, a task of the crew is lent to it."""

    __slots__ = (
        *("attention", "capacity", "channel", "component", "current", "failed_on", "failures", "gone", "handled"),
        *("hook", "idle", "overdue", "pressed", "put_aside", "queue", "reported_at_s", "rest", "room", "scope"),
        *("spoilt", "task_id", "telling", "told_of_news", "unreported"),
    )

    def __init__(self, component: Component, channel: Channel) -> None:
        self.component, self.channel = component, channel
        self.capacity = component.inbox.capacity
        self.queue: deque[Event] = deque()
        self.room = Room()
        self.pressed = False
        """`room` is to be looked at when half of the inbox is empty."""
        self.attention = False
        """One flag for all else that is to be looked at between two events."""
        self.idle = True
        """False from the moment it is handed to the crew until its inbox is empty."""
        # -- what it is doing --
        self.current: Event | None = None
        self.hook = "?"
        """The one that was called last."""
        self.rest: tuple[Hook, ...] = ()
        """Hooks still to be called for `current`, after one before them took too long."""
        self.handled = 0
        self.failures = 0
        """In a row."""
        self.failed_on: Event | None = None
        self.told_of_news = False
        """It has been told that this one fails on the bus's own news."""
        self.put_aside = self.gone = False
        # -- drops --
        self.unreported = 0
        self.telling = False
        """True if more than reports of drops was dropped: telling of those alone could go on for ever."""
        self.reported_at_s = -math.inf
        # -- the task it is lent, see `crew` --
        self.task_id: int | None = None
        self.scope: anyio.CancelScope | None = None
        self.overdue = False
        """`scope` is cancelled, and the task leaves it before it does anything else."""
        self.spoilt = False
        """A hook brought the task a cancellation that is not ours: it must not be used any further."""

    # -- handling --

    async def work(self) -> None:
        """Handle what waits, for as long as is fair to the others; `idle` says whether that was all."""
        if self.rest and self.current is not None:
            rest, self.rest = self.rest, ()
            self.queue.appendleft(self.current)
            await self._handle({self.current.__class__: rest}, 1)
        turn_ends = time.monotonic() + _TURN_S
        while not self.spoilt:
            await self._handle(self.component.hooks, _BATCH)
            if not self.queue and self.telling:
                self.report_drops()
            if not self.queue or time.monotonic() >= turn_ends:
                break
        self.current = None
        if not self.queue and not self.telling:
            self.idle = True
            self.channel.worker_rests(self)

    async def _handle(self, hooks: Mapping[type[Event], tuple[Hook, ...]], limit: int) -> None:  # noqa: C901 - see below
        # One flat loop on purpose: a call more for each event would cost a third of the whole delivery.
        queue, half = self.queue, self.capacity // 2
        for _ in range(limit):
            if not queue:
                return
            self.current = event = queue.popleft()
            if self.pressed and len(queue) <= half:
                self.give_room()
            for function, shape, self.hook in hooks[event.__class__]:
                try:
                    result = function(event) if shape is ONLY_EVENT else function(*self._arguments(shape, event))
                    if result is not None and (result.__class__ is CoroutineType or inspect.isawaitable(result)):
                        await result
                except BaseException as error:  # isolation is the point: a bug stays its component's own
                    if self._passes_through(error):
                        self._keep_rest(hooks[event.__class__], function)
                        raise
                    if not self.overdue:  # else it was counted when its time ran out
                        fail(self, error)
            self.handled += 1
            if self.failures and self.failed_on is not event:
                self.failures = 0
            if self.attention and await self._must_leave():
                return

    def _keep_rest(self, hooks: tuple[Hook, ...], interrupted: Callable[..., Any]) -> None:
        functions = [function for function, _, _ in hooks]
        self.rest = () if self.put_aside else hooks[functions.index(interrupted) + 1 :]

    def _arguments(self, shape: tuple[str, ...], event: Event) -> list[object]:
        return [event if name == "event" else self.channel.session for name in shape]

    def _passes_through(self, error: BaseException) -> bool:
        """True for what is no failure of the hook: the user's Ctrl-C, and our own cancellation."""
        if isinstance(error, KeyboardInterrupt | GeneratorExit):
            return True
        if isinstance(error, BaseExceptionGroup):
            return error.subgroup(KeyboardInterrupt) is not None
        if not isinstance(error, anyio.get_cancelled_exc_class()):
            return False
        ours = self.overdue or cancelled_from_outside()
        self.spoilt = self.attention = not ours
        return ours

    async def _must_leave(self) -> bool:
        """Look at all that `attention` stands for; True if the task is to be given back."""
        if self.telling and self.channel.bus.clock() >= self.reported_at_s + _REPORT_EVERY_S:
            self.report_drops()
        self.attention = self.telling
        if self.overdue:
            self.current = None
            await anyio.lowlevel.checkpoint()  # the hook ended all the same; the cancellation has to end here, too
        return self.spoilt

    # -- being stopped --

    def stop(self) -> None:
        """Nothing more is delivered to it."""
        self.put_aside = True
        self.channel.reroute()

    def cut_off(self, why: str) -> None:
        """Stop it for good in whatever it is doing, and tell."""
        if self.task_id is None:
            self.stop()
            self.discard()
            self.report_drops()
        else:
            fail(self, TimeoutError(why), for_good=True)
            self.cancel_hook()

    def dismiss(self) -> None:
        """Its component or its session is gone: nothing more is handled, and nothing told of what is let go."""
        if self.unreported:
            self.report_drops()
        self.put_aside = self.gone = True
        self.discard()
        self.unreported, self.telling = 0, False
        if self.task_id is None:
            self._settle()

    def cancel_hook(self) -> None:
        if self.scope is not None:
            self.overdue = self.attention = True
            self.scope.cancel()

    def task_returned(self) -> None:
        """The task it was lent is back, in whatever way."""
        self.task_id = self.scope = None
        self.overdue = False
        if self.current is not None and (self.gone or not self.rest):
            self._close_current()
        if self.gone:
            self._settle()

    def _close_current(self) -> None:
        self.rest = ()
        self.current = None
        self.handled += 1  # cut short, but handled

    def _settle(self) -> None:
        self.component.delivered += self.handled
        self.handled = 0

    # -- drops --

    def drop_oldest(self, keep: int) -> None:
        while len(self.queue) > keep:
            self._count_lost(self.queue.popleft())

    def drop_newest(self) -> None:
        self._count_lost(self.queue.pop())

    def _count_lost(self, lost: Event) -> None:
        self.unreported += 1
        self.component.dropped += 1
        if lost.__class__ is not EventsDropped:
            self.telling = self.attention = True

    def discard(self) -> None:
        """Let go of everything that waits, events and publishers."""
        self.drop_oldest(0)
        if self.rest:
            self._close_current()
        self.give_room()

    def report_drops(self) -> None:
        count, self.unreported, self.telling = self.unreported, 0, False
        self.reported_at_s = self.channel.bus.clock()
        if count:
            self.channel.report(EventsDropped(component=self.component.name, count=count), cause=None)

    def give_room(self) -> None:
        self.pressed = False
        self.room.give()
