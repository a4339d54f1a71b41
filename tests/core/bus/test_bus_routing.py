"""Which hooks are called with what, which are refused, and how components come and go."""

from __future__ import annotations

import functools
import typing
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal
from unittest.mock import AsyncMock

import anyio
import msgspec
import pytest

from akoolflow.bus import Bus, Inbox
from akoolflow.errors import BusError, HookInvalid, OptionInvalid
from akoolflow.events import EVENT_TYPES, Event, LinkConnected, TurnStarted, UserUtterance, hook_name
from akoolflow.hookspecs import hookimpl


class Everything:
    def __init__(self) -> None:
        self.heard: list[Event] = []

    @hookimpl
    def on_event(self, event: Event) -> None:
        self.heard.append(event)


def sample(event_type: type[Event]) -> Event:
    values: dict[type, object] = {str: "x", int: 1, float: 1.0}
    filled: dict[str, Any] = {}
    for field in msgspec.structs.fields(event_type):
        if field.required:
            is_choice = typing.get_origin(field.type) is Literal
            filled[field.name] = typing.get_args(field.type)[0] if is_choice else values.get(field.type)
    return event_type(**filled)


# -- calling --


@pytest.mark.anyio
@pytest.mark.parametrize("event_type", EVENT_TYPES)
async def test_the_hook_of_an_event_type_gets_exactly_that_type(event_type: type[Event]) -> None:
    heard: list[Event] = []

    def hook(self: object, event: Event) -> None:
        heard.append(event)

    component = type("Component", (), {hook_name(event_type): hookimpl(hook)})()
    async with Bus() as bus:
        bus.register(component)
        for each in EVENT_TYPES:
            await bus.publish(sample(each))
    assert [type(event) for event in heard] == [event_type]


SHAPES: dict[str, Callable[[list[object]], object]] = {}


def shape(make: Callable[[list[object]], type]) -> None:
    SHAPES[make.__name__] = lambda seen: make(seen)()


@shape
def nothing(seen: list[object]) -> type:
    class Component:
        @hookimpl
        def on_user_utterance(self) -> None:
            seen.append(())

    return Component


@shape
def event_alone(seen: list[object]) -> type:
    class Component:
        @hookimpl
        def on_user_utterance(self, event: UserUtterance) -> None:
            seen.append(event)

    return Component


@shape
def session_alone(seen: list[object]) -> type:
    class Component:
        @hookimpl
        async def on_user_utterance(self, session: object) -> None:
            seen.append(session)

    return Component


@shape
def both(seen: list[object]) -> type:
    class Component:
        @hookimpl
        async def on_user_utterance(self, event: UserUtterance, session: object) -> None:
            seen.append((event, session))

    return Component


@shape
def both_the_other_way_round(seen: list[object]) -> type:
    class Component:
        @hookimpl
        def on_user_utterance(self, session: object, event: UserUtterance) -> None:
            seen.append((event, session))

    return Component


@shape
def session_with_a_default(seen: list[object]) -> type:
    class Component:
        @hookimpl
        def on_user_utterance(self, event: UserUtterance, session: object = None, limit: int = 3) -> None:
            seen.append((event, session))
            assert limit == 3

    return Component


@shape
def positional_only(seen: list[object]) -> type:
    class Component:
        @hookimpl
        def on_user_utterance(self, event: UserUtterance, /, session: object) -> None:
            seen.append((event, session))

    return Component


@shape
def no_self(seen: list[object]) -> type:
    class Component:
        @staticmethod
        @hookimpl
        def on_user_utterance(event: UserUtterance) -> None:
            seen.append(event)

    return Component


@shape
def decorated(seen: list[object]) -> type:
    def logged(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def wrapper(*args: object, **kwargs: object) -> None:
            function(*args, **kwargs)

        return wrapper

    class Component:
        @hookimpl
        @logged
        def on_user_utterance(self, event: UserUtterance, session: object) -> None:
            seen.append((event, session))

    return Component


EXPECTED: dict[str, Callable[[Event, object], object]] = {
    "nothing": lambda event, session: (),
    "event_alone": lambda event, session: event,
    "session_alone": lambda event, session: session,
    "no_self": lambda event, session: event,
}


@pytest.mark.anyio
@pytest.mark.parametrize("name", SHAPES)
async def test_a_hook_gets_the_arguments_it_asks_for(name: str) -> None:
    seen: list[object] = []
    session = object()
    async with Bus() as bus:
        bus.register(SHAPES[name](seen))
        event = await bus.channel("s", session).publish(UserUtterance(text="hi"))
    expected = EXPECTED[name](event, session) if name in EXPECTED else (event, session)
    assert seen == [expected]


@pytest.mark.anyio
async def test_the_hook_of_the_type_and_on_event_are_both_called_in_this_order() -> None:
    called: list[str] = []

    class Component:
        @hookimpl
        def on_event(self) -> None:
            called.append("on_event")

        @hookimpl
        async def on_user_utterance(self) -> None:
            called.append("on_user_utterance")

    async with Bus() as bus:
        bus.register(Component())
        await bus.publish(UserUtterance(text="hi"))
        await bus.publish(TurnStarted(text="hi"))
    assert called == ["on_user_utterance", "on_event", "on_event"]


@pytest.mark.anyio
async def test_two_implementations_of_one_hook_in_one_object_are_both_called() -> None:
    called: list[str] = []

    class Component:
        @hookimpl
        def on_user_utterance(self) -> None:
            called.append("own name")

        @hookimpl(specname="on_user_utterance")
        def transcribe(self) -> None:
            called.append("specname")

    async with Bus() as bus:
        bus.register(Component())
        await bus.publish(UserUtterance(text="hi"))
    assert sorted(called) == ["own name", "specname"]


@pytest.mark.anyio
async def test_an_awaitable_that_a_plain_hook_returns_is_awaited() -> None:
    done: list[str] = []

    async def work() -> None:
        done.append("work")

    async with Bus() as bus:
        bus.subscribe(UserUtterance, lambda _event: work())
        await bus.publish(UserUtterance(text="hi"))
    assert done == ["work"]


@pytest.mark.anyio
async def test_what_a_hook_returns_is_ignored() -> None:
    component = Everything()
    async with Bus() as bus:
        bus.register(component)
        bus.subscribe(UserUtterance, lambda _event: 42)
        await bus.publish(UserUtterance(text="hi"))
    assert [type(event) for event in component.heard] == [UserUtterance]


# -- refusals --


def refusal(component: object) -> HookInvalid:
    bus = Bus()
    with pytest.raises(HookInvalid) as caught:
        bus.register(component, name="sink")
    bus.register(Everything(), name="sink")  # nothing of the refused one is left
    return caught.value


def test_a_misspelt_hook_is_refused_with_the_nearest_spelling() -> None:
    class Component:
        @hookimpl
        def on_user_uterance(self, event: Event) -> None: ...

    error = refusal(Component())
    assert error.hook == "on_user_uterance"
    assert "'on_user_utterance'" in str(error)


def test_a_hook_like_none_of_ours_is_refused() -> None:
    class Component:
        @hookimpl
        def frobnicate(self) -> None: ...

    assert "no such hook" in str(refusal(Component()))


def test_an_unknown_hook_that_is_marked_optional_is_left_alone() -> None:
    class Component:
        @hookimpl(optionalhook=True)
        def on_hologram(self) -> None: ...

    Bus().register(Component())


def test_an_unknown_argument_is_refused_by_name() -> None:
    class Component:
        @hookimpl
        def on_user_utterance(self, event: Event, bus: object) -> None: ...

    error = refusal(Component())
    assert error.hook == "on_user_utterance"
    assert "bus" in str(error)


def test_a_wrapper_is_refused() -> None:
    class Component:
        @hookimpl(wrapper=True)
        def on_user_utterance(self, event: Event) -> Iterator[None]:
            yield

    assert "wrapper" in str(refusal(Component()))


def test_a_generator_is_refused_because_calling_it_runs_nothing() -> None:
    class Component:
        @hookimpl
        def on_user_utterance(self, event: Event) -> Iterator[None]:
            yield

    assert "yields" in str(refusal(Component()))


def test_an_async_generator_is_refused_because_calling_it_runs_nothing() -> None:
    class Component:
        @hookimpl
        async def on_user_utterance(self, event: Event) -> AsyncIterator[None]:
            yield

    assert "yields" in str(refusal(Component()))


def test_a_hook_of_nothing_but_star_arguments_is_refused() -> None:
    class Component:
        @hookimpl
        def on_user_utterance(self, *args: object) -> None: ...

    assert "`event` and `session`" in str(refusal(Component()))


def test_a_required_keyword_only_argument_is_refused() -> None:
    class Component:
        @hookimpl
        def on_user_utterance(self, *, event: Event) -> None: ...

    assert "`event` and `session`" in str(refusal(Component()))


def test_a_class_in_the_place_of_an_object_is_refused() -> None:
    assert "takes an object" in str(refusal(Everything))


def test_none_is_refused() -> None:
    assert "takes an object" in str(refusal(None))


def test_an_inbox_attribute_of_another_kind_is_refused() -> None:
    class Component(Everything):
        inbox = 100

    assert "must be an `Inbox`" in str(refusal(Component()))


def test_the_same_object_twice_is_refused() -> None:
    bus, component = Bus(), Everything()
    bus.register(component)
    with pytest.raises(HookInvalid, match="registered already"):
        bus.register(component, name="another name")


def test_an_equal_object_is_refused_with_the_reason() -> None:
    @dataclass
    class Sink:
        path: str

    bus = Bus()
    bus.register(Sink("a"))
    with pytest.raises(HookInvalid, match="equals"):
        bus.register(Sink("a"))


def test_a_name_that_is_taken_is_refused() -> None:
    bus = Bus()
    bus.register(Everything(), name="log")
    with pytest.raises(HookInvalid, match="taken"):
        bus.register(Everything(), name="log")


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"capacity": 0}, "capacity"),
        ({"capacity": -1}, "capacity"),
        ({"when_full": "drop_newest"}, "when_full"),
        ({"max_wait_s": -0.1}, "max_wait_s"),
        ({"max_wait_s": float("nan")}, "max_wait_s"),
    ],
)
def test_an_inbox_that_could_not_work_is_refused(options: dict[str, Any], key: str) -> None:
    with pytest.raises(OptionInvalid) as caught:
        Inbox(**options)
    assert caught.value.key == (key,)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"hook_timeout_s": 0}, "hook_timeout_s"),
        ({"hook_timeout_s": float("nan")}, "hook_timeout_s"),
        ({"max_failures": 0}, "max_failures"),
        ({"close_timeout_s": -1}, "close_timeout_s"),
    ],
)
def test_a_bus_that_could_not_work_is_refused(options: dict[str, Any], key: str) -> None:
    with pytest.raises(OptionInvalid) as caught:
        Bus(**options)
    assert caught.value.key == (key,)


@pytest.mark.anyio
async def test_an_event_outside_the_vocabulary_cannot_be_published() -> None:
    class Homemade(Event, frozen=True, kw_only=True):
        pass

    async with Bus() as bus:
        for wrong in (Homemade(), Event(), UserUtterance, "hello"):
            with pytest.raises(BusError, match="vocabulary"):
                await bus.publish(wrong)  # type: ignore[type-var]
        assert (await bus.publish(UserUtterance(text="hi"))).seq == 1


# -- handlers --


class Handler:
    def __init__(self) -> None:
        self.seen: list[tuple[object, ...]] = []

    def one(self, event: Event) -> None:
        self.seen.append((event,))

    def two(self, event: Event, session: object) -> None:
        self.seen.append((event, session))

    def none(self) -> None:
        self.seen.append(())

    def any_number(self, *args: object) -> None:
        self.seen.append(args)

    def captured(self, event: Event, limit: int = 3) -> None:
        self.seen.append((event,))
        assert limit == 3

    async def __call__(self, event: Event, session: object) -> None:
        self.seen.append((event, session))


HANDLERS: dict[str, tuple[Callable[[Handler], Callable[..., object]], int]] = {
    "one argument": (lambda h: h.one, 1),
    "two arguments": (lambda h: h.two, 2),
    "no argument": (lambda h: h.none, 0),
    "star arguments": (lambda h: h.any_number, 1),
    "a default of its own": (lambda h: h.captured, 1),
    "a callable object": (lambda h: h, 2),
    "a partial": (lambda h: functools.partial(Handler.one, h), 1),
    "a lambda with a captured variable": (lambda h: lambda event, h=h: h.one(event), 1),
}


@pytest.mark.anyio
@pytest.mark.parametrize("kind", HANDLERS)
async def test_a_handler_gets_the_event_and_the_session_if_it_requires_two(kind: str) -> None:
    make, count = HANDLERS[kind]
    handler, session = Handler(), object()
    async with Bus() as bus:
        bus.subscribe(UserUtterance, make(handler))
        event = await bus.channel("s", session).publish(UserUtterance(text="hi"))
    assert handler.seen == [(event, session)[:count]]


@pytest.mark.anyio
async def test_a_builtin_is_a_handler() -> None:
    heard: list[Event] = []
    async with Bus() as bus:
        bus.subscribe(UserUtterance, heard.append)
        event = await bus.publish(UserUtterance(text="hi"))
    assert heard == [event]


@pytest.mark.anyio
async def test_a_mock_is_a_handler() -> None:
    mock = AsyncMock()
    async with Bus() as bus:
        bus.subscribe(UserUtterance, mock)
        event = await bus.publish(UserUtterance(text="hi"))
    mock.assert_awaited_once_with(event)


def three(first: object, second: object, third: object) -> None: ...


def by_keyword(*, event: Event) -> None: ...


async def yields(event: Event) -> AsyncIterator[None]:
    yield


@pytest.mark.parametrize("handler", [three, by_keyword, yields, "not callable"])
def test_a_handler_that_cannot_be_called_with_an_event_is_refused(handler: Any) -> None:
    with pytest.raises(HookInvalid):
        Bus().subscribe(UserUtterance, handler)


@pytest.mark.parametrize("wrong", [str, msgspec.Struct, UserUtterance(text="hi"), "UserUtterance"])
def test_only_event_types_can_be_subscribed_to(wrong: Any) -> None:
    with pytest.raises(HookInvalid, match="no event type"):
        Bus().subscribe(wrong, print)


@pytest.mark.anyio
async def test_a_subscription_to_event_itself_hears_every_type() -> None:
    heard: list[type[Event]] = []
    async with Bus() as bus:
        bus.subscribe(Event, lambda event: heard.append(type(event)))
        for each in EVENT_TYPES:
            await bus.publish(sample(each))
    assert tuple(heard) == EVENT_TYPES


# -- coming and going --


@pytest.mark.anyio
async def test_a_component_without_a_name_is_called_after_its_class() -> None:
    async with Bus() as bus:
        bus.register(Everything())
        bus.register(Everything())
        assert [row.name for row in bus.statistics().components] == ["Everything", "Everything-2"]


@pytest.mark.anyio
async def test_a_component_added_while_events_flow_hears_only_later_ones() -> None:
    first, second = Everything(), Everything()
    async with Bus() as bus:
        bus.register(first)
        await bus.publish(UserUtterance(text="1"))
        bus.register(second)
        await bus.publish(UserUtterance(text="2"))
    assert [event.seq for event in first.heard] == [1, 2]
    assert [event.seq for event in second.heard] == [2]


@pytest.mark.anyio
async def test_a_component_may_be_added_by_a_hook() -> None:
    later = Everything()
    async with Bus() as bus:

        async def add(event: UserUtterance) -> None:
            if event.seq == 1:
                bus.register(later)
                await bus.publish(TurnStarted(text="hi"))

        bus.subscribe(UserUtterance, add)
        await bus.publish(UserUtterance(text="hi"))
    assert [event.seq for event in later.heard] == [2]


@pytest.mark.anyio
async def test_a_cancelled_component_hears_no_more_and_its_name_is_free() -> None:
    component = Everything()
    async with Bus() as bus:
        channel = bus.channel("s", None)
        with bus.register(component, name="log") as subscription:
            await channel.publish(UserUtterance(text="1"))
        await channel.publish(UserUtterance(text="2"))
        subscription.cancel()
        assert bus.statistics().components == ()
        bus.register(component, name="log")
        await channel.publish(UserUtterance(text="3"))
    assert [event.seq for event in component.heard] == [3]  # the first still waited when it was cancelled


@pytest.mark.anyio
async def test_the_event_in_hand_is_the_last_of_a_component_that_cancels_itself() -> None:
    heard: list[int] = []
    async with Bus() as bus:

        def once(event: UserUtterance) -> None:
            heard.append(event.seq)
            subscription.cancel()

        subscription = bus.subscribe(UserUtterance, once)
        for _ in range(3):
            await bus.publish(UserUtterance(text="hi"))
    assert heard == [1]


@pytest.mark.anyio
async def test_cancelling_a_handler_leaves_an_equal_registered_component_alone() -> None:
    class Both(Everything):
        def __call__(self, event: Event) -> None: ...

    component = Both()
    async with Bus() as bus:
        bus.register(component, name="both")
        bus.subscribe(UserUtterance, component).cancel()
        await bus.publish(LinkConnected(transport="local"))
        with pytest.raises(HookInvalid, match="taken"):
            bus.register(Everything(), name="both")
    assert len(component.heard) == 1


@pytest.mark.anyio
async def test_a_subscription_to_one_session_hears_only_that_and_only_in_its_block() -> None:
    heard: list[tuple[str, int]] = []
    async with Bus() as bus:
        a, b = bus.channel("a", None), bus.channel("b", None)
        await a.publish(UserUtterance(text="1"))
        with a.subscribe(UserUtterance, lambda event: heard.append((event.session, event.seq)), name="tap"):
            await a.publish(UserUtterance(text="2"))
            await b.publish(UserUtterance(text="1"))
            await a.publish(LinkConnected(transport="local"))
            while a._active:
                await anyio.lowlevel.checkpoint()
        await a.publish(UserUtterance(text="4"))
    assert heard == [("a", 2)]


@pytest.mark.anyio
async def test_a_subscription_to_one_session_may_outlive_it() -> None:
    async with Bus() as bus:
        channel = bus.channel("s", None)
        with channel.subscribe(UserUtterance, lambda _event: None, name="tap"):
            await channel.publish(UserUtterance(text="1"))
            await channel.aclose()


@pytest.mark.anyio
async def test_there_is_nothing_to_restore_if_nothing_was_put_aside() -> None:
    async with Bus() as bus:
        bus.register(Everything(), name="log")
        await bus.publish(UserUtterance(text="hi"))
        assert not bus.restore("log")
        assert not bus.restore("unheard of")
