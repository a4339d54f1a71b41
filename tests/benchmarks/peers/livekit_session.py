"""livekit-agents: an `AgentSession` driven by text, without room, speech or keys.

The brain is an `LLM` of ours, the sink a `TextOutput`, where a room's transcription sits. The chat context grows with
every turn and is copied at each, so it is emptied between two, outside every latency. W1 is `rtc.EventEmitter`, which
takes plain functions only: a slow subscriber stops the publisher.
"""
# mypy: disallow-subclassing-any=False, disable-error-code=no-any-unimported
# Models and outputs have to inherit from livekit's, which carry no types where it is not installed.

from __future__ import annotations

import logging
from collections import deque
from contextlib import nullcontext
from typing import Any

from cell import main
from contract import TEXT, Brain, Event, FanOut, Sink, Talk, clock
from livekit import rtc
from livekit.agents import Agent, AgentSession
from livekit.agents.llm import LLM, ChatChunk, ChatContext, ChoiceDelta, LLMStream
from livekit.agents.voice.io import TextOutput

logging.disable(logging.WARNING)


class _Stream(LLMStream):
    async def _run(self) -> None:
        session: _Session = self._llm.session

        async def emit(turn: int, idx: int, text: str) -> None:
            session.under_way.append((turn, idx, clock()))
            delta = ChoiceDelta(role="assistant", content=text)
            self._event_ch.send_nowait(ChatChunk(id=session.id, delta=delta))

        await session.brain(session.turn, session.text, emit)


class _Model(LLM):
    def __init__(self, session: _Session) -> None:
        super().__init__()
        self.session = session

    def chat(self, *, chat_ctx: Any, tools: Any = None, conn_options: Any = None, **_more: Any) -> _Stream:
        return _Stream(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class _Output(TextOutput):
    def __init__(self, session: _Session) -> None:
        super().__init__(label="bench", next_in_chain=None)
        self._session = session

    async def capture_text(self, _text: str) -> None:
        self._session.sink(*self._session.under_way.popleft())

    def flush(self) -> None:
        pass


class _Session:
    def __init__(self, session_id: str, brain: Brain, sink: Sink) -> None:
        self.id, self.brain, self.sink = session_id, brain, sink
        self.turn, self.text = 0, ""
        self.under_way: deque[tuple[int, int, float]] = deque()
        self._answer: Any = None
        self._agent: Any = Agent(instructions="answer")
        self._session: Any = AgentSession(llm=_Model(self), vad=None, turn_detection=None)
        self._session.output.transcription = _Output(self)

    async def open(self) -> Talk:
        await self._session.start(self._agent)
        return Talk(utter=self._utter, interrupt=self._interrupt, prepare=self._prepare, close=self._session.aclose)

    async def _utter(self, turn: int, text: str) -> None:
        self.turn, self.text = turn, text
        self.under_way.clear()
        self._answer = self._session.generate_reply(user_input=text)

    async def _interrupt(self) -> None:
        self._session.interrupt()

    async def _prepare(self) -> None:
        if self._answer is not None:
            await self._answer
            await self._agent.update_chat_ctx(ChatContext.empty())
            self._session.history.items.clear()


class Sessions:
    async def fan_out(self, run: FanOut) -> None:
        emitter = rtc.EventEmitter()
        for receiver in run.receivers:
            emitter.on("event", receiver.take)
        run.begin()
        for _ in range(run.count):
            emitter.emit("event", Event("s0", TEXT))
        await run.end()

    async def open(self, session_id: str, brain: Brain, sink: Sink) -> Talk:
        return await _Session(session_id, brain, sink).open()


if __name__ == "__main__":
    main({"text": lambda: nullcontext(Sessions())}, distribution="livekit-agents")
