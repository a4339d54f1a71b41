"""Timeouts, patience and rest, in virtual time."""

from __future__ import annotations

import anyio
import pytest
import trio
import trio.testing

from akoolflow.bus import Bus, BusStatistics, ComponentStatistics, Inbox
from akoolflow.events import BotChunk, Event, EventsDropped, PluginFailed, UserUtterance
from akoolflow.hookspecs import hookimpl

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


def said(text: str = "hi") -> UserUtterance:
    return UserUtterance(text=text)


def row(statistics: BusStatistics, name: str) -> ComponentStatistics:
    return next(component for component in statistics.components if component.name == name)


# -- hooks that take their time --


@pytest.mark.parametrize("hook_timeout_s", [0.5, 10.0, 3600.0])
async def test_a_hook_gets_all_of_its_time_and_at_most_a_quarter_more(hook_timeout_s: float) -> None:
    cancelled_after_s: list[float] = []

    async def hook(event: UserUtterance) -> None:
        began_s = anyio.current_time()
        try:
            await anyio.sleep_forever()
        finally:
            cancelled_after_s.append(anyio.current_time() - began_s)

    async with Bus(hook_timeout_s=hook_timeout_s, close_timeout_s=1e6, max_failures=100) as bus:
        bus.subscribe(UserUtterance, hook)
        for number in range(7):  # begun at all sorts of moments between two looks of the watchdog
            await anyio.sleep(hook_timeout_s * 0.37)
            await bus.channel(str(number), None).publish(said())
    assert len(cancelled_after_s) == 7
    for after_s in cancelled_after_s:
        assert hook_timeout_s <= after_s <= hook_timeout_s * 1.25


async def test_hooks_that_each_stay_within_their_time_are_never_cancelled() -> None:
    class Component:
        @hookimpl
        async def on_user_utterance(self) -> None:
            await anyio.sleep(9)

        @hookimpl
        async def on_event(self) -> None:
            await anyio.sleep(9)

    async with Bus(close_timeout_s=1e6) as bus:
        bus.register(Component(), name="slow")
        channel = bus.channel("s", None)
        for _ in range(20):
            await channel.publish(said())
        await channel.aclose()
        counts = row(bus.statistics(), "slow")
    assert (counts.delivered, counts.failed) == (20, 0)


async def test_time_in_which_the_loop_was_held_up_is_not_held_against_hooks() -> None:
    clock = trio.lowlevel.current_clock()
    assert isinstance(clock, trio.testing.MockClock)
    done: list[int] = []

    async def hook(event: UserUtterance) -> None:
        await anyio.sleep(1)
        done.append(event.seq)

    async with Bus(hook_timeout_s=10) as bus:
        bus.subscribe(UserUtterance, hook)
        await bus.publish(said())
        await anyio.sleep(0.5)
        clock.jump(3600)  # as if something had blocked the thread for an hour
    assert done == [1]


async def test_time_that_a_hook_waits_for_room_elsewhere_is_not_held_against_it() -> None:
    failures: list[PluginFailed] = []

    async def slow(event: BotChunk) -> None:
        await anyio.sleep(9)

    async with Bus(close_timeout_s=1e6) as bus:
        channel = bus.channel("s", None)

        async def publisher(event: UserUtterance) -> None:
            for _ in range(10):
                await channel.publish(BotChunk(text="x"))

        bus.subscribe(BotChunk, slow, inbox=Inbox(capacity=1, max_wait_s=60))
        bus.subscribe(UserUtterance, publisher, name="publisher")
        bus.subscribe(PluginFailed, failures.append)
        await channel.publish(said())
        await channel.aclose()
        assert row(bus.statistics(), "publisher").delivered == 1
    assert failures == []


async def test_a_hook_that_does_not_let_itself_be_cancelled_is_told_again_and_in_the_end_put_aside() -> None:
    stop = anyio.Event()
    reports: list[tuple[int, bool]] = []
    heard: list[int] = []

    async def stubborn(event: UserUtterance) -> None:
        heard.append(event.seq)
        with anyio.move_on_after(300, shield=True):
            await stop.wait()

    async with Bus(hook_timeout_s=10, max_failures=3) as bus:
        bus.subscribe(UserUtterance, stubborn, name="stubborn")
        bus.subscribe(PluginFailed, lambda event: reports.append((event.count, event.put_aside)))
        await bus.publish(said())
        await bus.publish(said())
        await anyio.sleep(60)
        assert reports == [(1, False), (2, False), (3, True)]
        counts = row(bus.statistics(), "stubborn")
        assert (counts.failed, counts.dropped, counts.waiting) == (3, 1, 0)
        stop.set()
        await anyio.sleep(1)
        assert bus.restore("stubborn")
        await bus.publish(said())
    assert heard == [1, 7]  # the second was dropped; three to six are what the bus had to tell


async def test_one_component_taking_too_long_costs_the_others_no_time() -> None:
    heard_at_s: list[float] = []

    async with Bus(hook_timeout_s=10) as bus:
        bus.subscribe(UserUtterance, lambda _event: anyio.sleep_forever())
        bus.subscribe(UserUtterance, lambda _event: heard_at_s.append(anyio.current_time()))
        began_s = anyio.current_time()
        for _ in range(3):
            await bus.publish(said())
        await anyio.sleep(100)
    assert heard_at_s == [began_s] * 3


# -- patience --


async def test_a_publisher_waits_its_longest_and_then_the_inbox_drops_until_it_is_half_empty() -> None:
    heard: list[int] = []
    number, pace_s = 0, 1.0

    async def slow(event: UserUtterance) -> None:
        heard.append(int(event.text))
        await anyio.sleep(pace_s)

    async with Bus(hook_timeout_s=1e6, close_timeout_s=1e6) as bus:
        bus.subscribe(UserUtterance, slow, name="slow", inbox=Inbox(capacity=4, max_wait_s=2.0))

        async def waited_s() -> float:
            nonlocal number
            number += 1
            began_s = anyio.current_time()
            await bus.publish(said(str(number)))
            return anyio.current_time() - began_s

        pace_s = 100.0
        assert await waited_s() == 0
        await anyio.sleep(1)  # the first is in hand, for 99 s from now
        assert [await waited_s() for _ in range(3)] == [0, 0, 0]
        assert await waited_s() == 2.0  # full: it waits its longest
        assert row(bus.statistics(), "slow").dropped == 0
        assert [await waited_s() for _ in range(3)] == [0, 0, 0]  # now the oldest are dropped
        assert row(bus.statistics(), "slow").dropped == 3
        pace_s = 1.0
        await anyio.sleep(100.5)  # half of it and more is handled
        assert [await waited_s() for _ in range(3)] == [0, 0, 0]
        assert await waited_s() > 0  # patience is back
        assert row(bus.statistics(), "slow").dropped == 3
    assert heard == [1, *range(5, 13)]


async def test_all_who_wait_are_released_when_the_first_has_lost_patience() -> None:
    done_at_s: list[float] = []

    async with Bus(hook_timeout_s=1e6, close_timeout_s=0) as bus:
        bus.subscribe(UserUtterance, lambda _event: anyio.sleep_forever(), inbox=Inbox(capacity=1, max_wait_s=2.0))
        await bus.publish(said())
        await anyio.sleep(1)

        async def publish_after(delay_s: float) -> None:
            await anyio.sleep(delay_s)
            await bus.publish(said())
            done_at_s.append(anyio.current_time() - began_s)

        began_s = anyio.current_time()
        async with anyio.create_task_group() as group:
            for delay_s in (0.0, 0.5, 1.5):
                group.start_soon(publish_after, delay_s)
    assert done_at_s == [2.0, 2.0, 2.0]


async def test_nothing_is_lost_while_each_wait_is_shorter_than_the_longest() -> None:
    heard: list[int] = []

    async def slow(event: UserUtterance) -> None:
        heard.append(event.seq)
        await anyio.sleep(1.9)

    async with Bus(close_timeout_s=1e6) as bus:
        bus.subscribe(UserUtterance, slow, inbox=Inbox(capacity=1, max_wait_s=2.0))
        for _ in range(30):
            await bus.publish(said())
    assert heard == list(range(1, 31))


async def test_drops_are_reported_at_once_and_then_each_second_while_they_go_on() -> None:
    reports: list[tuple[float, int]] = []

    async def slow(event: UserUtterance) -> None:
        await anyio.sleep(0.1)

    async with Bus(close_timeout_s=1e6) as bus:
        bus.subscribe(UserUtterance, slow, name="slow", inbox=Inbox(capacity=10, when_full="drop_oldest"))
        bus.subscribe(EventsDropped, lambda event: reports.append((anyio.current_time() - began_s, event.count)))
        channel, began_s = bus.channel("s", None), anyio.current_time()
        for _ in range(500):  # twice as fast as it can take
            await channel.publish(said())
            await anyio.sleep(0.05)
        await channel.aclose()
        counts = row(bus.statistics(), "slow")
    assert sum(count for _, count in reports) == counts.dropped > 200
    assert 20 <= len(reports) <= 28
    assert reports[0][0] < 1.5


# -- the end --


async def test_closing_waits_for_slow_components_as_long_as_agreed() -> None:
    heard: list[int] = []

    async def slow(event: UserUtterance) -> None:
        await anyio.sleep(1)
        heard.append(event.seq)

    async with Bus(close_timeout_s=5) as bus:
        bus.subscribe(UserUtterance, slow)
        channel = bus.channel("s", None)
        for _ in range(4):
            await channel.publish(said())
        began_s = anyio.current_time()
        await channel.aclose()
        assert anyio.current_time() - began_s == 4
    assert heard == [1, 2, 3, 4]


async def test_a_component_that_is_stuck_at_the_end_is_cut_off_and_the_others_hear_of_it() -> None:
    log: list[Event] = []

    async with Bus(close_timeout_s=5) as bus:
        bus.subscribe(UserUtterance, lambda _event: anyio.sleep_forever(), name="stuck")
        bus.subscribe(Event, log.append, name="log")
        channel = bus.channel("s", None)
        for _ in range(4):
            await channel.publish(said())
        began_s = anyio.current_time()
        await channel.aclose()
        assert 5 <= anyio.current_time() - began_s <= 6.25
        counts = row(bus.statistics(), "stuck")
    assert (counts.delivered, counts.failed, counts.dropped, counts.waiting) == (1, 1, 3, 0)
    assert [event.seq for event in log] == list(range(1, 7))
    failed, dropped = log[4:]
    assert isinstance(failed, PluginFailed)
    assert (failed.component, failed.put_aside) == ("stuck", True)
    assert "session closed" in failed.error
    assert isinstance(dropped, EventsDropped)
    assert (dropped.component, dropped.count) == ("stuck", 3)


async def test_a_component_that_is_stuck_in_one_session_does_not_prolong_the_end_of_another() -> None:
    async def hook(event: UserUtterance, session: str) -> None:
        await anyio.sleep(1 if session == "quick" else 1000)

    async with Bus(close_timeout_s=5) as bus:
        bus.subscribe(UserUtterance, hook)
        quick, slow = bus.channel("quick", "quick"), bus.channel("slow", "slow")
        await slow.publish(said())
        await quick.publish(said())
        began_s = anyio.current_time()
        await quick.aclose()
        assert anyio.current_time() - began_s == 1


async def test_components_that_keep_each_other_busy_cannot_prolong_the_end_for_ever() -> None:
    async with Bus(close_timeout_s=5) as bus:
        channel = bus.channel("s", None)

        async def ping(event: UserUtterance) -> None:
            await anyio.sleep(0.1)
            await channel.publish(BotChunk(text="x"))

        async def pong(event: BotChunk) -> None:
            await channel.publish(said())

        bus.subscribe(UserUtterance, ping)
        bus.subscribe(BotChunk, pong)
        await channel.publish(said())
        began_s = anyio.current_time()
    assert anyio.current_time() - began_s <= 6.25


# -- rest --


class Steps(trio.abc.Instrument):
    def __init__(self) -> None:
        self.names: list[str] = []

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.names.append(task.name)


async def test_an_idle_bus_does_nothing_at_all() -> None:
    async with Bus() as bus:
        bus.subscribe(Event, lambda _event: anyio.sleep(0.1))
        for number in range(50):
            await bus.channel(str(number), None).publish(said())
        await anyio.sleep(100)
        steps = Steps()
        trio.lowlevel.add_instrument(steps)
        await anyio.sleep(3600)
        trio.lowlevel.remove_instrument(steps)
    assert [name for name in steps.names if "akoolflow" in name] == []
    assert len(steps.names) > 0  # this task's own


async def test_fifty_idle_sessions_hold_no_tasks() -> None:
    async with Bus() as bus:
        bus.subscribe(Event, lambda _event: None)
        bus.subscribe(Event, lambda _event: None)
        before = trio.lowlevel.current_statistics().tasks_living
        for number in range(50):
            await bus.channel(str(number), None).publish(said())
        await anyio.sleep(1)
        assert trio.lowlevel.current_statistics().tasks_living - before <= 4
