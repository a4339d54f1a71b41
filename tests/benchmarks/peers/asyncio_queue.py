"""`asyncio.Queue`, bounded: a queue and a task for each subscriber, two of each for a session."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any, Final

from cell import main
from contract import TEXT, Brain, Chunk, Event, FanOut, Sink, Talk, Utterance, clock

_CAPACITY: Final = 1024


async def _each(queue: asyncio.Queue[Any], handle: Callable[[Any], Awaitable[None]]) -> None:
    while True:
        await handle(await queue.get())


class Queues:
    async def fan_out(self, run: FanOut) -> None:
        queues: list[asyncio.Queue[Event]] = [asyncio.Queue(_CAPACITY) for _ in run.receivers]
        pairs = zip(queues, run.receivers, strict=True)
        tasks = [asyncio.create_task(_each(queue, receiver.receive)) for queue, receiver in pairs]
        await asyncio.sleep(0)
        run.begin()
        for _ in range(run.count):
            event = Event("s0", TEXT)
            for queue in queues:
                await queue.put(event)
        await run.end()
        for task in tasks:
            task.cancel()

    async def open(self, session_id: str, brain: Brain, sink: Sink) -> Talk:
        utterances: asyncio.Queue[Utterance] = asyncio.Queue(_CAPACITY)
        chunks: asyncio.Queue[Chunk] = asyncio.Queue(_CAPACITY)

        async def emit(turn: int, idx: int, text: str) -> None:
            await chunks.put(Chunk(session_id, turn, idx, text, clock()))

        async def think(utterance: Utterance) -> None:
            await brain(utterance.turn, utterance.text, emit)

        async def leave(chunk: Chunk) -> None:
            sink(chunk.turn, chunk.idx, chunk.emitted_at)

        async def utter(turn: int, text: str) -> None:
            await utterances.put(Utterance(session_id, turn, text))

        async def interrupt() -> None:
            tasks.pop(0).cancel()
            while not chunks.empty():
                chunks.get_nowait()
            tasks.insert(0, asyncio.create_task(_each(utterances, think)))

        async def close() -> None:
            for task in tasks:
                task.cancel()

        tasks = [asyncio.create_task(_each(utterances, think)), asyncio.create_task(_each(chunks, leave))]
        return Talk(utter=utter, interrupt=interrupt, close=close)


if __name__ == "__main__":
    main({"bounded": lambda: nullcontext(Queues())})
