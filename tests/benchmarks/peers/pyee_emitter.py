"""pyee's `AsyncIOEventEmitter`: a task for each delivery; a session is an emitter of its own.

It pushes nothing back: the publisher yields now and then, or it would hold a pending task for each delivery.
"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import Any, Final

from cell import main
from contract import TEXT, Brain, Chunk, Event, FanOut, Sink, Talk, Utterance, clock
from pyee.asyncio import AsyncIOEventEmitter

_BREATH: Final = 1000


class Emitters:
    async def fan_out(self, run: FanOut) -> None:
        emitter: Any = AsyncIOEventEmitter()
        for receiver in run.receivers:
            emitter.on("event", receiver.receive)
        run.begin()
        for number in range(1, run.count + 1):
            emitter.emit("event", Event("s0", TEXT))
            if not number % _BREATH:
                await asyncio.sleep(0)
        await run.end()

    async def open(self, session_id: str, brain: Brain, sink: Sink) -> Talk:
        emitter: Any = AsyncIOEventEmitter()

        async def emit(turn: int, idx: int, text: str) -> None:
            emitter.emit("chunk", Chunk(session_id, turn, idx, text, clock()))

        async def think(utterance: Utterance) -> None:
            await brain(utterance.turn, utterance.text, emit)

        async def leave(chunk: Chunk) -> None:
            sink(chunk.turn, chunk.idx, chunk.emitted_at)

        async def utter(turn: int, text: str) -> None:
            emitter.emit("utterance", Utterance(session_id, turn, text))

        async def close() -> None:
            emitter.cancel()

        emitter.on("utterance", think)
        emitter.on("chunk", leave)
        return Talk(utter=utter, close=close)


if __name__ == "__main__":
    main({"tasks": lambda: nullcontext(Emitters())}, distribution="pyee")
