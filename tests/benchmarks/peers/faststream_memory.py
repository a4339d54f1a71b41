"""FastStream without a server: its in-memory test broker, whose handlers run inside `publish`.

A session is a pair of subjects. A running handler cannot be interrupted, so there is no W4.
"""
# mypy: disallow-subclassing-any=False, disable-error-code="no-any-unimported, import-not-found"
# Its messages are pydantic models, which carry no types where it is not installed.

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from cell import main
from contract import TEXT, Brain, FanOut, Peer, Sink, Talk, clock
from faststream.nats import NatsBroker, TestNatsBroker
from pydantic import BaseModel

logging.disable(logging.INFO)


class TextMessage(BaseModel):
    session: str
    text: str


class UtteranceMessage(BaseModel):
    session: str
    turn: int
    text: str


class ChunkMessage(BaseModel):
    session: str
    turn: int
    idx: int
    text: str
    emitted_at: float


def _handler(receive: Callable[[object], Awaitable[None]]) -> Callable[[TextMessage], Awaitable[None]]:
    async def handle(message: TextMessage) -> None:
        await receive(message)

    return handle


class Memory:
    def __init__(self, broker: Any) -> None:
        self._broker = broker

    async def fan_out(self, run: FanOut) -> None:
        broker = NatsBroker(logger=None)
        for receiver in run.receivers:
            broker.subscriber("event")(_handler(receiver.receive))
        async with TestNatsBroker(broker):
            run.begin()
            for _ in range(run.count):
                await broker.publish(TextMessage(session="s0", text=TEXT), "event")
            await run.end()

    async def open(self, session_id: str, brain: Brain, sink: Sink) -> Talk:
        broker = self._broker

        async def emit(turn: int, idx: int, text: str) -> None:
            chunk = ChunkMessage(session=session_id, turn=turn, idx=idx, text=text, emitted_at=clock())
            await broker.publish(chunk, f"out.{session_id}")

        async def think(message: UtteranceMessage) -> None:
            await brain(message.turn, message.text, emit)

        async def leave(message: ChunkMessage) -> None:
            sink(message.turn, message.idx, message.emitted_at)

        async def utter(turn: int, text: str) -> None:
            await broker.publish(UtteranceMessage(session=session_id, turn=turn, text=text), f"in.{session_id}")

        for subject, handler in ((f"in.{session_id}", think), (f"out.{session_id}", leave)):
            subscriber = broker.subscriber(subject)
            subscriber(handler)
            await subscriber.start()
        return Talk(utter=utter)


@asynccontextmanager
async def _memory() -> AsyncIterator[Peer]:
    async with TestNatsBroker(NatsBroker(logger=None)) as broker:
        yield Memory(broker)


if __name__ == "__main__":
    main({"memory": _memory}, distribution="faststream")
