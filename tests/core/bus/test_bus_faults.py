"""Hooks that raise, cancel, hang and break things: whatever they do, everybody else works on."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import NoReturn

import anyio
import pytest

from akoolflow.bus import Bus, BusStatistics, ComponentStatistics, Inbox
from akoolflow.bus.failures import fail
from akoolflow.events import BotChunk, Event, EventsDropped, PluginFailed, TurnStarted, UserUtterance
from akoolflow.hookspecs import hookimpl


def said(text: str = "hi") -> UserUtterance:
    return UserUtterance(text=text)


def row(statistics: BusStatistics, name: str) -> ComponentStatistics:
    return next(component for component in statistics.components if component.name == name)


async def settled(bus: Bus) -> None:
    while any(channel._active for channel in bus._channels):
        await anyio.lowlevel.checkpoint()


class Witness:
    """Stands beside the culprit: hears everything, fails never."""

    def __init__(self) -> None:
        self.heard: list[Event] = []

    @hookimpl
    async def on_event(self, event: Event) -> None:
        self.heard.append(event)

    @property
    def failures(self) -> list[PluginFailed]:
        return [event for event in self.heard if isinstance(event, PluginFailed)]

    @property
    def utterances(self) -> list[str]:
        return [event.text for event in self.heard if isinstance(event, UserUtterance)]


# -- raising --


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even this")


async def wait_for_cancelled_future() -> None:
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


def raiser(error: BaseException) -> Callable[[Event], NoReturn]:
    def hook(event: Event) -> NoReturn:
        raise error

    return hook


def async_raiser(error: BaseException) -> Callable[[Event], object]:
    async def hook(event: Event) -> NoReturn:
        await anyio.lowlevel.checkpoint()
        raise error

    return hook


ERRORS: dict[str, tuple[Callable[[], BaseException], str]] = {
    "a plain error": (lambda: ValueError("boom"), "ValueError: boom"),
    "an error without text": (ValueError, "ValueError: "),
    "an error whose text fails": (Unprintable, "Unprintable: its text cannot be shown"),
    "an error with a text of a megabyte": (lambda: ValueError("x" * 1_000_000), "ValueError: " + "x" * 288),
    "an exit": (lambda: SystemExit(3), "SystemExit: 3"),
    "a stop of iteration": (StopAsyncIteration, "StopAsyncIteration: "),
    "a group": (lambda: ExceptionGroup("many", [ValueError("boom"), KeyError("k")]), "ValueError: boom"),
    "a group with an exit": (lambda: BaseExceptionGroup("many", [SystemExit(3)]), "SystemExit: 3"),
    "a foreign base exception": (lambda: type("Outcome", (BaseException,), {})("late"), "Outcome: late"),
}


@pytest.mark.anyio
@pytest.mark.parametrize("make_hook", [raiser, async_raiser])
@pytest.mark.parametrize("kind", ERRORS)
async def test_a_raising_hook_is_reported_and_everybody_else_hears_everything(
    kind: str, make_hook: Callable[[BaseException], Callable[[Event], object]]
) -> None:
    make_error, text = ERRORS[kind]
    witness = Witness()
    async with Bus() as bus:
        bus.subscribe(UserUtterance, make_hook(make_error()), name="broken")
        bus.register(witness)
        await bus.publish(said("1"))
        await bus.publish(said("2"))
    assert witness.utterances == ["1", "2"]
    failed = [(f.component, f.hook, f.error, f.count, f.put_aside) for f in witness.failures]
    assert failed == [("broken", "broken", text, 1, False), ("broken", "broken", text, 2, False)]


@pytest.mark.anyio
async def test_the_report_names_the_hook_that_failed() -> None:
    class Component:
        @hookimpl
        def on_user_utterance(self) -> None:
            raise ValueError

        @hookimpl
        def on_event(self) -> None: ...

    witness = Witness()
    async with Bus() as bus:
        bus.register(Component(), name="sink")
        bus.register(witness)
        await bus.publish(said())
    assert [(f.component, f.hook) for f in witness.failures] == [("sink", "on_user_utterance")]


@pytest.mark.anyio
async def test_on_event_is_called_although_the_hook_of_the_type_has_failed() -> None:
    heard: list[Event] = []

    class Component:
        @hookimpl
        def on_user_utterance(self) -> None:
            raise ValueError

        @hookimpl
        def on_event(self, event: Event) -> None:
            heard.append(event)

    async with Bus() as bus:
        bus.register(Component())
        event = await bus.publish(said())
    assert event in heard


@pytest.mark.anyio
async def test_on_event_does_not_make_up_for_the_hook_of_the_type() -> None:
    class Component:
        @hookimpl
        def on_user_utterance(self) -> None:
            raise ValueError

        @hookimpl
        def on_event(self) -> None: ...

    async with Bus(max_failures=2) as bus:
        bus.register(Component(), name="sink")
        channel = bus.channel("s", None)
        await channel.publish(said())
        await channel.publish(said())
        await settled(bus)
        assert row(bus.statistics(), "sink").put_aside


def test_ctrl_c_in_a_hook_ends_the_program_without_waiting_for_anybody(anyio_backend: str) -> None:
    async def main() -> None:
        async with Bus(close_timeout_s=1000) as bus:
            bus.subscribe(UserUtterance, lambda _event: anyio.sleep_forever())
            bus.subscribe(UserUtterance, raiser(KeyboardInterrupt()))
            await bus.publish(said())
            await anyio.sleep_forever()

    with pytest.raises((KeyboardInterrupt, BaseExceptionGroup)) as caught:
        anyio.run(main, backend=anyio_backend)
    assert "KeyboardInterrupt" in repr(caught.value)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_hook_that_awaits_a_cancelled_future_has_failed_and_hears_the_next_event() -> None:
    calls: list[int] = []

    async def hook(event: UserUtterance) -> None:
        calls.append(event.seq)
        if event.seq == 1:
            await wait_for_cancelled_future()

    witness = Witness()
    async with Bus() as bus:
        bus.subscribe(UserUtterance, hook)
        bus.register(witness)
        await bus.publish(said("1"))
        await bus.publish(said("2"))
    assert calls == [1, 2]
    assert witness.utterances == ["1", "2"]
    assert [f.error for f in witness.failures] == ["CancelledError: "]


def cancel_own_task() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("waits", [True, False])
async def test_a_hook_that_cancels_its_own_task_ends_neither_the_bus_nor_itself(waits: bool) -> None:  # noqa: FBT001
    calls: list[str] = []

    async def hook(event: UserUtterance) -> None:
        calls.append(event.text)
        if event.text == "1":
            cancel_own_task()
        if waits:
            await anyio.lowlevel.checkpoint()

    witness = Witness()
    async with Bus() as bus:
        bus.subscribe(UserUtterance, hook)
        bus.register(witness)
        for text in ("1", "2", "3"):
            channel = bus.channel(text, None)
            await channel.publish(said(text))
            await channel.aclose()
    assert calls == ["1", "2", "3"]
    assert witness.utterances == ["1", "2", "3"]


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_task_that_a_hook_has_cancelled_is_lent_to_nobody_else() -> None:
    requests: list[int] = []

    async def culprit(event: UserUtterance) -> None:
        cancel_own_task()
        await anyio.lowlevel.checkpoint()

    async def innocent(event: BotChunk) -> None:
        task = asyncio.current_task()
        assert task is not None
        requests.append(task.cancelling())

    async with Bus() as bus:
        bus.subscribe(UserUtterance, culprit)
        bus.subscribe(BotChunk, innocent)
        channel = bus.channel("s", None)
        for _ in range(3):
            await channel.publish(said())
            await settled(bus)
            await channel.publish(BotChunk(text="x"))
            await settled(bus)
    assert requests == [0, 0, 0]


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_timeout_right_after_a_hook_that_cancelled_its_own_task_is_a_timeout() -> None:
    handled = anyio.Event()

    async def hook(event: UserUtterance) -> None:
        match event.text:
            case "cancels its task":
                cancel_own_task()
                await anyio.lowlevel.checkpoint()
            case "hangs":
                await anyio.sleep_forever()
            case _:
                handled.set()

    witness = Witness()
    async with Bus(hook_timeout_s=0.02) as bus:
        bus.subscribe(UserUtterance, hook)
        bus.register(witness)
        for text in ("cancels its task", "hangs", "goes well"):
            await bus.publish(said(text))
        with anyio.fail_after(10):
            await handled.wait()
    assert [f.error.partition(":")[0] for f in witness.failures] == ["CancelledError", "TimeoutError"]


@pytest.mark.anyio
async def test_a_hook_that_leaves_a_cancel_scope_open_is_reported_and_the_others_work_on() -> None:
    witness, left_open = Witness(), anyio.CancelScope()

    async def hook(event: UserUtterance) -> None:
        if event.text == "1":
            left_open.__enter__()

    try:
        async with Bus() as bus:
            bus.subscribe(UserUtterance, hook, name="careless")
            bus.register(witness)
            for text in ("1", "2", "3"):
                channel = bus.channel(text, None)
                await channel.publish(said(text))
                await channel.aclose()
    except* RuntimeError:  # asyncio's tasks cannot end with a scope open, and say so at the very end
        pass
    assert witness.utterances == ["1", "2", "3"]
    assert [f.component for f in witness.failures] == ["careless"]
    assert "left a cancel scope" in witness.failures[0].error


# -- failing again and again --


class Faulty:
    """Fails on the utterances that say so."""

    @hookimpl
    def on_user_utterance(self, event: UserUtterance) -> None:
        if event.text == "fail":
            raise ValueError("as told")


@pytest.mark.anyio
async def test_a_component_is_put_aside_after_so_many_failures_in_a_row() -> None:
    witness = Witness()
    async with Bus(max_failures=3) as bus:
        bus.register(Faulty(), name="faulty")
        bus.register(witness)
        channel = bus.channel("s", None)
        for _ in range(5):
            await channel.publish(said("fail"))
            await settled(bus)
        counts = row(bus.statistics(), "faulty")
    assert [(f.count, f.put_aside) for f in witness.failures] == [(1, False), (2, False), (3, True)]
    assert (counts.delivered, counts.failed, counts.put_aside) == (3, 3, True)


@pytest.mark.anyio
async def test_a_success_begins_the_count_anew() -> None:
    witness = Witness()
    async with Bus(max_failures=3) as bus:
        bus.register(Faulty(), name="faulty")
        bus.register(witness)
        for text in ("fail", "fail", "well", "fail", "fail", "well"):
            await bus.publish(said(text))
    assert [(f.count, f.put_aside) for f in witness.failures] == [(1, False), (2, False), (1, False), (2, False)]


@pytest.mark.anyio
async def test_what_waited_for_a_component_that_is_put_aside_is_counted_and_reported_as_dropped() -> None:
    witness = Witness()
    async with Bus(max_failures=1) as bus:
        bus.register(Faulty(), name="faulty")
        bus.register(witness)
        for _ in range(4):
            await bus.publish(said("fail"))
        await settled(bus)
        counts = row(bus.statistics(), "faulty")
    assert (counts.delivered, counts.dropped, counts.waiting) == (1, 3, 0)
    drops = [event for event in witness.heard if isinstance(event, EventsDropped)]
    assert [(d.component, d.count) for d in drops] == [("faulty", 3)]


@pytest.mark.anyio
async def test_a_component_put_aside_in_one_session_works_on_in_the_others() -> None:
    witness = Witness()
    async with Bus(max_failures=2) as bus:
        bus.register(Faulty(), name="faulty")
        bus.register(witness)
        ill, well = bus.channel("ill", None), bus.channel("well", None)
        for _ in range(3):  # in turns: success over there must not hide the failure over here
            await ill.publish(said("fail"))
            await well.publish(said("well"))
            await settled(bus)
        assert row(bus.statistics(), "faulty").delivered == 2 + 3
    assert [(f.session, f.put_aside) for f in witness.failures] == [("ill", False), ("ill", True)]


@pytest.mark.anyio
async def test_single_failures_in_many_sessions_put_nothing_aside() -> None:
    witness = Witness()
    async with Bus(max_failures=2) as bus:
        bus.register(Faulty(), name="faulty")
        bus.register(witness)
        for number in range(10):
            await bus.channel(str(number), None).publish(said("fail"))
    assert [f.put_aside for f in witness.failures] == [False] * 10


@pytest.mark.anyio
async def test_a_restored_component_hears_later_events_and_starts_with_a_clean_count() -> None:
    witness = Witness()
    async with Bus(max_failures=2) as bus:
        bus.register(Faulty(), name="faulty")
        bus.register(witness)
        channel = bus.channel("s", None)
        for text in ("fail", "fail", "unheard"):
            await channel.publish(said(text))
            await settled(bus)
        assert bus.restore("faulty")
        assert not row(bus.statistics(), "faulty").put_aside
        await channel.publish(said("fail"))
        await channel.publish(said("well"))
        await channel.aclose()
        assert row(bus.statistics(), "faulty").delivered == 4
    assert [(f.count, f.put_aside) for f in witness.failures] == [(1, False), (2, True), (1, False)]


@pytest.mark.anyio
async def test_a_component_restored_while_its_hook_still_runs_is_never_called_twice_at_once() -> None:
    at_once = 0
    most = 0
    called, go_on = anyio.Event(), anyio.Event()

    async def hook(event: UserUtterance) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        called.set()
        await go_on.wait()
        at_once -= 1

    async with Bus() as bus:
        bus.subscribe(UserUtterance, hook, name="hook")
        channel = bus.channel("s", None)
        await channel.publish(said())
        await called.wait()
        worker = next(iter(channel.workers.values()))
        fail(worker, ValueError("from elsewhere"), for_good=True)
        assert bus.restore("hook")
        await channel.publish(said())
        for _ in range(10):
            await anyio.lowlevel.checkpoint()
        go_on.set()
    assert most == 1
    assert worker.component.delivered == 2


# -- failing on news of failures --


class FailsAlways:
    @hookimpl
    def on_event(self, event: Event) -> None:
        raise ValueError


@pytest.mark.anyio
async def test_a_component_that_fails_on_news_of_its_own_failure_does_not_go_round_in_circles() -> None:
    witness = Witness()
    async with Bus(max_failures=1000) as bus:
        bus.register(FailsAlways(), name="always")
        bus.register(witness)
        for _ in range(3):
            await bus.publish(said())
    # Three failures are told; the three to hear of them are only counted.
    assert [f.count for f in witness.failures] == [1, 2, 3]


@pytest.mark.anyio
async def test_components_that_fail_on_each_other_s_failures_do_not_go_round_in_circles() -> None:
    witness = Witness()
    async with Bus(max_failures=1_000_000) as bus:
        for number in range(4):
            bus.register(FailsAlways(), name=f"always-{number}")
        bus.register(witness)
        await bus.publish(said())
    # Each tells that it failed on the utterance, and once that it fails on such news.
    assert Counter(f.component for f in witness.failures) == {f"always-{number}": 2 for number in range(4)}


@pytest.mark.anyio
async def test_failing_only_on_news_of_failures_puts_aside_and_is_told() -> None:
    class Component:
        @hookimpl
        def on_plugin_failed(self) -> None:
            raise ValueError

    witness = Witness()
    async with Bus(max_failures=3) as bus:
        bus.subscribe(UserUtterance, raiser(ValueError()), name="broken")
        bus.register(Component(), name="listener")
        bus.register(witness)
        channel = bus.channel("s", None)
        await channel.publish(said())
        await channel.publish(said())
    told = [(f.count, f.put_aside) for f in witness.failures if f.component == "listener"]
    assert told[0] == (1, False)
    assert told[-1] == (3, True)


@pytest.mark.anyio
async def test_every_failure_is_in_the_log_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="akoolflow"):
        async with Bus() as bus:
            bus.subscribe(UserUtterance, raiser(ValueError("boom")), name="broken")
            await bus.publish(said())
    assert "in hook\n    raise error" in caplog.text
    assert "broken" in caplog.text


# -- taking too long, in real time on both loops (see test_bus_time for all the rest of it) --


@pytest.mark.anyio
async def test_a_hook_that_never_returns_is_cancelled_and_the_next_event_is_handled() -> None:
    cancelled: list[int] = []
    handled = anyio.Event()

    async def hook(event: UserUtterance) -> None:
        if event.seq > 1:
            handled.set()
            return
        try:
            await anyio.sleep_forever()
        finally:
            cancelled.append(event.seq)

    witness = Witness()
    async with Bus(hook_timeout_s=0.02) as bus:
        bus.subscribe(UserUtterance, hook, name="hook")
        bus.register(witness)
        await bus.publish(said("1"))
        await bus.publish(said("2"))
        with anyio.fail_after(10):
            await handled.wait()
    assert cancelled == [1]
    assert witness.utterances == ["1", "2"]
    errors = ["TimeoutError: took longer than 0.02 s and was cancelled"]
    assert [f.error for f in witness.failures] == errors


@pytest.mark.anyio
@pytest.mark.parametrize("times", [1, 5])
async def test_a_hook_that_swallows_cancellation_a_few_times_is_told_once_and_the_component_works_on(
    times: int,
) -> None:
    handled = anyio.Event()

    async def hook(event: UserUtterance) -> None:
        if event.seq > 1:
            handled.set()
            return
        for _ in range(times):
            try:
                await anyio.sleep_forever()
            except anyio.get_cancelled_exc_class():
                pass

    witness = Witness()
    async with Bus(hook_timeout_s=0.02) as bus:
        bus.subscribe(UserUtterance, hook, name="hook")
        bus.register(witness)
        await bus.publish(said("1"))
        await bus.publish(said("2"))
        with anyio.fail_after(10):
            await handled.wait()
        assert row(bus.statistics(), "hook").failed == 1
    assert len(witness.failures) == 1


@pytest.mark.anyio
async def test_on_event_is_called_although_the_hook_of_the_type_took_too_long() -> None:
    heard: list[int] = []

    class Component:
        @hookimpl
        async def on_user_utterance(self) -> None:
            await anyio.sleep_forever()

        @hookimpl
        async def on_event(self, event: Event) -> None:
            if isinstance(event, UserUtterance | BotChunk):
                heard.append(event.seq)

    async with Bus(hook_timeout_s=0.02) as bus:
        bus.register(Component(), name="sink")
        channel = bus.channel("s", None)
        await channel.publish(said())
        await channel.publish(BotChunk(text="x"))
        await channel.aclose()
        counts = row(bus.statistics(), "sink")
    assert heard == [1, 2]
    assert (counts.delivered, counts.failed) == (3, 1)  # with the report of the failure


@pytest.mark.anyio
async def test_a_failing_component_does_not_hold_up_one_with_a_small_inbox() -> None:
    heard: list[Event] = []
    async with Bus() as bus:
        bus.subscribe(TurnStarted, raiser(ValueError()), inbox=Inbox(capacity=1))
        bus.subscribe(TurnStarted, heard.append, inbox=Inbox(capacity=1))
        for _ in range(50):
            await bus.publish(TurnStarted(text="hi"))
    assert len(heard) == 50
