"""Sequence numbers, causes and turns; sessions beside each other; what a hook inherits."""

from __future__ import annotations

from contextvars import ContextVar

import anyio
import pytest

from akoolflow.bus import Bus, Inbox
from akoolflow.events import BotChunk, Event, PluginFailed, TurnStarted, UserUtterance


def said(text: str = "hi") -> UserUtterance:
    return UserUtterance(text=text)


def chunk(idx: int = 0) -> BotChunk:
    return BotChunk(text="x", idx=idx, origin="brain")


# -- sequence --


@pytest.mark.anyio
async def test_numbers_run_from_one_without_gaps_whether_anybody_listens_or_not() -> None:
    async with Bus() as bus:
        bus.subscribe(UserUtterance, lambda _event: None)
        channel = bus.channel("s", None)
        stamped = [await channel.publish(said()), channel.post(chunk()), await channel.publish(TurnStarted(text="hi"))]
    assert [event.seq for event in stamped] == [1, 2, 3]


@pytest.mark.anyio
async def test_an_event_that_could_not_be_stamped_takes_no_number() -> None:
    times = iter([1.0, None, 3.0])

    def clock() -> float:
        if (time := next(times)) is None:
            raise OSError
        return time

    async with Bus(wall_clock=clock) as bus:
        await bus.publish(said())
        with pytest.raises(OSError):  # noqa: PT011 - the clock's own
            await bus.publish(said())
        assert (await bus.publish(said())).seq == 2


@pytest.mark.anyio
async def test_the_published_copy_is_stamped_and_the_original_is_not() -> None:
    heard: list[Event] = []
    async with Bus(wall_clock=lambda: 1234.5) as bus:
        bus.subscribe(UserUtterance, heard.append)
        original, before_s = said(), anyio.current_time()
        stamped = await bus.channel("s1", None).publish(original, turn=7)
    assert original == said()
    assert heard == [stamped]
    assert (stamped.session, stamped.seq, stamped.turn, stamped.cause, stamped.unix_s) == ("s1", 1, 7, 0, 1234.5)
    assert before_s <= stamped.monotonic_s <= before_s + 60


@pytest.mark.anyio
async def test_every_component_sees_sequence_order_with_many_publishers_at_once() -> None:
    quick: list[int] = []
    slow: list[int] = []

    async def dawdle(event: UserUtterance) -> None:
        if event.seq % 3 == 0:
            await anyio.lowlevel.checkpoint()
        slow.append(event.seq)

    async with Bus() as bus:
        bus.subscribe(UserUtterance, lambda event: quick.append(event.seq))
        bus.subscribe(UserUtterance, dawdle, inbox=Inbox(capacity=4))

        async def publish_some() -> None:
            for number in range(25):
                await bus.publish(said(str(number)))

        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(publish_some)
    assert quick == list(range(1, 201))
    assert slow == list(range(1, 201))


@pytest.mark.anyio
async def test_sessions_have_their_own_numbers_and_their_own_session_object() -> None:
    heard: list[tuple[str, int, object]] = []
    async with Bus() as bus:
        bus.subscribe(UserUtterance, lambda event, session: heard.append((event.session, event.seq, session)))
        a, b = bus.channel("a", "session a"), bus.channel("b", "session b")
        for channel in (a, b, a, a, b):
            await channel.publish(said())
    assert [entry for entry in heard if entry[0] == "a"] == [("a", n, "session a") for n in (1, 2, 3)]
    assert [entry for entry in heard if entry[0] == "b"] == [("b", n, "session b") for n in (1, 2)]


@pytest.mark.anyio
async def test_a_component_stuck_in_one_session_works_on_in_another() -> None:
    stuck, heard = anyio.Event(), anyio.Event()

    async def hook(event: UserUtterance, session: str) -> None:
        if session == "a":
            await stuck.wait()
        else:
            heard.set()

    async with Bus() as bus:
        bus.subscribe(UserUtterance, hook)
        await bus.channel("a", "a").publish(said())
        await bus.channel("b", "b").publish(said())
        with anyio.fail_after(5):
            await heard.wait()
        stuck.set()


# -- causes and turns --


@pytest.mark.anyio
async def test_what_a_hook_publishes_is_caused_by_the_event_in_its_hands_and_of_its_turn() -> None:
    chunks: list[Event] = []
    async with Bus() as bus:
        channel = bus.channel("s", None)

        async def by_publish(event: UserUtterance) -> None:
            await anyio.lowlevel.checkpoint()
            await channel.publish(chunk())

        def by_post(event: UserUtterance) -> None:
            channel.post(chunk())

        bus.subscribe(UserUtterance, by_publish)
        bus.subscribe(UserUtterance, by_post)
        bus.subscribe(BotChunk, chunks.append)
        first = await channel.publish(said(), turn=1)
        second = await channel.publish(said(), turn=2)
    expected = sorted([(first.seq, 1), (second.seq, 2)] * 2)
    assert sorted((event.cause, event.turn) for event in chunks) == expected


@pytest.mark.anyio
async def test_a_child_task_of_a_hook_inherits_too() -> None:
    chunks: list[Event] = []
    async with Bus() as bus:
        channel = bus.channel("s", None)

        async def child() -> None:
            await anyio.lowlevel.checkpoint()
            await channel.publish(chunk())

        async def hook(event: UserUtterance) -> None:
            async with anyio.create_task_group() as group:
                group.start_soon(child)
                group.start_soon(child)

        bus.subscribe(UserUtterance, hook)
        bus.subscribe(BotChunk, chunks.append)
        await channel.publish(TurnStarted(text="hi"), turn=4)
        await channel.publish(said(), turn=5)
    assert [(event.cause, event.turn) for event in chunks] == [(2, 5), (2, 5)]


@pytest.mark.anyio
async def test_a_named_cause_or_turn_wins_over_what_would_be_inherited() -> None:
    chunks: list[Event] = []
    async with Bus() as bus:
        channel = bus.channel("s", None)
        earlier = await channel.publish(TurnStarted(text="hi"), turn=3)

        async def hook(event: UserUtterance) -> None:
            await channel.publish(chunk(0), cause=earlier)
            await channel.publish(chunk(1), turn=9)
            await channel.publish(chunk(2), turn=0)
            await channel.publish(chunk(3), cause=earlier, turn=9)

        bus.subscribe(UserUtterance, hook)
        bus.subscribe(BotChunk, chunks.append)
        await channel.publish(said(), turn=4)
    assert [(event.cause, event.turn) for event in chunks] == [(1, 3), (2, 9), (2, 0), (1, 9)]


@pytest.mark.anyio
async def test_outside_hooks_nothing_is_inherited() -> None:
    async with Bus() as bus:
        bus.subscribe(UserUtterance, lambda _event: None)
        await bus.publish(said(), turn=3)
        event = await bus.publish(said())
    assert (event.cause, event.turn) == (0, 0)


@pytest.mark.anyio
async def test_a_cause_in_another_session_is_no_cause_here() -> None:
    there: list[Event] = []
    async with Bus() as bus:
        a, b = bus.channel("a", None), bus.channel("b", None)

        async def hook(event: UserUtterance) -> None:
            there.append(await b.publish(chunk()))
            there.append(await b.publish(chunk(), cause=event))

        bus.subscribe(UserUtterance, hook)
        await a.publish(said(), turn=5)
    assert [(event.cause, event.turn) for event in there] == [(0, 0), (0, 0)]


@pytest.mark.anyio
async def test_a_report_of_a_failure_is_caused_by_the_event_that_was_failed_on() -> None:
    reports: list[Event] = []

    def broken(event: UserUtterance) -> None:
        raise ValueError

    async with Bus() as bus:
        bus.subscribe(UserUtterance, broken)
        bus.subscribe(PluginFailed, reports.append)
        channel = bus.channel("s", None)
        await channel.publish(TurnStarted(text="hi"))
        await channel.publish(said(), turn=6)
    assert [(report.cause, report.turn) for report in reports] == [(2, 6)]


# -- context variables --

request: ContextVar[str] = ContextVar("request", default="none")


@pytest.mark.anyio
async def test_hooks_do_not_see_the_context_of_whoever_happened_to_publish_first() -> None:
    seen: list[str] = []

    async def hook(event: UserUtterance) -> None:
        seen.append(request.get())

    request.set("none")
    async with Bus() as bus:
        bus.subscribe(UserUtterance, hook)
        request.set("of one customer")
        await bus.channel("a", None).publish(said())
        await bus.channel("b", None).publish(said())
    assert seen == ["none", "none"]


@pytest.mark.anyio
async def test_a_context_variable_set_by_a_hook_is_not_seen_in_another_session() -> None:
    seen: list[str] = []

    async def hook(event: UserUtterance, session: str) -> None:
        seen.append(request.get())
        request.set(session)

    request.set("none")
    async with Bus() as bus:
        bus.subscribe(UserUtterance, hook)
        for name in ("a", "b", "c"):
            channel = bus.channel(name, name)
            await channel.publish(said())
            await channel.aclose()
    assert seen == ["none", "none", "none"]


@pytest.mark.anyio
async def test_a_context_variable_set_by_a_hook_is_not_seen_by_another_component() -> None:
    seen: list[str] = []

    async with Bus() as bus:
        bus.subscribe(UserUtterance, lambda _event: request.set("set"))
        bus.subscribe(UserUtterance, lambda _event: seen.append(request.get()))
        await bus.publish(said())
        await bus.publish(said())
    assert set(seen) == {"none"}
