"""blinker: `send_async` awaits the receivers one after another in the sender's task; a session has two signals.

A slow subscriber stops the publisher.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any

from blinker import Signal
from cell import main
from contract import TEXT, Brain, Chunk, Event, FanOut, Sink, Talk, Utterance, clock


def _receiver(receive: Callable[[object], Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def on_event(_sender: object, event: Event) -> None:
        await receive(event)

    return on_event


class Signals:
    async def fan_out(self, run: FanOut) -> None:
        signal: Any = Signal()
        receivers = [_receiver(receiver.receive) for receiver in run.receivers]  # held weakly by the signal
        for receiver in receivers:
            signal.connect(receiver)
        run.begin()
        for _ in range(run.count):
            await signal.send_async("bench", event=Event("s0", TEXT))
        await run.end()

    async def open(self, session_id: str, brain: Brain, sink: Sink) -> Talk:
        utterances: Any = Signal()
        chunks: Any = Signal()

        async def emit(turn: int, idx: int, text: str) -> None:
            await chunks.send_async("bench", event=Chunk(session_id, turn, idx, text, clock()))

        async def think(_sender: object, event: Utterance) -> None:
            await brain(event.turn, event.text, emit)

        async def leave(_sender: object, event: Chunk) -> None:
            sink(event.turn, event.idx, event.emitted_at)

        async def utter(turn: int, text: str) -> None:
            await utterances.send_async("bench", event=Utterance(session_id, turn, text))

        utterances.connect(think, weak=False)
        chunks.connect(leave, weak=False)
        return Talk(utter=utter)


if __name__ == "__main__":
    main({"send_async": lambda: nullcontext(Signals())}, distribution="blinker")
