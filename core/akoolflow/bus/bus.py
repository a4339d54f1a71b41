"""The bus: components on one side, sessions on the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

import anyio
from anyio.abc import TaskGroup

from akoolflow.bus.channel import Channel
from akoolflow.bus.crew import Crew
from akoolflow.bus.loop import loop_clock
from akoolflow.bus.routing import Component, Inbox, component_of, component_of_handler, new_plugin_manager
from akoolflow.bus.statistics import BusStatistics, ComponentStatistics
from akoolflow.errors import BusClosed, BusError, OptionInvalid
from akoolflow.events import Event

__all__ = ["Bus", "Subscription"]

E = TypeVar("E", bound=Event)


class Subscription:
    """What `subscribe` and `register` return; `cancel()` ends it, and so does leaving its `with` block."""

    __slots__ = ("_bus", "component")

    def __init__(self, bus: Bus, component: Component) -> None:
        self._bus, self.component = bus, component

    def cancel(self) -> None:
        """Take the component off the bus. The event in its hands is its last; what waits in its inboxes is let go."""
        self._bus.remove(self.component)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.cancel()


class Bus:
    """Routes events to components; one for a whole program, with a channel for each session.

    Use it as `async with Bus() as bus:`; components may be added before or inside the block. At its end, also by an
    exception or a cancellation, components may still handle what they have, for as long as `close_timeout_s`.
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
        :param max_failures: failures in a row, in one session, after which a component is put aside there.
        :param close_timeout_s: longest wait at the end (up to a quarter more) for components to handle what they have.

        :raises OptionInvalid: a time or a number with which nothing could work.
        """
        if not hook_timeout_s > 0:
            raise OptionInvalid("hook_timeout_s", f"a time limit of {hook_timeout_s} s", "more than 0 seconds")
        if max_failures < 1:
            raise OptionInvalid("max_failures", f"{max_failures} failures", "1 or more")
        if not close_timeout_s >= 0:
            raise OptionInvalid("close_timeout_s", f"a wait of {close_timeout_s} s", "0 or more seconds")
        self.hook_timeout_s, self.max_failures = hook_timeout_s, max_failures
        self.close_timeout_s, self.wall_clock = close_timeout_s, wall_clock
        self.clock: Callable[[], float] = time.monotonic
        self._manager = new_plugin_manager()
        self._components: list[Component] = []
        self._channels: set[Channel] = set()
        self._published = 0
        self._default: Channel | None = None
        self._group: TaskGroup | None = None
        self._crew: Crew | None = None

    # -- components --

    def register(self, component: object, *, name: str | None = None, inbox: Inbox | None = None) -> Subscription:
        """Add an object whose methods are marked `@hookimpl`; its own `inbox` attribute is the default rule.

        :raises HookInvalid: a hook is misspelt or asks for arguments that are not offered.
        """
        return self._add(component_of(self._manager, component, name, inbox))

    def subscribe(
        self, event_type: type[E], handler: Callable[..., Any], *, name: str | None = None, inbox: Inbox | None = None
    ) -> Subscription:
        """Call `handler(event)` or `handler(event, session)`, sync or async, for each event of this type.

        `Event` itself stands for all types. Each subscription has an inbox of its own.

        :raises HookInvalid: this is no event type, or the handler cannot be called so.
        """
        label = name or str(getattr(handler, "__qualname__", type(handler).__name__))
        return self._add(component_of_handler(event_type, handler, label, inbox or Inbox()))

    def remove(self, component: Component) -> None:
        """As `Subscription.cancel`."""
        if component not in self._components:
            return
        self._components.remove(component)
        if component.registered:
            self._manager.unregister(name=component.name)
        for channel in self._channels:
            channel.remove(component)

    def restore(self, name: str) -> bool:
        """Deliver again to a component that was put aside, in all sessions; False if there is none of this name."""
        named = [component for component in self._components if component.name == name]
        restored = [channel.restore(component) for component in named for channel in self._channels]
        return any(restored)

    def wanted(self, event_type: type[Event]) -> list[Component]:
        return [component for component in self._components if event_type in component.hooks]

    def statistics(self) -> BusStatistics:
        rows = tuple(self._statistics_of(component) for component in self._components)
        published = self._published + sum(channel.seq for channel in self._channels)
        return BusStatistics(published=published, sessions=len(self._channels), components=rows)

    def _statistics_of(self, component: Component) -> ComponentStatistics:
        workers = [channel.workers[component] for channel in self._channels if component in channel.workers]
        return ComponentStatistics(
            name=component.name,
            delivered=component.delivered + sum(worker.handled for worker in workers),
            failed=component.failed,
            dropped=component.dropped,
            waiting=sum(len(worker.queue) for worker in workers),
            put_aside=any(worker.put_aside for worker in workers),
        )

    def _add(self, component: Component) -> Subscription:
        self._components.append(component)
        for channel in self._channels:
            channel.reroute()
        return Subscription(self, component)

    # -- events --

    async def publish(self, event: E, *, turn: int | None = None, cause: Event | None = None) -> E:
        """Publish outside any session; returns the stamped event. See `Channel.publish`."""
        if self._default is None:
            self._default = self.channel("", None)
        return await self._default.publish(event, turn=turn, cause=cause)

    def channel(self, session_id: str, session: object) -> Channel:
        """A stream of its own for one session: own sequence numbers, own inboxes. Close it at the end.

        :raises BusClosed: outside the bus's block.
        """
        if self._group is None:
            raise BusClosed
        channel = Channel(self, session_id, session)
        self._channels.add(channel)
        return channel

    def forget(self, channel: Channel) -> None:
        self._channels.discard(channel)
        self._published += channel.seq

    # -- life --

    @property
    def crew(self) -> Crew:
        if self._crew is None:
            raise BusClosed
        return self._crew

    def start(self, function: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run `function` in a task of the bus."""
        if self._group is None:
            raise BusClosed
        self._group.start_soon(function)

    async def __aenter__(self) -> Self:
        if self._group is not None:
            raise BusError("the bus is running already; enter its block once, or make another bus")
        self.clock = loop_clock()
        self._group = anyio.create_task_group()
        await self._group.__aenter__()
        self._crew = Crew(self._group, self.hook_timeout_s)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        group = self._group
        assert group is not None  # noqa: S101 - entered
        try:
            if not self.crew.broken and (
                error is None or isinstance(error, Exception | anyio.get_cancelled_exc_class())
            ):
                with anyio.CancelScope(shield=True):
                    async with anyio.create_task_group() as closing:
                        for channel in [channel for channel in self._channels if not channel.at_rest]:
                            closing.start_soon(channel.aclose)
        finally:
            for channel in list(self._channels):
                channel.finish()
            self._group = self._default = None
            group.cancel_scope.cancel()
            # The group would wrap a plain exception of the block in a group of its own; it only needs cancellations.
            theirs = isinstance(error, BaseExceptionGroup | anyio.get_cancelled_exc_class())
            passes = theirs and not isinstance(error, Exception)
            suppressed = await (group.__aexit__(kind, error, trace) if passes else group.__aexit__(None, None, None))
            self._crew = None
        return suppressed if passes else None
