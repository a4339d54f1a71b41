"""akoolflow as a whole: conversations of a `Flow`, over a link in memory whose avatar speaks in no time.

A brain here gives one piece for each chunk. The codec packs pieces into frames, so a chunk has left when its first word
has: the last word of a piece waits for the next, since it may go on. One turn at a time, as in every conversation.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import anyio
from cell import main
from contract import Brain, FanOut, Peer, Sink, Talk, clock

from akoolflow.contracts import AvatarJoined, AvatarSession, Link, Say, SessionRequest, Signal, Turn
from akoolflow.events import Event
from akoolflow.flow import Flow
from akoolflow.hookspecs import hookimpl
from akoolflow.plan import Plan
from akoolflow.protocol import wire
from akoolflow.protocol.codec import decode, encode
from akoolflow.protocol.pacing import Limits

_SPOKEN: Final = [
    encode(wire.Event(v=2, pld=wire.EventPayload(name), mid="avatar")) for name in ("audio_start", "audio_end")
]
_ROOM: Final = 64


class _Session:
    """The driver's side of one conversation: what was said and has not left yet."""

    def __init__(self, brain: Brain, sink: Sink) -> None:
        self._brain, self._sink = brain, sink
        self._turn = self._said_chars = self._left_chars = 0
        self._under_way: deque[tuple[int, int, float]] = deque()
        """For each chunk: its first character, its idx, and when it was emitted."""

    def begin(self, turn: int) -> None:
        self._turn, self._said_chars, self._left_chars = turn, 0, 0
        self._under_way.clear()

    async def think(self, text: str, say: Say) -> None:
        async def emit(_turn: int, idx: int, text: str) -> None:
            self._under_way.append((self._said_chars, idx, clock()))
            self._said_chars += len(text) + 1
            await say(text + " ")

        await self._brain(self._turn, text, emit)

    def left(self, text: str) -> None:
        self._left_chars += len(text)
        while self._under_way and self._under_way[0][0] < self._left_chars:
            _, idx, emitted_at = self._under_way.popleft()
            self._sink(self._turn, idx, emitted_at)


class _MemoryLink:
    """The room and the avatar in it, which has spoken a message as soon as its last frame is there."""

    limits: Final = Limits()

    def __init__(self, session: _Session) -> None:
        self._session = session
        self._bring, self._brought = anyio.create_memory_object_stream[Signal](_ROOM)
        self._bring.send_nowait(AvatarJoined())

    async def send(self, frame: bytes) -> None:
        match decode(frame):
            case wire.Chat(pld=payload, fin=last):
                self._session.left(payload.text)
                if last:
                    for spoken in _SPOKEN:
                        await self._bring.send(spoken)
            case wire.Command(mid=mid, pld=payload):
                ack = wire.CommandPayload(cmd=payload.cmd, code=wire.ACK_OK, msg="OK")
                await self._bring.send(encode(wire.Command(v=2, pld=ack, mid=mid)))
            case wire.Event():
                raise ValueError("clients send no events")

    async def signals(self) -> AsyncIterator[Signal]:
        async for signal in self._brought:
            yield signal


class _World:
    """Service and transport; conversations are opened one by one, so that each link knows whose it is."""

    def __init__(self) -> None:
        self.joining: _Session | None = None
        self._numbers = itertools.count(1)

    async def create(self, request: SessionRequest) -> AvatarSession:
        return AvatarSession(id=f"a{next(self._numbers)}", stream_type=request.stream_type, credentials={})

    async def close(self, session_id: str) -> None:
        pass

    @asynccontextmanager
    async def open(self, session: AvatarSession) -> AsyncIterator[Link]:
        assert self.joining is not None
        yield _MemoryLink(self.joining)


class _Brain:
    def __init__(self) -> None:
        self.sessions: dict[str, _Session] = {}

    async def respond(self, turn: Turn, say: Say) -> None:
        await self.sessions[turn.session.id].think(turn.text, say)


class _Watcher:
    """A sink that gets every event, as a console or a log does."""

    def __init__(self) -> None:
        self.seen = 0

    @hookimpl
    async def on_event(self, event: Event) -> None:
        self.seen += 1


class Conversations:
    def __init__(self, flow: Flow, world: _World, brain: _Brain) -> None:
        self._flow, self._world, self._brain = flow, world, brain

    async def fan_out(self, run: FanOut) -> None:
        raise NotImplementedError

    async def open(self, session_id: str, brain: Brain, sink: Sink) -> Talk:
        session = self._world.joining = self._brain.sessions[session_id] = _Session(brain, sink)
        conversation = self._flow.open(session_id)
        await conversation.life.settled.wait()
        if conversation.life.failure is not None:
            raise conversation.life.failure

        async def utter(turn: int, text: str) -> None:
            session.begin(turn)
            await conversation.utter(text)

        async def prepare() -> None:
            await conversation.wait_idle()
            conversation.dialogue.history.clear()  # every brain gets it: each turn would be slower by its length

        async def close() -> None:
            await conversation.end()
            await conversation.wait_over()

        return Talk(utter=utter, interrupt=conversation.interrupt, prepare=prepare, close=close)


@asynccontextmanager
async def _flow() -> AsyncIterator[Peer]:
    world, brain = _World(), _Brain()
    plan = Plan(
        service=world,
        transport=("memory", world),
        request=SessionRequest(avatar_id="bench"),
        brains=(("brain", brain),),
        sinks=(("watcher", _Watcher()),),
    )
    async with Flow(plan) as flow:
        yield Conversations(flow, world, brain)


if __name__ == "__main__":
    main({"session": _flow}, distribution="akoolflow")
