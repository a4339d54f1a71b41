"""bubus, the event bus of browser-use: pydantic events, results and history kept for each; a session is a bus.

It refuses more than some hundred pending events, so every event is awaited; in a brain too, or no chunk would leave
before the brain had ended, since a child event is queued behind its parent.
"""
# mypy: disallow-subclassing-any=False, disable-error-code=no-any-unimported
# Its event types have to inherit from its own, which carries no types where it is not installed.

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import nullcontext

from bubus import BaseEvent, EventBus
from cell import main
from contract import TEXT, Brain, FanOut, Sink, Talk, clock

logging.disable(logging.WARNING)


class TextEvent(BaseEvent):
    session: str
    text: str


class UtteranceEvent(BaseEvent):
    session: str
    turn: int
    text: str


class ChunkEvent(BaseEvent):
    session: str
    turn: int
    idx: int
    text: str
    emitted_at: float


def _handler(number: int, receive: Callable[[object], Awaitable[None]]) -> Callable[[TextEvent], Awaitable[None]]:
    async def handle(event: TextEvent) -> None:
        await receive(event)

    handle.__name__ = handle.__qualname__ = f"handler_{number}"  # it warns of handlers that share a name
    return handle


class Buses:
    async def fan_out(self, run: FanOut) -> None:
        bus = EventBus(name="bench")
        for number, receiver in enumerate(run.receivers):
            bus.on(TextEvent, _handler(number, receiver.receive))
        run.begin()
        for _ in range(run.count):
            await bus.dispatch(TextEvent(session="s0", text=TEXT))
        await run.end()
        await bus.stop(clear=True)

    async def open(self, session_id: str, brain: Brain, sink: Sink) -> Talk:
        bus = EventBus(name="bus_" + session_id.replace("-", "_"))

        async def emit(turn: int, idx: int, text: str) -> None:
            await bus.dispatch(ChunkEvent(session=session_id, turn=turn, idx=idx, text=text, emitted_at=clock()))

        async def think(event: UtteranceEvent) -> None:
            await brain(event.turn, event.text, emit)

        async def leave(event: ChunkEvent) -> None:
            sink(event.turn, event.idx, event.emitted_at)

        async def utter(turn: int, text: str) -> None:
            bus.dispatch(UtteranceEvent(session=session_id, turn=turn, text=text))

        async def close() -> None:
            await bus.stop(timeout=1, clear=True)

        bus.on(UtteranceEvent, think)
        bus.on(ChunkEvent, leave)
        return Talk(utter=utter, close=close)


if __name__ == "__main__":
    main({"awaited": lambda: nullcontext(Buses())}, distribution="bubus")
