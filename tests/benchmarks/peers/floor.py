"""The floor: a hand-made bounded inbox, a deque and one future, drained in batches by a task of its own.

It stamps nothing, isolates nothing and knows one type of event: what a decoupled delivery costs in Python at the least.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any, Final

from cell import main
from contract import TEXT, Brain, Chunk, Event, FanOut, Sink, Talk, Utterance, clock

_CAPACITY: Final = 1024


class Inbox:
    __slots__ = ("_idle", "_loop", "_room", "items")

    def __init__(self) -> None:
        self.items: deque[Any] = deque()
        self._idle: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._loop = asyncio.get_running_loop()

    def put(self, item: object) -> bool:
        """False if it is full now, and `room` should be awaited."""
        self.items.append(item)
        if self._idle is not None:
            idle, self._idle = self._idle, None
            if not idle.done():
                idle.set_result(None)
        return len(self.items) < _CAPACITY

    async def room(self) -> None:
        if self._room is None:
            self._room = self._loop.create_future()
        await self._room

    async def drain(self, handle: Callable[[Any], Awaitable[None]]) -> None:
        items = self.items
        while True:
            while items:
                await handle(items.popleft())
                if self._room is not None and len(items) < _CAPACITY // 2:
                    room, self._room = self._room, None
                    room.set_result(None)
            self._idle = self._loop.create_future()
            await self._idle


class Floor:
    async def fan_out(self, run: FanOut) -> None:
        inboxes = [Inbox() for _ in run.receivers]
        pairs = zip(inboxes, run.receivers, strict=True)
        tasks = [asyncio.create_task(inbox.drain(receiver.receive)) for inbox, receiver in pairs]
        await asyncio.sleep(0)
        run.begin()
        for _ in range(run.count):
            event = Event("s0", TEXT)
            for inbox in inboxes:
                if not inbox.put(event):
                    await inbox.room()
        await run.end()
        for task in tasks:
            task.cancel()

    async def open(self, session_id: str, brain: Brain, sink: Sink) -> Talk:
        session = _Session(session_id, brain, sink)
        return Talk(utter=session.utter, interrupt=session.interrupt, close=session.close)


class _Session:
    def __init__(self, session_id: str, brain: Brain, sink: Sink) -> None:
        self._id, self._brain, self._sink = session_id, brain, sink
        self._utterances, self._chunks = Inbox(), Inbox()
        self._thinking = asyncio.create_task(self._utterances.drain(self._think))
        self._leaving = asyncio.create_task(self._chunks.drain(self._leave))

    async def utter(self, turn: int, text: str) -> None:
        if not self._utterances.put(Utterance(self._id, turn, text)):
            await self._utterances.room()

    async def interrupt(self) -> None:
        self._thinking.cancel()
        self._chunks.items.clear()
        self._thinking = asyncio.create_task(self._utterances.drain(self._think))

    async def close(self) -> None:
        self._thinking.cancel()
        self._leaving.cancel()

    async def _think(self, utterance: Utterance) -> None:
        await self._brain(utterance.turn, utterance.text, self._emit)

    async def _emit(self, turn: int, idx: int, text: str) -> None:
        if not self._chunks.put(Chunk(self._id, turn, idx, text, clock())):
            await self._chunks.room()

    async def _leave(self, chunk: Chunk) -> None:
        self._sink(chunk.turn, chunk.idx, chunk.emitted_at)


if __name__ == "__main__":
    main({"inbox": lambda: nullcontext(Floor())})
