"""A kit for tests of plugins and pipelines: a room and a service that do as they are told, a sink that remembers,
virtual time, and a contract check for each role.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import anyio
import msgspec

from akoolflow.bus import Bus, Inbox
from akoolflow.contracts import (
    PASS,
    AvatarJoined,
    AvatarSession,
    Brain,
    Link,
    LinkClosed,
    Pass,
    Remark,
    SessionRequest,
    Signal,
    Turn,
)
from akoolflow.conversation import Conversation, Timing
from akoolflow.events import EVENT_TYPES, Event, PluginFailed, TurnText, TurnTimes
from akoolflow.flow import Flow
from akoolflow.hookspecs import hookimpl
from akoolflow.plan import Plan
from akoolflow.protocol import wire
from akoolflow.protocol.pacing import Limits

__all__ = [
    "RecordingSink",
    "ScriptedRoom",
    "ScriptedService",
    "ask",
    "check_brain",
    "check_sink",
    "one_of_each",
    "run_in_virtual_time",
    "scripted_session",
]

E = TypeVar("E", bound=Event)
T = TypeVar("T")


class RecordingSink:
    """Remembers every event, in order."""

    inbox = Inbox(when_full="wait", max_wait_s=60.0)

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._changed = anyio.Event()

    @hookimpl
    def on_event(self, event: Event) -> None:
        self.events.append(event)
        self._changed.set()
        self._changed = anyio.Event()

    def of(self, event_type: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, event_type)]

    @property
    def names(self) -> list[str]:
        """Type names in order: the quickest way to state what should have happened."""
        return [type(event).__name__ for event in self.events]

    async def wait_for(self, event_type: type[E], count: int = 1) -> E:
        """Return the `count`th event of this type, once it has come."""
        while len(found := self.of(event_type)) < count:
            await self._changed.wait()
        return found[count - 1]


class ScriptedService:
    """An avatar service that opens every session it is asked for, and remembers what was opened and closed."""

    def __init__(self, *, refuse_create: Exception | None = None, refuse_close: Exception | None = None) -> None:
        self.refuse_create, self.refuse_close = refuse_create, refuse_close
        self.created: list[SessionRequest] = []
        self.closed: list[str] = []

    async def create(self, request: SessionRequest) -> AvatarSession:
        if self.refuse_create is not None:
            raise self.refuse_create
        self.created.append(request)
        return AvatarSession(id=f"akool-{len(self.created)}", stream_type=request.stream_type, credentials={})

    async def close(self, session_id: str) -> None:
        if self.refuse_close is not None:
            raise self.refuse_close
        self.closed.append(session_id)


class ScriptedRoom:
    """A transport and its one link: what we send is kept, what the test brings arrives."""

    def __init__(self, limits: Limits | None = None, *, avatar: bool = True) -> None:
        """:param avatar: the avatar is in the room from the beginning."""
        self.limits = limits or Limits()
        self.sent: list[tuple[float, bytes]] = []
        """Loop time and frame."""
        self.open_links = 0
        self._avatar = avatar
        self._arrived: deque[Signal] = deque()
        self._news = anyio.Event()
        self.on_frame: Callable[[bytes], None] | None = None
        """Called with each frame that we send: a scripted peer answers here through `bring`."""

    @asynccontextmanager
    async def open(self, session: AvatarSession) -> AsyncIterator[Link]:  # noqa: ARG002 - every session is let in
        self.open_links += 1
        if self._avatar:
            self.bring(AvatarJoined())
        try:
            yield self
        finally:
            self.open_links -= 1

    async def send(self, frame: bytes) -> None:
        self.sent.append((anyio.current_time(), frame))
        if self.on_frame is not None:
            self.on_frame(frame)
        await anyio.lowlevel.checkpoint()

    async def signals(self) -> AsyncIterator[Signal]:
        while True:
            while self._arrived:
                signal = self._arrived.popleft()
                yield signal
                if isinstance(signal, LinkClosed):
                    return
            self._news = anyio.Event()
            await self._news.wait()

    def bring(self, signal: Signal) -> None:
        """A frame or news arrives from the room."""
        self._arrived.append(signal)
        self._news.set()

    def message(self, kind: str, pld: dict[str, Any], **fields: Any) -> None:
        """A v2 message arrives: `room.message("event", {"event": "audio_start"})`."""
        self.bring(msgspec.json.encode({"v": wire.VERSION, "type": kind, **fields, "pld": pld}))

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What we sent, decoded."""
        return [msgspec.json.decode(frame) for _, frame in self.sent]

    @property
    def spoken(self) -> str:
        """The text of all chat that we sent."""
        return "".join(message["pld"]["text"] for message in self.messages if message["type"] == "chat")

    @property
    def commands(self) -> list[str]:
        """Names of the commands that we sent, in order."""
        return [message["pld"]["cmd"] for message in self.messages if message["type"] == "command"]


@asynccontextmanager
async def scripted_session(
    *brains: Brain,
    room: ScriptedRoom | None = None,
    service: ScriptedService | None = None,
    sinks: Sequence[object] = (),
    request: SessionRequest | None = None,
    timing: Timing | None = None,
) -> AsyncIterator[Conversation]:
    """A real conversation over a scripted room."""
    plan = Plan(
        service=service or ScriptedService(),
        transport=("scripted", room or ScriptedRoom()),
        request=request or SessionRequest(avatar_id="avatar", stream_type="scripted", mode_type=wire.RETELLING),
        brains=tuple((f"brain{n}", brain) for n, brain in enumerate(brains, 1)),
        sinks=tuple((f"sink{n}", sink) for n, sink in enumerate(sinks, 1)),
        timing=timing or Timing(),
    )
    async with Flow(plan) as flow, flow.session() as session:
        yield session


def run_in_virtual_time(work: Callable[[], Awaitable[T]]) -> T:
    """Run under trio with a clock that jumps to the next deadline whenever all tasks wait. Needs trio installed."""
    import trio.testing  # noqa: PLC0415 - a test dependency

    clock = trio.testing.MockClock(autojump_threshold=0)
    result: T = anyio.run(work, backend="trio", backend_options={"clock": clock})
    return result


def one_of_each() -> list[Event]:
    """One event of every type, with made-up contents."""
    made_up: dict[str, Any] = {"cmd": "interrupt", "reason": "closed", "text": "hello", "code": 1000}
    special = {"TurnFinished": TurnText(), "TurnInterrupted": TurnText()}
    events = []
    for number, event_type in enumerate(EVENT_TYPES, 1):
        values: dict[str, Any] = {"seq": number, "session": "session", "unix_s": 1.0, "monotonic_s": 1.0}
        for field in msgspec.structs.fields(event_type):
            if field.required:
                values[field.name] = made_up.get(field.name, 1 if field.type in {int, float} else "made up")
        if event_type.__name__ in special:
            values |= {"text": special[event_type.__name__], "times": TurnTimes()}
        events.append(msgspec.convert(values, event_type))
    return events


async def ask(brain: Brain, text: str, *, session: Any = None, history: tuple[Remark, ...] = ()) -> str | Pass:
    """What a brain answers to one utterance: its pieces joined, or `PASS`."""
    pieces: list[str] = []

    async def say(text: str, /) -> None:
        assert isinstance(text, str), f"say takes text, not {type(text).__name__}"  # noqa: S101 - this is a test kit
        pieces.append(text)
        await anyio.lowlevel.checkpoint()

    answer = await brain.respond(Turn(number=1, text=text, session=session, history=history), say)
    assert answer in {None, PASS}, f"respond returns None or PASS, not {answer!r}"  # noqa: S101
    assert answer is None or not pieces, "a brain that returns PASS must not have said anything"  # noqa: S101
    return PASS if answer is PASS else "".join(pieces)


async def check_brain(brain: Brain, *utterances: str) -> None:
    """The brain's contract: it answers or passes, says only text, and can be interrupted at every piece."""
    for text in utterances or ("hello", "", "x" * 5000, "\N{GRINNING FACE}\n\x00"):
        await ask(brain, text)

        async def never(_text: str, /) -> None:
            await anyio.sleep_forever()

        turn = Turn(number=1, text=text, session=None)  # type: ignore[arg-type]  # a brain under test has no session
        with anyio.fail_after(5), anyio.move_on_after(0):
            await brain.respond(turn, never)


async def check_sink(sink: object) -> None:
    """The sink's contract: it takes one event of every type without failing.

    :raises AssertionError: with the hook and its error.
    """
    failures: list[PluginFailed] = []
    async with Bus() as bus:
        bus.register(sink, name="sink")
        bus.subscribe(PluginFailed, failures.append, name="failures")
        channel = bus.channel("session", None)
        for event in one_of_each():
            await channel.publish(event)
        await channel.aclose()
    real = [f"{failure.hook}: {failure.error}" for failure in failures if failure.component == "sink"]
    assert not real, real  # noqa: S101 - this is a test kit
