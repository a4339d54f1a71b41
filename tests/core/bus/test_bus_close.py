"""The end of a session and of the bus: everything handled, nothing left behind, and never an endless wait."""

from __future__ import annotations

import asyncio
import gc
import itertools
import weakref
from collections.abc import AsyncIterator
from types import SimpleNamespace

import anyio
import pytest

from akoolflow.bus import Bus, BusStatistics, Channel, ComponentStatistics, Inbox
from akoolflow.errors import BusClosed, BusError
from akoolflow.events import BotChunk, DeliveryFailed, Event, EventsDropped, PluginFailed, UserUtterance
from akoolflow.hookspecs import hookimpl

DEADLOCK_S = 20


def said(text: str = "hi") -> UserUtterance:
    return UserUtterance(text=text)


def row(statistics: BusStatistics, name: str) -> ComponentStatistics:
    return next(component for component in statistics.components if component.name == name)


async def pause(event: Event) -> None:
    await anyio.lowlevel.checkpoint()


# -- a session --


@pytest.mark.anyio
async def test_closing_delivers_everything_queued_and_then_refuses() -> None:
    heard: list[int] = []

    async def hook(event: UserUtterance) -> None:
        await anyio.lowlevel.checkpoint()
        heard.append(event.seq)

    async with Bus() as bus:
        bus.subscribe(UserUtterance, hook)
        channel = bus.channel("s", None)
        for _ in range(50):
            await channel.publish(said())
        await channel.aclose()
        assert heard == list(range(1, 51))
        with pytest.raises(BusClosed):
            await channel.publish(said())
        with pytest.raises(BusClosed):
            channel.post(said())
        assert bus.statistics().sessions == 0
        assert bus.statistics().published == 50
        assert row(bus.statistics(), bus.statistics().components[0].name).delivered == 50


@pytest.mark.anyio
async def test_what_hooks_publish_while_the_session_closes_is_still_delivered() -> None:
    heard: list[Event] = []

    class Outbox:
        @hookimpl
        async def on_user_utterance(self, event: UserUtterance, session: Channel) -> None:
            await anyio.lowlevel.checkpoint()
            await session.publish(DeliveryFailed(component="outbox", error="no route"))

    async with Bus() as bus:
        channel = bus.channel("s", None)
        channel.session = channel
        bus.register(Outbox())
        bus.subscribe(DeliveryFailed, heard.append)
        await channel.publish(said())
        await channel.publish(said())
        await channel.aclose()
    assert [event.cause for event in heard] == [1, 2]


@pytest.mark.anyio
async def test_everybody_else_is_refused_from_the_moment_the_closing_began() -> None:
    go_on = anyio.Event()

    async with Bus() as bus:
        bus.subscribe(UserUtterance, lambda _event: go_on.wait())
        channel, other = bus.channel("s", None), bus.channel("other", None)
        refused: list[str] = []

        async def meddler(event: BotChunk) -> None:
            try:
                await channel.publish(said())
            except BusClosed:
                refused.append("hook of another session")

        bus.subscribe(BotChunk, meddler)
        await channel.publish(said())
        async with anyio.create_task_group() as group:
            group.start_soon(channel.aclose)
            await anyio.lowlevel.checkpoint()
            await anyio.lowlevel.checkpoint()
            with pytest.raises(BusClosed):
                await channel.publish(said())
            await other.publish(BotChunk(text="x"))
            await other.aclose()
            go_on.set()
    assert refused == ["hook of another session"]


@pytest.mark.anyio
async def test_a_failure_while_the_session_closes_is_reported() -> None:
    reports: list[PluginFailed] = []

    async def fails_late(event: UserUtterance) -> None:
        await anyio.lowlevel.checkpoint()
        raise ValueError("late")

    async with Bus() as bus:
        bus.subscribe(UserUtterance, fails_late)
        bus.subscribe(PluginFailed, reports.append)
        channel = bus.channel("s", None)
        await channel.publish(said())
        await channel.aclose()
        assert [report.error for report in reports] == ["ValueError: late"]


@pytest.mark.anyio
async def test_drops_are_reported_before_the_session_has_closed() -> None:
    reports: list[EventsDropped] = []
    async with Bus() as bus:
        bus.subscribe(UserUtterance, pause, name="slow", inbox=Inbox(capacity=2, when_full="drop_oldest"))
        bus.subscribe(EventsDropped, reports.append)
        channel = bus.channel("s", None)
        for _ in range(9):
            channel.post(said())
        await channel.aclose()
        assert sum(report.count for report in reports) == row(bus.statistics(), "slow").dropped == 7


@pytest.mark.anyio
async def test_closing_twice_one_after_the_other_is_harmless() -> None:
    async with Bus() as bus:
        channel = bus.channel("s", None)
        await channel.publish(said())
        await channel.aclose()
        await channel.aclose()
        assert bus.statistics().published == 1


@pytest.mark.anyio
async def test_closing_twice_at_once_waits_twice() -> None:
    go_on = anyio.Event()
    done: list[str] = []

    async def hook(event: UserUtterance) -> None:
        await go_on.wait()
        done.append("hook")

    async with Bus() as bus:
        bus.subscribe(UserUtterance, hook)
        channel = bus.channel("s", None)
        await channel.publish(said())

        async def close() -> None:
            await channel.aclose()
            done.append("close")

        async with anyio.create_task_group() as group:
            group.start_soon(close)
            group.start_soon(close)
            for _ in range(5):
                await anyio.lowlevel.checkpoint()
            go_on.set()
    assert done == ["hook", "close", "close"]


@pytest.mark.anyio
async def test_a_hook_may_close_its_own_session() -> None:
    heard: list[int] = []
    async with Bus(close_timeout_s=DEADLOCK_S) as bus:
        channel = bus.channel("s", None)

        async def closes(event: UserUtterance) -> None:
            await channel.aclose()
            heard.append(event.seq)

        bus.subscribe(UserUtterance, closes)
        with anyio.fail_after(DEADLOCK_S / 2):
            for _ in range(3):
                await channel.publish(said())
            await channel.aclose()
            assert bus.statistics().sessions == 0
    assert heard == [1, 2, 3]


@pytest.mark.anyio
async def test_a_closing_that_is_cancelled_closes_at_once() -> None:
    reached = anyio.Event()

    async def stuck(event: UserUtterance) -> None:
        reached.set()
        await anyio.sleep_forever()

    async with Bus(close_timeout_s=1000) as bus:
        bus.subscribe(UserUtterance, stuck, name="stuck")
        channel = bus.channel("s", None)
        for _ in range(3):
            await channel.publish(said())
        await reached.wait()
        async with anyio.create_task_group() as group:
            group.start_soon(channel.aclose)
            for _ in range(3):
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        assert bus.statistics().sessions == 0
        while bus.crew._at_work:
            await anyio.lowlevel.checkpoint()
        counts = row(bus.statistics(), "stuck")
        assert (counts.delivered, counts.dropped, counts.waiting) == (1, 2, 0)
        with pytest.raises(BusClosed):
            await channel.publish(said())


@pytest.mark.anyio
async def test_a_publisher_that_waits_for_room_is_released_by_the_end() -> None:
    gate, called = anyio.Event(), anyio.Event()

    async def hook(event: UserUtterance) -> None:
        called.set()
        await gate.wait()

    async with Bus() as bus:
        bus.subscribe(UserUtterance, hook, inbox=Inbox(capacity=1, max_wait_s=1000))
        channel = bus.channel("s", None)
        await channel.publish(said())
        await called.wait()
        with anyio.fail_after(DEADLOCK_S):
            async with anyio.create_task_group() as group:
                group.start_soon(channel.publish, said())
                for _ in range(3):
                    await anyio.lowlevel.checkpoint()
                channel.finish()


# -- the bus --


@pytest.mark.anyio
async def test_publishing_outside_the_block_is_refused_and_says_what_to_do() -> None:
    bus = Bus()
    with pytest.raises(BusClosed, match="async with"):
        await bus.publish(said())
    with pytest.raises(BusClosed):
        bus.channel("s", None)
    async with bus:
        channel = bus.channel("s", None)
        await bus.publish(said())
    for _ in range(2):
        with pytest.raises(BusClosed):
            await bus.publish(said())
        with pytest.raises(BusClosed):
            await channel.publish(said())
    with pytest.raises(BusClosed):
        bus.channel("s", None)


@pytest.mark.anyio
async def test_a_channel_left_behind_by_an_exception_takes_no_events() -> None:
    channels: list[Channel] = []

    async def fail() -> None:
        async with Bus() as bus:
            bus.subscribe(UserUtterance, pause)
            channels.append(bus.channel("s", None))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    for _ in range(2):
        with pytest.raises(BusClosed):
            await channels[0].publish(said())


@pytest.mark.anyio
async def test_a_bus_can_be_entered_again_but_not_twice_at_once() -> None:
    heard: list[int] = []
    bus = Bus()
    bus.subscribe(UserUtterance, lambda event: heard.append(event.seq))
    async with bus:
        await bus.publish(said())
        with pytest.raises(BusError, match="running already"):
            async with bus:
                pytest.fail("entered")
        await bus.publish(said())
    async with bus:
        await bus.publish(said())
    assert heard == [1, 2, 1]


@pytest.mark.anyio
async def test_an_exception_in_the_block_comes_out_as_itself_after_everything_was_handled() -> None:
    heard: list[int] = []

    async def hook(event: UserUtterance) -> None:
        await anyio.lowlevel.checkpoint()
        heard.append(event.seq)

    async def fail() -> None:
        async with Bus() as bus:
            bus.subscribe(UserUtterance, hook)
            for _ in range(3):
                await bus.publish(said())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert heard == [1, 2, 3]


@pytest.mark.anyio
async def test_a_group_of_exceptions_in_the_block_comes_out_as_it_is() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        async with Bus():
            raise ExceptionGroup("two", [ValueError(), KeyError()])
    assert [type(error) for error in caught.value.exceptions] == [ValueError, KeyError]


@pytest.mark.anyio
async def test_ctrl_c_in_the_block_comes_out_as_itself() -> None:
    async def fail() -> None:
        async with Bus() as bus:
            bus.subscribe(UserUtterance, lambda _event: anyio.sleep_forever())
            await bus.publish(said())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await fail()


@pytest.mark.anyio
async def test_a_cancelled_block_ends_by_its_deadline_and_counts_what_was_lost() -> None:
    cancelled: list[int] = []
    reached = anyio.Event()

    async def stuck(event: UserUtterance) -> None:
        reached.set()
        try:
            await anyio.sleep_forever()
        finally:
            cancelled.append(event.seq)

    bus = Bus(close_timeout_s=0.05)
    with anyio.CancelScope() as scope:
        async with bus:
            bus.subscribe(UserUtterance, stuck, name="stuck")
            for _ in range(4):
                await bus.publish(said())
            await reached.wait()
            scope.cancel()
            await anyio.lowlevel.checkpoint()
    assert scope.cancelled_caught
    assert cancelled == [1]
    counts = row(bus.statistics(), "stuck")
    assert (counts.delivered, counts.dropped, counts.waiting) == (1, 3, 0)
    assert bus.statistics().sessions == 0


@pytest.mark.anyio
async def test_a_cancelled_block_delivers_what_was_published() -> None:
    heard: list[int] = []

    async def slow(event: UserUtterance) -> None:
        await anyio.lowlevel.checkpoint()
        heard.append(event.seq)

    with anyio.CancelScope() as scope:
        async with Bus() as bus:
            bus.subscribe(UserUtterance, slow)
            for _ in range(100):
                await bus.publish(said())
            scope.cancel()
            await anyio.lowlevel.checkpoint()
    assert heard == list(range(1, 101))


@pytest.mark.anyio
async def test_a_block_cancelled_while_it_closes_ends_by_its_deadline() -> None:
    reached = anyio.Event()

    async def stuck(event: UserUtterance) -> None:
        reached.set()
        await anyio.sleep_forever()

    bus = Bus(close_timeout_s=0.05)
    with anyio.fail_after(DEADLOCK_S):
        async with anyio.create_task_group() as group:

            async def use() -> None:
                async with bus:
                    bus.subscribe(UserUtterance, stuck)
                    await bus.publish(said())

            group.start_soon(use)
            await reached.wait()
            for _ in range(3):
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
    assert bus.statistics().sessions == 0


@pytest.mark.anyio
async def test_a_cancelled_block_also_delivers_what_hooks_publish_in_the_end() -> None:
    # Each wake-up needs a new task then: those that were parked have been cancelled with the block.
    heard: list[int] = []
    bus = Bus(close_timeout_s=DEADLOCK_S)

    async def hook(event: UserUtterance, session: Channel) -> None:
        await anyio.lowlevel.checkpoint()
        if int(event.text):
            await session.publish(said(str(int(event.text) - 1)))

    with anyio.fail_after(DEADLOCK_S / 2), anyio.CancelScope() as scope:
        async with bus:
            bus.subscribe(UserUtterance, hook)
            bus.subscribe(UserUtterance, lambda event: heard.append(event.seq))
            channel = bus.channel("s", None)
            channel.session = channel
            await channel.publish(said("30"))
            scope.cancel()
            await anyio.lowlevel.checkpoint()
    assert heard == list(range(1, 32))


@pytest.mark.anyio
async def test_a_cancelled_block_delivers_even_if_each_task_gets_but_one_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count()
    for module in ("crew", "worker"):
        monkeypatch.setattr(f"akoolflow.bus.{module}.time", SimpleNamespace(monotonic=lambda: next(clock)))
    heard: list[int] = []
    with anyio.CancelScope() as scope:
        async with Bus(close_timeout_s=0.5) as bus:
            bus.subscribe(UserUtterance, lambda event: heard.append(event.seq))
            channel = bus.channel("s", None)
            for _ in range(500):
                channel.post(said())
            scope.cancel()
            await anyio.lowlevel.checkpoint()
    assert heard == list(range(1, 501))


@pytest.mark.anyio
async def test_a_component_that_never_had_its_turn_is_cut_off_but_has_not_failed() -> None:
    async with Bus(close_timeout_s=0.01) as bus:
        component = bus.subscribe(UserUtterance, lambda _event: None).component
        bus.crew._coming = True  # a task was called, and does not come
        channel = bus.channel("s", None)
        await channel.publish(said())
        await channel.aclose()
    assert (component.delivered, component.dropped, component.failed) == (0, 1, 0)


@pytest.mark.anyio
async def test_an_event_that_only_some_hooks_have_handled_counts_when_its_component_goes() -> None:
    class Component:
        @hookimpl
        def on_user_utterance(self) -> None: ...

        @hookimpl
        def on_event(self) -> None: ...

    async with Bus(close_timeout_s=0) as bus:
        subscription = bus.register(Component())
        component, channel = subscription.component, bus.channel("s", None)
        bus.crew._coming = True
        await channel.publish(said())
        worker = channel.workers[component]
        worker.current, worker.rest = worker.queue.popleft(), component.hooks[UserUtterance][1:]
        subscription.cancel()
        bus.crew._coming = False
    assert (component.delivered, component.dropped) == (1, 0)


@pytest.mark.anyio
async def test_a_hook_of_a_component_that_is_gone_cannot_hold_up_the_end() -> None:
    reached = anyio.Event()

    async def stuck(event: UserUtterance) -> None:
        reached.set()
        await anyio.sleep_forever()

    with anyio.fail_after(DEADLOCK_S):
        async with Bus(close_timeout_s=0.05) as bus:
            subscription = bus.subscribe(UserUtterance, stuck)
            await bus.publish(said())
            await reached.wait()
            subscription.cancel()


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_block_cancelled_by_asyncio_itself_ends_by_its_deadline() -> None:
    reached = asyncio.Event()

    async def stuck(event: UserUtterance) -> None:
        reached.set()
        await asyncio.sleep(1000)

    async def use() -> None:
        async with Bus(close_timeout_s=0.05) as bus:
            bus.subscribe(UserUtterance, stuck)
            await bus.publish(said())
            await asyncio.sleep(1000)

    task = asyncio.create_task(use())
    await asyncio.wait_for(reached.wait(), DEADLOCK_S)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, DEADLOCK_S)


@pytest.mark.anyio
async def test_the_bus_closes_all_sessions_side_by_side() -> None:
    heard: list[str] = []
    meet: set[str] = set()
    all_here = anyio.Event()

    async def hook(event: UserUtterance) -> None:
        meet.add(event.session)
        if len(meet) == 5:
            all_here.set()
        await all_here.wait()
        heard.append(event.session)

    with anyio.fail_after(DEADLOCK_S):
        async with Bus(close_timeout_s=DEADLOCK_S) as bus:
            bus.subscribe(UserUtterance, hook)
            for name in "abcde":
                await bus.channel(name, None).publish(said())
    assert sorted(heard) == list("abcde")


@pytest.mark.anyio
async def test_a_bus_inside_an_async_generator_survives_that_it_is_closed_early() -> None:
    async def events() -> AsyncIterator[int]:
        async with Bus() as bus:
            bus.subscribe(UserUtterance, pause)
            for number in range(10):
                await bus.publish(said())
                yield number

    generator = events()
    assert await anext(generator) == 0
    await generator.aclose()  # type: ignore[attr-defined]


# -- nothing left behind --


@pytest.mark.anyio
async def test_a_thousand_sessions_leave_nothing_behind() -> None:
    class Session:
        pass

    gone: list[weakref.ref[object]] = []
    async with Bus() as bus:
        bus.subscribe(Event, pause, name="slow")
        bus.subscribe(UserUtterance, lambda _event: None, name="quick")
        for number in range(1000):
            session = Session()
            channel = bus.channel(str(number), session)
            gone.append(weakref.ref(session))
            await channel.publish(said())
            await channel.publish(BotChunk(text="x"))
            await channel.aclose()
        del session, channel
        gc.collect()
        assert [ref for ref in gone if ref() is not None] == []
        assert not bus._channels
        assert not bus.crew._ready
        assert not bus.crew._at_work
        assert len(bus.crew._parked) <= 4
        assert bus.statistics().published == 2000
        assert [row(bus.statistics(), name).delivered for name in ("slow", "quick")] == [2000, 1000]


@pytest.mark.anyio
async def test_tasks_that_were_needed_at_once_are_not_kept_for_ever() -> None:
    go_on = anyio.Event()
    async with Bus() as bus:
        bus.subscribe(UserUtterance, lambda _event: go_on.wait())
        channels = [bus.channel(str(number), None) for number in range(500)]
        for channel in channels:
            await channel.publish(said())
        for _ in range(600):
            await anyio.lowlevel.checkpoint()
        assert len(bus.crew._at_work) == 500
        go_on.set()
        for channel in channels:
            await channel.aclose()
        assert len(bus.crew._parked) <= 128


@pytest.mark.anyio
async def test_statistics_only_ever_grow_as_sessions_come_and_go() -> None:
    async with Bus() as bus:
        bus.subscribe(UserUtterance, pause, name="slow")
        last = (0, 0)
        for number in range(20):
            channel = bus.channel(str(number), None)
            await channel.publish(said())
            await channel.publish(said())
            if number % 2:
                await channel.aclose()
            now = (bus.statistics().published, row(bus.statistics(), "slow").delivered)
            assert now >= last
            last = now
    assert bus.statistics().published == 40
    assert row(bus.statistics(), "slow").delivered == 40
