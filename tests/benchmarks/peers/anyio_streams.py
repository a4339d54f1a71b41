"""anyio's memory object streams, one for each subscriber, in one task group.

Variants: `send` awaits every send, which yields to the loop each time; `nowait` awaits only where the stream is full.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, Final, TypeAlias

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from cell import main
from contract import TEXT, Brain, Chunk, Event, FanOut, Peer, Sink, Talk, Utterance, clock

_CAPACITY: Final = 1024
_Send: TypeAlias = Callable[[MemoryObjectSendStream[Any], object], Awaitable[None]]


async def _send(stream: MemoryObjectSendStream[Any], item: object) -> None:
    await stream.send(item)


async def _nowait(stream: MemoryObjectSendStream[Any], item: object) -> None:
    try:
        stream.send_nowait(item)
    except anyio.WouldBlock:
        await stream.send(item)


async def _each(stream: MemoryObjectReceiveStream[Any], handle: Callable[[Any], Awaitable[None]]) -> None:
    async for item in stream:
        await handle(item)


class Streams:
    def __init__(self, tasks: TaskGroup, send: _Send) -> None:
        self._tasks, self._send = tasks, send

    async def fan_out(self, run: FanOut) -> None:
        send, sends = self._send, []
        for receiver in run.receivers:
            sending, receiving = anyio.create_memory_object_stream[Event](_CAPACITY)
            sends.append(sending)
            self._tasks.start_soon(_each, receiving, receiver.receive)
        await anyio.lowlevel.checkpoint()
        run.begin()
        for _ in range(run.count):
            event = Event("s0", TEXT)
            for stream in sends:
                await send(stream, event)
        await run.end()
        for stream in sends:
            stream.close()

    async def open(self, session_id: str, brain: Brain, sink: Sink) -> Talk:
        send = self._send
        utterances, heard = anyio.create_memory_object_stream[Utterance](_CAPACITY)
        chunks, leaving = anyio.create_memory_object_stream[Chunk](_CAPACITY)
        scope = anyio.CancelScope()
        begun = cut_off = 0

        async def emit(turn: int, idx: int, text: str) -> None:
            await send(chunks, Chunk(session_id, turn, idx, text, clock()))

        async def think(utterance: Utterance) -> None:
            nonlocal scope, begun
            begun = utterance.turn
            with anyio.CancelScope() as scope:
                await brain(utterance.turn, utterance.text, emit)

        async def leave(chunk: Chunk) -> None:
            if chunk.turn > cut_off:
                sink(chunk.turn, chunk.idx, chunk.emitted_at)

        async def utter(turn: int, text: str) -> None:
            await send(utterances, Utterance(session_id, turn, text))

        async def interrupt() -> None:
            nonlocal cut_off
            cut_off = begun
            scope.cancel()

        async def close() -> None:
            utterances.close()
            chunks.close()

        self._tasks.start_soon(_each, heard, think)
        self._tasks.start_soon(_each, leaving, leave)
        return Talk(utter=utter, interrupt=interrupt, close=close)


@asynccontextmanager
async def _streams(send: _Send) -> AsyncIterator[Peer]:
    async with anyio.create_task_group() as tasks:
        yield Streams(tasks, send)
        tasks.cancel_scope.cancel()


def _opener(send: _Send) -> Callable[[], AbstractAsyncContextManager[Peer]]:
    return partial(_streams, send)


if __name__ == "__main__":
    main({"send": _opener(_send), "nowait": _opener(_nowait)}, distribution="anyio")
