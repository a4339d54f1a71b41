"""pluggy, whose hooks are plain functions: they return coroutines here, and the caller awaits one after another.

A slow subscriber stops the publisher.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any

import pluggy
from cell import main
from contract import TEXT, Brain, Chunk, Event, FanOut, Sink, Talk, Utterance, clock

_spec, _impl = pluggy.HookspecMarker("bench"), pluggy.HookimplMarker("bench")


class _Hooks:
    @_spec
    def on_event(self, event: Event) -> None: ...

    @_spec
    def on_utterance(self, event: Utterance) -> None: ...

    @_spec
    def on_chunk(self, event: Chunk) -> None: ...


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager("bench")
    manager.add_hookspecs(_Hooks)
    return manager


class _Subscriber:
    def __init__(self, receive: Callable[[object], Awaitable[None]]) -> None:
        self._receive = receive

    @_impl
    def on_event(self, event: Event) -> Awaitable[None]:
        return self._receive(event)


class _Brain:
    def __init__(self, session_id: str, brain: Brain, hook: Any) -> None:
        self._id, self._brain, self._hook = session_id, brain, hook

    @_impl
    def on_utterance(self, event: Utterance) -> Awaitable[None]:
        return self._brain(event.turn, event.text, self.emit)

    async def emit(self, turn: int, idx: int, text: str) -> None:
        for result in self._hook.on_chunk(event=Chunk(self._id, turn, idx, text, clock())):
            await result


class _Sink:
    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    @_impl
    def on_chunk(self, event: Chunk) -> Awaitable[None]:
        return self.leave(event)

    async def leave(self, chunk: Chunk) -> None:
        self._sink(chunk.turn, chunk.idx, chunk.emitted_at)


class Hooks:
    async def fan_out(self, run: FanOut) -> None:
        manager = _manager()
        for receiver in run.receivers:
            manager.register(_Subscriber(receiver.receive))
        hook = manager.hook.on_event
        run.begin()
        for _ in range(run.count):
            for result in hook(event=Event("s0", TEXT)):
                await result
        await run.end()

    async def open(self, session_id: str, brain: Brain, sink: Sink) -> Talk:
        manager = _manager()
        manager.register(_Brain(session_id, brain, manager.hook))
        manager.register(_Sink(sink))

        async def utter(turn: int, text: str) -> None:
            for result in manager.hook.on_utterance(event=Utterance(session_id, turn, text)):
                await result

        return Talk(utter=utter)


if __name__ == "__main__":
    main({"awaited": lambda: nullcontext(Hooks())}, distribution="pluggy")
