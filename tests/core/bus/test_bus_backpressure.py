"""Full inboxes: who waits, what is dropped, and that nobody waits for ever."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Literal

import anyio
import pytest

from akoolflow.bus import Bus, BusStatistics, Channel, ComponentStatistics, Inbox
from akoolflow.bus.worker import Worker
from akoolflow.errors import FeedbackLoop
from akoolflow.events import BotChunk, Event, EventsDropped, PluginFailed, TurnStarted, UserUtterance

DEADLOCK_S = 20
"""Real seconds after which a test gives up; never reached by a bus that works."""


def said(text: str = "hi") -> UserUtterance:
    return UserUtterance(text=text)


def row(statistics: BusStatistics, name: str) -> ComponentStatistics:
    return next(component for component in statistics.components if component.name == name)


async def settled(bus: Bus) -> None:
    while any(channel._active for channel in bus._channels):
        await anyio.lowlevel.checkpoint()


class Gate:
    """A hook that keeps the first event in hand until it is opened."""

    def __init__(self) -> None:
        self.entered, self.opened = anyio.Event(), anyio.Event()
        self.heard: list[int] = []

    async def __call__(self, event: Event) -> None:
        self.heard.append(event.seq)
        self.entered.set()
        await self.opened.wait()


def dropping(capacity: int) -> Inbox:
    return Inbox(capacity=capacity, when_full="drop_oldest")


# -- slow beside quick --


@pytest.mark.anyio
@pytest.mark.parametrize("inbox", [Inbox(), dropping(3)])
async def test_a_slow_component_does_not_delay_another(inbox: Inbox) -> None:
    slow, quick = Gate(), anyio.Event()

    def count(event: UserUtterance) -> None:
        if event.seq == 100:
            quick.set()

    async with Bus() as bus:
        bus.subscribe(UserUtterance, slow, inbox=inbox)
        bus.subscribe(UserUtterance, count)
        with anyio.fail_after(DEADLOCK_S):
            for _ in range(100):
                await bus.publish(said())
            await quick.wait()
        assert slow.heard == [1]
        slow.opened.set()


@pytest.mark.anyio
async def test_many_slow_components_each_hold_up_only_themselves() -> None:
    slow, quick = [Gate() for _ in range(300)], anyio.Event()
    async with Bus() as bus:
        for gate in slow:
            bus.subscribe(UserUtterance, gate)
        bus.subscribe(UserUtterance, lambda _event: quick.set())
        await bus.publish(said())
        with anyio.fail_after(DEADLOCK_S):
            await quick.wait()
            for gate in slow:
                await gate.entered.wait()
                gate.opened.set()


@pytest.mark.anyio
async def test_a_component_with_much_to_do_lets_others_have_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    handled: list[str] = []
    clock = itertools.count()
    monkeypatch.setattr("akoolflow.bus.worker.time", SimpleNamespace(monotonic=lambda: next(clock)))
    async with Bus() as bus:
        bus.subscribe(UserUtterance, lambda _event: handled.append("much"))
        bus.subscribe(BotChunk, lambda _event: handled.append("little"))
        for _ in range(1000):
            await bus.publish(said())
        await bus.publish(BotChunk(text="x"))
    assert handled.index("little") < 200


# -- drop_oldest --


@pytest.mark.anyio
async def test_drop_oldest_drops_the_oldest_and_counts_and_reports_each() -> None:
    gate = Gate()
    reports: list[EventsDropped] = []
    async with Bus() as bus:
        bus.subscribe(UserUtterance, gate, name="slow", inbox=dropping(3))
        bus.subscribe(EventsDropped, reports.append)
        await bus.publish(said())
        await gate.entered.wait()
        for _ in range(9):
            await bus.publish(said())
        assert row(bus.statistics(), "slow").waiting == 3
        gate.opened.set()
        await settled(bus)
        counts = row(bus.statistics(), "slow")
    assert gate.heard == [1, 8, 9, 10]
    assert (counts.delivered, counts.dropped, counts.waiting) == (4, 6, 0)
    assert {report.component for report in reports} == {"slow"}
    assert sum(report.count for report in reports) == 6


@pytest.mark.anyio
@pytest.mark.parametrize("capacity", [1, 2, 16])
async def test_a_quick_dropper_loses_nothing_to_a_publisher_that_never_pauses(capacity: int) -> None:
    heard: list[list[int]] = [[] for _ in range(12)]

    def quick(into: list[int]) -> Callable[[UserUtterance], Any]:
        async def hook(event: UserUtterance) -> None:
            into.append(event.seq)

        return hook

    async with Bus() as bus:
        for into in heard:
            bus.subscribe(UserUtterance, quick(into), inbox=dropping(capacity))
        for _ in range(10 * capacity):
            await bus.publish(said())
    assert heard == [list(range(1, 10 * capacity + 1))] * 12


@pytest.mark.anyio
async def test_droppers_that_pause_once_lose_nothing_while_they_have_had_no_turn_yet() -> None:
    heard: list[list[int]] = [[] for _ in range(12)]

    def pausing(into: list[int]) -> Callable[[UserUtterance], Any]:
        async def hook(event: UserUtterance) -> None:
            into.append(event.seq)
            await anyio.lowlevel.checkpoint()

        return hook

    async with Bus() as bus:
        for into in heard:
            bus.subscribe(UserUtterance, pausing(into), inbox=dropping(4))
        for _ in range(12):
            await bus.publish(said())
    assert heard == [list(range(1, 13))] * 12


@pytest.mark.anyio
async def test_a_dropper_that_comes_last_of_many_loses_nothing_before_its_first_turn() -> None:
    heard: list[int] = []
    async with Bus() as bus:
        for _ in range(30):
            bus.subscribe(UserUtterance, lambda _event: anyio.lowlevel.checkpoint())
        bus.subscribe(UserUtterance, lambda event: heard.append(event.seq), inbox=dropping(1))
        for _ in range(5):
            await bus.publish(said())
    assert heard == [1, 2, 3, 4, 5]


@pytest.mark.anyio
async def test_the_loss_of_a_report_of_drops_is_told_at_the_end_at_the_latest() -> None:
    gate = Gate()
    told: Counter[str] = Counter()
    async with Bus() as bus:
        channel = bus.channel("s", None)
        for name in ("a", "b", "c"):
            bus.subscribe(UserUtterance, lambda _event: None, name=name, inbox=dropping(1))
        bus.subscribe(EventsDropped, gate, name="listener", inbox=dropping(1))
        bus.subscribe(EventsDropped, lambda event: told.update({event.component: event.count}))
        channel.post(said())
        channel.post(said())
        await gate.entered.wait()
        gate.opened.set()
        await channel.aclose()
        counts = row(bus.statistics(), "listener")
    assert counts.dropped > 0
    assert told == {"a": 1, "b": 1, "c": 1, "listener": counts.dropped}


@pytest.mark.anyio
@pytest.mark.parametrize("capacity", [1, 2, 3])
async def test_reports_of_drops_that_push_each_other_out_come_to_an_end(capacity: int) -> None:
    async with Bus() as bus:
        for number in range(6):
            bus.subscribe(Event, lambda _event: None, name=str(number), inbox=dropping(capacity))
        channel = bus.channel("s", None)
        for _ in range(10):
            channel.post(said())
        for _ in range(1000):
            await anyio.lowlevel.checkpoint()
        assert not channel._active
        assert all(counts.dropped > 0 for counts in bus.statistics().components)


# -- wait --


@pytest.mark.anyio
@pytest.mark.parametrize("capacity", [1, 4])
async def test_a_full_inbox_holds_the_publisher_back_and_loses_nothing(capacity: int) -> None:
    gate = Gate()
    published: list[int] = []

    async with Bus() as bus:
        bus.subscribe(UserUtterance, gate, name="slow", inbox=Inbox(capacity=capacity, max_wait_s=DEADLOCK_S))

        async def publish_all() -> None:
            for _ in range(20):
                event = await bus.publish(said())
                published.append(event.seq)

        await bus.publish(said())
        await gate.entered.wait()
        async with anyio.create_task_group() as group:
            group.start_soon(publish_all)
            for _ in range(50):
                await anyio.lowlevel.checkpoint()
            assert len(published) == capacity - 1  # whoever fills the inbox waits
            assert row(bus.statistics(), "slow").waiting == capacity
            gate.opened.set()
    assert gate.heard == list(range(1, 22))
    assert published == list(range(2, 22))


@pytest.mark.anyio
async def test_post_never_waits_and_drops_only_beyond_twice_the_capacity() -> None:
    gate = Gate()
    reports: list[EventsDropped] = []
    async with Bus() as bus:
        channel = bus.channel("s", None)
        bus.subscribe(UserUtterance, gate, inbox=Inbox(capacity=4))
        bus.subscribe(EventsDropped, reports.append)
        channel.post(said())
        await gate.entered.wait()
        for _ in range(10):
            channel.post(said())
        gate.opened.set()
        await channel.aclose()
    assert gate.heard == [1, *range(4, 12)]
    assert sum(report.count for report in reports) == 2


@pytest.mark.anyio
async def test_posting_does_not_push_out_what_waiting_publishers_have_published() -> None:
    gate = Gate()
    async with Bus() as bus:
        channel = bus.channel("s", None)
        bus.subscribe(UserUtterance, gate, inbox=Inbox(capacity=1, max_wait_s=DEADLOCK_S))
        channel.post(said())
        await gate.entered.wait()
        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(channel.publish, said())
            for _ in range(10):
                await anyio.lowlevel.checkpoint()
            channel.post(said())
            gate.opened.set()
    assert gate.heard == list(range(1, 11))


@pytest.mark.anyio
async def test_a_publisher_that_waits_for_a_component_that_is_cancelled_is_released() -> None:
    gate = Gate()
    async with Bus() as bus:
        subscription = bus.subscribe(UserUtterance, gate, inbox=Inbox(capacity=1, max_wait_s=1000))
        await bus.channel("s", None).publish(said())
        await gate.entered.wait()
        channel = next(iter(bus._channels))
        with anyio.fail_after(DEADLOCK_S):
            async with anyio.create_task_group() as group:
                group.start_soon(channel.publish, said())
                group.start_soon(channel.publish, said())
                for _ in range(5):
                    await anyio.lowlevel.checkpoint()
                subscription.cancel()
        gate.opened.set()
    assert gate.heard == [1]


@pytest.mark.anyio
async def test_a_publisher_that_waits_for_a_component_that_is_put_aside_is_released() -> None:
    called, fail = anyio.Event(), anyio.Event()

    async def hook(event: UserUtterance) -> None:
        called.set()
        await fail.wait()
        raise ValueError

    async with Bus(max_failures=1) as bus:
        channel = bus.channel("s", None)
        bus.subscribe(UserUtterance, hook, inbox=Inbox(capacity=1, max_wait_s=1000))
        async with anyio.create_task_group() as group:
            group.start_soon(channel.publish, said())
            await called.wait()
            with anyio.fail_after(DEADLOCK_S):
                async with anyio.create_task_group() as publishers:
                    publishers.start_soon(channel.publish, said())
                    publishers.start_soon(channel.publish, said())
                    for _ in range(5):
                        await anyio.lowlevel.checkpoint()
                    fail.set()


# -- publishers that are cancelled while they wait --


def edges(worker: Worker) -> list[Worker]:
    return [*worker.room.waits_in, *([worker.room.waits_surely_in] if worker.room.waits_surely_in else [])]


@pytest.mark.anyio
async def test_the_event_of_a_publisher_that_is_cancelled_while_it_waits_is_delivered_once() -> None:
    gate = Gate()
    async with Bus() as bus:
        channel = bus.channel("s", None)
        bus.subscribe(UserUtterance, gate, inbox=Inbox(capacity=1, max_wait_s=1000))
        channel.post(said())
        await gate.entered.wait()
        async with anyio.create_task_group() as group:
            group.start_soon(channel.publish, said())
            for _ in range(5):
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        worker = next(iter(channel.workers.values()))
        assert worker.room.waiting == 0
        gate.opened.set()
        await channel.aclose()
    assert gate.heard == [1, 2]


@pytest.mark.anyio
async def test_a_hook_that_is_cancelled_while_it_waits_for_room_leaves_no_trace_of_waiting() -> None:
    gate, waiting = Gate(), anyio.Event()
    async with Bus() as bus:
        channel = bus.channel("s", None)
        bus.subscribe(BotChunk, gate, inbox=Inbox(capacity=1, max_wait_s=1000))

        async def publisher(event: UserUtterance) -> None:
            with anyio.CancelScope() as scope:
                await channel.publish(BotChunk(text="x"))
                await gate.entered.wait()
                async with anyio.create_task_group() as group:
                    group.start_soon(channel.publish, BotChunk(text="x"))
                    waiting.set()
                    await channel.publish(BotChunk(text="x"))
                    scope.cancel()
            await anyio.lowlevel.checkpoint()

        publishing = bus.subscribe(UserUtterance, publisher)
        await channel.publish(said())
        await waiting.wait()
        for _ in range(5):
            await anyio.lowlevel.checkpoint()
        worker = channel.workers[publishing.component]
        assert len(edges(worker)) == 3
        worker.cancel_hook()
        for _ in range(5):
            await anyio.lowlevel.checkpoint()
        assert edges(worker) == []
        gate.opened.set()
    assert gate.heard == [2, 3, 4]


@pytest.mark.anyio
@pytest.mark.parametrize(("when_full", "most"), [("wait", 2 * 4 + 1), ("drop_oldest", 4)])
async def test_publishers_that_are_cancelled_again_and_again_cannot_overfill_an_inbox(
    when_full: Literal["wait", "drop_oldest"], most: int
) -> None:
    gate = Gate()
    async with Bus() as bus:
        bus.subscribe(UserUtterance, gate, name="slow", inbox=Inbox(capacity=4, when_full=when_full))
        await bus.publish(said())
        await gate.entered.wait()
        for _ in range(100):
            with anyio.CancelScope() as scope:
                scope.cancel()
                await bus.publish(said())
        counts = row(bus.statistics(), "slow")
        assert (counts.waiting, counts.dropped) == (most, 100 - most)
        gate.opened.set()


# -- circles --


def countdown(event: Event) -> int:
    return int(getattr(event, "text", "0"))


@pytest.mark.anyio
@pytest.mark.parametrize("capacity", [1, 2, 5])
async def test_a_hook_may_publish_to_its_own_full_inbox(capacity: int) -> None:
    heard: list[int] = []
    async with Bus() as bus:
        channel = bus.channel("s", None)

        async def echo(event: UserUtterance) -> None:
            heard.append(event.seq)
            if countdown(event) > 0:
                await channel.publish(said(str(countdown(event) - 1)))

        bus.subscribe(UserUtterance, echo, inbox=Inbox(capacity=capacity, max_wait_s=1000))
        with anyio.fail_after(DEADLOCK_S):
            for _ in range(3):
                await channel.publish(said("20"))
            await channel.aclose()
    assert heard == list(range(1, 3 * 21 + 1))


@pytest.mark.anyio
@pytest.mark.parametrize("capacity", [1, 3])
@pytest.mark.parametrize("circle", [(UserUtterance, BotChunk), (UserUtterance, BotChunk, TurnStarted)])
@pytest.mark.parametrize("by_child", [False, True])
async def test_components_that_publish_into_each_other_s_full_inboxes_all_get_through(
    circle: tuple[type[Event], ...],
    capacity: int,
    by_child: bool,  # noqa: FBT001
) -> None:
    heard: dict[type[Event], list[int]] = {kind: [] for kind in circle}
    async with Bus() as bus:
        channel = bus.channel("s", None)

        def passes_on_to(following: type[Any]) -> Callable[[Event], Any]:
            async def hook(event: Event) -> None:
                heard[type(event)].append(event.seq)
                for _ in range(min(countdown(event), 1)):
                    answer = following(text=str(countdown(event) - 1))
                    if by_child:
                        async with anyio.create_task_group() as group:
                            group.start_soon(channel.publish, answer)
                    else:
                        await channel.publish(answer)

            return hook

        for kind, following in zip(circle, (*circle[1:], circle[0]), strict=True):
            inbox = Inbox(capacity=capacity, max_wait_s=1000)
            bus.subscribe(kind, passes_on_to(following), inbox=inbox)
        with anyio.fail_after(DEADLOCK_S):
            for _ in range(capacity + 1):
                await channel.publish(said("30"))
            await channel.aclose()
        assert [counts.failed for counts in bus.statistics().components] == [0] * len(circle)
    assert sum(map(len, heard.values())) == (capacity + 1) * 31
    assert all(seqs == sorted(seqs) for seqs in heard.values())


@pytest.mark.anyio
async def test_a_runaway_loop_is_refused_and_counted_as_a_failure_until_it_is_put_aside() -> None:
    refusals: list[FeedbackLoop] = []
    reports: list[PluginFailed] = []
    async with Bus(max_failures=2) as bus:
        channel = bus.channel("s", None)

        async def runaway(event: UserUtterance) -> None:
            try:
                for _ in range(1000):
                    await channel.publish(said())
            except FeedbackLoop as error:
                refusals.append(error)
                raise

        bus.subscribe(UserUtterance, runaway, name="runaway", inbox=Inbox(capacity=5, max_wait_s=1000))
        bus.subscribe(PluginFailed, reports.append)
        with anyio.fail_after(DEADLOCK_S):
            await channel.publish(said())
            await channel.aclose()
    assert [report.put_aside for report in reports] == [False, True]
    assert "publishes UserUtterance in a loop" in reports[0].error
    assert refusals[0].component == "runaway"


@pytest.mark.anyio
async def test_a_refused_event_reaches_nobody_and_takes_no_number() -> None:
    everybody: list[Event] = []
    refused: list[int] = []
    async with Bus() as bus:
        channel = bus.channel("s", None)

        async def stubborn(event: UserUtterance) -> None:
            if event.seq > 1:
                return
            for _ in range(100):
                try:
                    await channel.publish(said())
                except FeedbackLoop:
                    refused.append(channel.seq)

        bus.subscribe(UserUtterance, stubborn, name="stubborn", inbox=Inbox(capacity=5))
        bus.subscribe(Event, everybody.append)
        await channel.publish(said())
        await channel.aclose()
    assert len(refused) == 90
    assert set(refused) == {11}
    assert [event.seq for event in everybody] == list(range(1, 12))


@pytest.mark.anyio
async def test_a_runaway_loop_of_two_is_refused_too() -> None:
    reports: list[PluginFailed] = []
    async with Bus(max_failures=3) as bus:
        channel = bus.channel("s", None)

        async def ping(event: UserUtterance) -> None:
            for _ in range(3):
                await channel.publish(BotChunk(text="x"))

        async def pong(event: BotChunk) -> None:
            for _ in range(3):
                await channel.publish(said())

        bus.subscribe(UserUtterance, ping, name="ping", inbox=Inbox(capacity=4, max_wait_s=1000))
        bus.subscribe(BotChunk, pong, name="pong", inbox=Inbox(capacity=4, max_wait_s=1000))
        bus.subscribe(PluginFailed, reports.append)
        with anyio.fail_after(DEADLOCK_S):
            await channel.publish(said())
            await channel.aclose()
    assert any(report.put_aside for report in reports)
    assert all("FeedbackLoop" in report.error for report in reports)


@pytest.mark.anyio
async def test_a_dropper_that_publishes_to_itself_drops_and_is_not_refused() -> None:
    async with Bus() as bus:
        channel = bus.channel("s", None)

        async def talkative(event: UserUtterance) -> None:
            if event.seq == 1:
                for _ in range(50):
                    await channel.publish(said())

        bus.subscribe(UserUtterance, talkative, name="talkative", inbox=dropping(10))
        with anyio.fail_after(DEADLOCK_S):
            await channel.publish(said())
            await settled(bus)
        counts = row(bus.statistics(), "talkative")
    assert (counts.delivered, counts.dropped, counts.failed) == (11, 40, 0)


@pytest.mark.anyio
async def test_a_task_that_a_hook_has_left_behind_waits_for_room_like_anybody_else() -> None:
    heard: list[int] = []
    failed: list[BaseException] = []
    async with anyio.create_task_group() as background, Bus() as bus:
        channel = bus.channel("s", None)

        async def talk() -> None:
            try:
                for _ in range(200):
                    await channel.publish(BotChunk(text="x"))
            except FeedbackLoop as error:
                failed.append(error)

        class Component:
            async def __call__(self, event: Event) -> None:
                heard.append(event.seq)
                if isinstance(event, UserUtterance):
                    background.start_soon(talk)
                await anyio.lowlevel.checkpoint()

        bus.subscribe(Event, Component(), inbox=Inbox(capacity=5, max_wait_s=1000))
        with anyio.fail_after(DEADLOCK_S):
            await channel.publish(said())
            while len(heard) < 201:
                await anyio.lowlevel.checkpoint()
    assert failed == []
    assert heard == list(range(1, 202))


@pytest.mark.anyio
async def test_a_child_task_that_fills_the_inbox_of_its_own_hook_gets_through_in_the_end() -> None:
    async with Bus() as bus:
        channel = bus.channel("s", None)

        async def talk(count: int) -> None:
            for _ in range(count):
                await channel.publish(said("more"))

        async def hook(event: UserUtterance) -> None:
            if event.text == "first":
                async with anyio.create_task_group() as group:
                    group.start_soon(talk, 15)

        bus.subscribe(UserUtterance, hook, name="hook", inbox=Inbox(capacity=5, max_wait_s=0.02))
        with anyio.fail_after(DEADLOCK_S):
            await channel.publish(said("first"))
            await settled(bus)
        counts = row(bus.statistics(), "hook")
    assert counts.failed == 0
    assert counts.delivered + counts.dropped == 16
    assert counts.delivered >= 6


@pytest.mark.anyio
async def test_hooks_of_two_sessions_that_publish_into_each_other_get_through() -> None:
    heard: list[str] = []
    async with Bus() as bus:
        channels: dict[str, Channel] = {}

        async def across(event: UserUtterance) -> None:
            heard.append(event.session)
            if countdown(event) > 0:
                other = channels["b" if event.session == "a" else "a"]
                await other.publish(said(str(countdown(event) - 1)))

        bus.subscribe(UserUtterance, across, inbox=Inbox(capacity=2, max_wait_s=1000))
        channels |= {name: bus.channel(name, None) for name in "ab"}
        with anyio.fail_after(DEADLOCK_S):
            for _ in range(2):
                await channels["a"].publish(said("20"))
                await channels["b"].publish(said("20"))
            await settled(bus)
    assert len(heard) == 4 * 21
