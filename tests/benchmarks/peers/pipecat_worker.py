"""pipecat: a `PipelineWorker` over transport in, brain, transport out for each session, as its examples have it.

Variants: `lean` has all of a worker's extras switched off, and W1 runs through parallel branches of one pipeline; `bus`
is pipecat's own publish-subscribe and has only W1. An interruption is an `InterruptionFrame`. Its queues have no
bound: the publisher of W1 holds itself back.
"""
# mypy: disallow-subclassing-any=False, disable-error-code="no-any-unimported, import-not-found"
# Processors and frames have to inherit from pipecat's, which carry no types where it is not installed.

from __future__ import annotations

import asyncio
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Final

from cell import main
from contract import TEXT, Brain, FanOut, Sink, Talk, clock
from loguru import logger
from pipecat.bus import AsyncQueueBus
from pipecat.bus.messages import BusDataMessage
from pipecat.bus.subscriber import BusSubscriber
from pipecat.frames.frames import DataFrame, InterruptionFrame
from pipecat.pipeline.parallel_pipeline import ParallelPipeline
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.utils.asyncio.task_manager import TaskManager
from pipecat.workers.runner import WorkerRunner

_MOST_UNDER_WAY: Final = 1000
logger.remove()
logger.add(sys.stderr, level="WARNING")  # by default it writes every step to the screen


@dataclass
class TextFrame(DataFrame):
    session: str
    text: str


@dataclass
class UtteranceFrame(DataFrame):
    session: str
    turn: int
    text: str


@dataclass
class ChunkFrame(DataFrame):
    session: str
    turn: int
    idx: int
    text: str
    emitted_at: float


@dataclass(kw_only=True)
class TextMessage(BusDataMessage):
    session: str
    text: str


async def _room(run: FanOut, published: int) -> None:
    while published - run.seen > _MOST_UNDER_WAY // 2:  # noqa: ASYNC110 - only the receivers know, and they tell nobody
        await asyncio.sleep(0)


class _Subscriber(FrameProcessor):
    def __init__(self, receiver: Any) -> None:
        super().__init__()
        self._receiver = receiver

    async def process_frame(self, frame: Any, direction: Any) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TextFrame):
            await self._receiver.receive(frame)
        await self.push_frame(frame, direction)


class _In(FrameProcessor):
    async def process_frame(self, frame: Any, direction: Any) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)


class _Brain(FrameProcessor):
    def __init__(self, session_id: str, brain: Brain) -> None:
        super().__init__()
        self._session_id, self._think = session_id, brain

    async def process_frame(self, frame: Any, direction: Any) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, UtteranceFrame):
            await self._think(frame.turn, frame.text, self._emit)
        else:
            await self.push_frame(frame, direction)

    async def _emit(self, turn: int, idx: int, text: str) -> None:
        await self.push_frame(ChunkFrame(self._session_id, turn, idx, text, clock()))


class _Out(FrameProcessor):
    def __init__(self, sink: Sink) -> None:
        super().__init__()
        self._sink = sink

    async def process_frame(self, frame: Any, direction: Any) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, ChunkFrame):
            self._sink(frame.turn, frame.idx, frame.emitted_at)
        await self.push_frame(frame, direction)


class _Running:
    """A worker and the runner that runs it."""

    def __init__(self, processors: list[Any]) -> None:
        pipeline = Pipeline(processors)
        lean = {"enable_rtvi": False, "enable_turn_tracking": False, "idle_timeout_secs": None}
        self.worker: Any = PipelineWorker(pipeline, **lean)
        self._started = asyncio.Event()
        self.worker.add_event_handler("on_pipeline_started", self._on_started)
        self._task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(self.worker)
        self._task = asyncio.create_task(runner.run())

    async def ready(self) -> None:
        await self._started.wait()

    async def close(self) -> None:
        await self.worker.cancel()
        if self._task is not None:
            await self._task

    async def _on_started(self, *_args: object) -> None:
        self._started.set()


class Workers:
    async def fan_out(self, run: FanOut) -> None:
        running = _Running([ParallelPipeline(*([_Subscriber(receiver)] for receiver in run.receivers))])
        await running.run()
        await running.ready()
        run.begin()
        for number in range(run.count):
            if number - run.seen > _MOST_UNDER_WAY:
                await _room(run, number)
            await running.worker.queue_frame(TextFrame("s0", TEXT))
        await run.end()
        await running.close()

    async def open(self, session_id: str, brain: Brain, sink: Sink) -> Talk:
        running = _Running([_In(), _Brain(session_id, brain), _Out(sink)])

        async def utter(turn: int, text: str) -> None:
            await running.worker.queue_frame(UtteranceFrame(session_id, turn, text))

        async def interrupt() -> None:
            await running.worker.queue_frame(InterruptionFrame())

        await running.run()
        return Talk(utter=utter, interrupt=interrupt, ready=running.ready, close=running.close)


class _BusSubscriber(BusSubscriber):
    def __init__(self, number: int, receiver: Any) -> None:
        self._number, self._receiver = number, receiver

    @property
    def name(self) -> str:
        return f"subscriber {self._number}"

    async def on_bus_message(self, message: Any) -> None:
        await self._receiver.receive(message)


class QueueBus:
    async def fan_out(self, run: FanOut) -> None:
        bus = AsyncQueueBus(task_manager=TaskManager(loop=asyncio.get_running_loop()))
        for number, receiver in enumerate(run.receivers):
            await bus.subscribe(_BusSubscriber(number, receiver))
        await bus.start()
        run.begin()
        for number in range(run.count):
            if number - run.seen > _MOST_UNDER_WAY:
                await _room(run, number)
            await bus.send(TextMessage(source="bench", session="s0", text=TEXT))
        await run.end()
        await bus.stop()

    async def open(self, session_id: str, brain: Brain, sink: Sink) -> Talk:
        raise NotImplementedError


if __name__ == "__main__":
    main({"lean": lambda: nullcontext(Workers()), "bus": lambda: nullcontext(QueueBus())}, distribution="pipecat-ai")
