"""akoolflow's bus: subscribed handlers for W1; for sessions a channel each and two components, registered once.

A brain runs in a scope of its own, and the last door lets only the turn in hand through, so that nothing of an answer
leaves once it was interrupted; both as a conversation does it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Final

import anyio
from cell import main
from contract import TEXT, Brain, FanOut, Peer, Sink, Talk, clock

from akoolflow.bus import Bus, Inbox
from akoolflow.events import BotChunk, UserUtterance
from akoolflow.hookspecs import hookimpl

_HOOK_TIMEOUT_S: Final = 600.0
"""In W4 the other brains talk in their hooks from beginning to end; a conversation does not ask brains in hooks."""


class _Session:
    def __init__(self, session_id: str, bus: Bus, brain: Brain, sink: Sink) -> None:
        self._brain, self._sink = brain, sink
        self._channel = bus.channel(session_id, self)
        self._turn = self._cut_off = 0
        """The turn in hand, and the one that was interrupted last: of that and those before it nothing may leave."""
        self._scope = anyio.CancelScope()
        self._emitted_at: deque[float] = deque()

    async def utter(self, turn: int, text: str) -> None:
        await self._channel.publish(UserUtterance(text=text), turn=turn)

    async def interrupt(self) -> None:
        self._cut_off = self._turn
        self._scope.cancel()

    async def close(self) -> None:
        await self._channel.aclose()

    async def think(self, utterance: UserUtterance) -> None:
        self._turn = utterance.turn
        with anyio.CancelScope() as self._scope:
            await self._brain(utterance.turn, utterance.text, self._emit)

    async def _emit(self, turn: int, idx: int, text: str) -> None:
        self._emitted_at.append(clock())
        await self._channel.publish(BotChunk(text=text, idx=idx), turn=turn)

    def leave(self, chunk: BotChunk) -> None:
        emitted_at = self._emitted_at.popleft()
        if chunk.turn > self._cut_off:
            self._sink(chunk.turn, chunk.idx, emitted_at)


class _Brains:
    @hookimpl
    async def on_user_utterance(self, event: UserUtterance, session: _Session) -> None:
        await session.think(event)


class _Doors:
    @hookimpl
    async def on_bot_chunk(self, event: BotChunk, session: _Session) -> None:
        session.leave(event)


class OurBus:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def fan_out(self, run: FanOut) -> None:
        with ExitStack() as subscriptions:
            for receiver in run.receivers:
                subscriptions.enter_context(self._bus.subscribe(UserUtterance, receiver.receive, inbox=Inbox()))
            channel = self._bus.channel("s0", None)
            run.begin()
            for _ in range(run.count):
                await channel.publish(UserUtterance(text=TEXT))
            await run.end()
            await channel.aclose()

    async def open(self, session_id: str, brain: Brain, sink: Sink) -> Talk:
        session = _Session(session_id, self._bus, brain, sink)
        return Talk(utter=session.utter, interrupt=session.interrupt, close=session.close)


@asynccontextmanager
async def _bus() -> AsyncIterator[Peer]:
    async with Bus(hook_timeout_s=_HOOK_TIMEOUT_S) as bus:
        yield OurBus(bus)


@asynccontextmanager
async def _bus_with_components() -> AsyncIterator[Peer]:
    async with Bus(hook_timeout_s=_HOOK_TIMEOUT_S) as bus:
        bus.register(_Brains())
        bus.register(_Doors())
        yield OurBus(bus)


if __name__ == "__main__":
    main({"bus": _bus, "channels": _bus_with_components}, distribution="akoolflow")
