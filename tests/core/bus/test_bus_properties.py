"""Random publishers, inboxes and hooks: order, gaplessness and the sum of all counts hold whatever happens."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import Any, Literal

import anyio
import pytest
import trio.testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from akoolflow.bus import Bus, Channel, Inbox
from akoolflow.errors import FeedbackLoop
from akoolflow.events import BotChunk, Event, EventsDropped, UserUtterance


class Listener(Struct, frozen=True):
    capacity: int
    when_full: Literal["wait", "drop_oldest"]
    max_wait_s: float
    takes: Literal["nothing", "a turn", "a while", "changing"]
    fails_each: int
    answers: bool


class Publisher(Struct, frozen=True):
    session: int
    count: int
    how: Literal["publish", "post", "publish impatiently"]
    pauses_each: int


listeners = st.builds(
    Listener,
    capacity=st.integers(1, 6),
    when_full=st.sampled_from(["wait", "drop_oldest"]),
    max_wait_s=st.sampled_from([0.0, 0.5, 100.0]),
    takes=st.sampled_from(["nothing", "a turn", "a while", "changing"]),
    fails_each=st.sampled_from([0, 0, 2, 5]),
    answers=st.booleans(),
)
publishers = st.builds(
    Publisher,
    session=st.integers(0, 2),
    count=st.integers(0, 30),
    how=st.sampled_from(["publish", "post", "publish impatiently"]),
    pauses_each=st.integers(1, 10),
)


class Scene:
    """Listens with each listener and writes down what it heard; publishes with each publisher."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.channels = [bus.channel(str(number), None) for number in range(3)]
        self.heard: dict[str, dict[str, list[int]]] = {}
        self.published: dict[str, list[int]] = {channel.id: [] for channel in self.channels}
        self.reported: Counter[str] = Counter()
        self.log: dict[str, list[int]] = {channel.id: [] for channel in self.channels}

    def listen(self, number: int, listener: Listener) -> None:
        name = str(number)
        heard = self.heard[name] = {channel.id: [] for channel in self.channels}

        async def hook(event: Event) -> None:
            heard[event.session].append(event.seq)
            match listener.takes:
                case "a turn":
                    await anyio.lowlevel.checkpoint()
                case "a while":
                    await anyio.sleep(0.3)
                case "changing" if event.seq % 3 == 0:
                    await anyio.sleep(1.0)
            if listener.answers and isinstance(event, UserUtterance):
                with contextlib.suppress(FeedbackLoop):
                    await self.channels[int(event.session)].publish(BotChunk(text="answer"))
            if listener.fails_each and event.seq % listener.fails_each == 0:
                raise ValueError

        inbox = Inbox(capacity=listener.capacity, when_full=listener.when_full, max_wait_s=listener.max_wait_s)
        self.bus.subscribe(Event, hook, name=name, inbox=inbox)

    def write_down(self, event: Event) -> None:
        self.log[event.session].append(event.seq)
        if isinstance(event, EventsDropped):
            self.reported[event.component] += event.count

    async def publish(self, publisher: Publisher) -> None:
        channel: Channel = self.channels[publisher.session]
        for number in range(publisher.count):
            event = UserUtterance(text=str(number))
            match publisher.how:
                case "publish":
                    event = await channel.publish(event)
                    self.published[channel.id].append(event.seq)
                case "post":
                    channel.post(event)
                case "publish impatiently":
                    with anyio.move_on_after(0.2):
                        await channel.publish(event)
            if number % publisher.pauses_each == 0:
                await anyio.sleep(0.1)


def run_in_virtual_time(function: Any, *args: object) -> None:
    trio.run(function, *args, clock=trio.testing.MockClock(autojump_threshold=0))


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(listeners, min_size=1, max_size=5), st.lists(publishers, min_size=1, max_size=6))
def test_whatever_happens_order_and_counts_hold(some: list[Listener], others: list[Publisher]) -> None:
    async def main() -> None:
        bus = Bus(hook_timeout_s=1e6, close_timeout_s=1e6, max_failures=1_000_000)
        async with bus:
            scene = Scene(bus)
            # Everything is routed to it, and it loses nothing: what it hears is what was published.
            bus.subscribe(Event, scene.write_down, name="log", inbox=Inbox(capacity=1_000_000))
            for number, listener in enumerate(some):
                scene.listen(number, listener)
            with anyio.fail_after(1e7):
                async with anyio.create_task_group() as group:
                    for publisher in others:
                        group.start_soon(scene.publish, publisher)
                for channel in scene.channels:
                    await channel.aclose()
        for channel in scene.channels:
            assert scene.log[channel.id] == list(range(1, channel.seq + 1))
        routed = sum(channel.seq for channel in scene.channels)
        for counts in bus.statistics().components:
            assert counts.delivered + counts.dropped == routed
            assert counts.waiting == 0
        for name, heard in scene.heard.items():
            for seqs in heard.values():
                assert seqs == sorted(set(seqs))
            counts = next(each for each in bus.statistics().components if each.name == name)
            assert sum(map(len, heard.values())) == counts.delivered

    run_in_virtual_time(main)


patient = st.builds(
    Listener,
    capacity=st.integers(1, 4),
    when_full=st.just("wait"),
    max_wait_s=st.just(1e6),
    takes=st.sampled_from(["nothing", "a turn", "a while", "changing"]),
    fails_each=st.sampled_from([0, 2]),
    answers=st.just(value=False),
)
patient_publishers = st.builds(
    Publisher,
    session=st.integers(0, 2),
    count=st.integers(0, 30),
    how=st.just("publish"),
    pauses_each=st.integers(1, 10),
)


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(patient, min_size=1, max_size=4), st.lists(patient_publishers, min_size=1, max_size=5))
def test_where_everybody_waits_nothing_published_is_lost(some: list[Listener], others: list[Publisher]) -> None:
    async def main() -> None:
        async with Bus(hook_timeout_s=1e6, close_timeout_s=1e6, max_failures=1_000_000) as bus:
            scene = Scene(bus)
            for number, listener in enumerate(some):
                scene.listen(number, listener)
            async with anyio.create_task_group() as group:
                for publisher in others:
                    group.start_soon(scene.publish, publisher)
            for channel in scene.channels:
                await channel.aclose()
        for heard in scene.heard.values():
            for channel in scene.channels:
                assert set(scene.published[channel.id]) <= set(heard[channel.id])

    run_in_virtual_time(main)


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=5),
    st.lists(st.integers(1, 40), min_size=1, max_size=5),
)
def test_every_drop_is_reported_exactly_once(capacities: list[int], bursts: list[int]) -> None:
    async def main() -> None:
        async with Bus(close_timeout_s=1e6) as bus:
            scene = Scene(bus)
            bus.subscribe(Event, scene.write_down, name="log", inbox=Inbox(capacity=1_000_000))
            for number, capacity in enumerate(capacities):
                inbox = Inbox(capacity=capacity, when_full="drop_oldest")
                bus.subscribe(UserUtterance, lambda _event: anyio.sleep(0.3), name=str(number), inbox=inbox)
            for burst in bursts:
                for _ in range(burst):
                    await scene.channels[0].publish(UserUtterance(text="hi"))
                await anyio.sleep(1)
            await scene.channels[0].aclose()
            dropped = {each.name: each.dropped for each in bus.statistics().components if each.dropped}
        assert dict(scene.reported) == dropped

    run_in_virtual_time(main)
