"""W5: how long a process takes to import something, to bring a first event through, and to print its help."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Final

from msgspec import Struct

__all__ = ["CASES", "Case", "clean_environment", "run"]


class Case(Struct, frozen=True):
    """One program. A first event is told by one byte on its standard output, whatever follows."""

    name: str
    peer: str
    needs: str
    """Module that its interpreter must have; empty for any."""
    code: str
    script: str = ""
    """Console script beside the interpreter, run in place of `code`."""


_QUEUE: Final = """
import asyncio, os, msgspec
class Event(msgspec.Struct):
    session: str
    text: str
async def main():
    queue = asyncio.Queue()
    async def receive():
        await queue.get()
        os.write(1, b'E')
    task = asyncio.create_task(receive())
    await queue.put(Event('s0', 'text'))
    await task
asyncio.run(main())"""
_ANYIO: Final = """
import anyio, os
async def main():
    send, receive = anyio.create_memory_object_stream(8)
    async def each():
        await receive.receive()
        os.write(1, b'E')
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(each)
        await send.send('text')
anyio.run(main)"""
_AKOOLFLOW: Final = """
import asyncio, os
from akoolflow.bus import Bus
from akoolflow.events import UserUtterance
async def main():
    async def receive(event):
        os.write(1, b'E')
    async with Bus() as bus:
        bus.subscribe(UserUtterance, receive)
        await bus.publish(UserUtterance(text='text'))
asyncio.run(main())"""
_BUBUS: Final = """
import asyncio, os
from bubus import BaseEvent, EventBus
class Text(BaseEvent):
    text: str
async def main():
    async def receive(event: Text):
        os.write(1, b'E')
    bus = EventBus()
    bus.on(Text, receive)
    await bus.dispatch(Text(text='text'))
    await bus.stop()
asyncio.run(main())"""
_FASTSTREAM: Final = """
import asyncio, os
from faststream.nats import NatsBroker, TestNatsBroker
broker = NatsBroker(logger=None)
@broker.subscriber('event')
async def receive(text: str):
    os.write(1, b'E')
async def main():
    async with TestNatsBroker(broker):
        await broker.publish('text', 'event')
asyncio.run(main())"""
_PIPECAT: Final = """
import asyncio, os
from loguru import logger
logger.remove()
from pipecat.frames.frames import EndFrame, TextFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.workers.runner import WorkerRunner
class Receive(FrameProcessor):
    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if isinstance(frame, TextFrame):
            os.write(1, b'E')
        await self.push_frame(frame, direction)
async def main():
    worker = PipelineWorker(Pipeline([Receive()]), enable_rtvi=False, enable_turn_tracking=False)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await worker.queue_frames([TextFrame('text'), EndFrame()])
    await runner.run()
asyncio.run(main())"""
_LIVEKIT: Final = """
import asyncio, os
from livekit.agents import Agent, AgentSession
from livekit.agents.voice.io import TextOutput
class Output(TextOutput):
    async def capture_text(self, text):
        os.write(1, b'E')
    def flush(self):
        pass
async def main():
    session = AgentSession(vad=None, turn_detection=None)
    session.output.transcription = Output(label='bench', next_in_chain=None)
    await session.start(Agent(instructions='answer'))
    await session.say('text')
    await session.aclose()
asyncio.run(main())"""
_CLICK: Final = "import click\n@click.command()\ndef main():\n    'Do it.'\nmain(['--help'])"

CASES: Final = (
    Case("W5/import", "python -c pass", "", "pass"),
    Case("W5/import", "asyncio + msgspec", "", "import asyncio, msgspec"),
    Case("W5/import", "akoolflow", "akoolflow", "import akoolflow, akoolflow.bus"),
    Case("W5/import", "anyio", "anyio", "import anyio"),
    Case("W5/import", "bubus", "bubus", "import bubus"),
    Case("W5/import", "faststream", "faststream", "import faststream.nats"),
    Case("W5/import", "pipecat", "pipecat", "import pipecat.pipeline.worker, pipecat.workers.runner"),
    Case("W5/import", "livekit-agents", "livekit.agents", "import livekit.agents"),
    Case("W5/first", "asyncio.Queue + msgspec", "", _QUEUE),
    Case("W5/first", "akoolflow", "akoolflow", _AKOOLFLOW),
    Case("W5/first", "anyio", "anyio", _ANYIO),
    Case("W5/first", "bubus", "bubus", _BUBUS),
    Case("W5/first", "faststream", "faststream", _FASTSTREAM),
    Case("W5/first", "pipecat", "pipecat", _PIPECAT),
    Case("W5/first", "livekit-agents", "livekit.agents", _LIVEKIT),
    Case("W5/help", "click, one command", "click", _CLICK),
    Case("W5/help", "akoolflow", "akoolflow", "", "akoolflow"),
    Case("W5/help", "faststream", "faststream", "", "faststream"),
)


def clean_environment() -> dict[str, str]:
    """What a child process gets: nothing that changes how Python starts."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def run(case: Case, python: str) -> float:
    """Wall-clock seconds, from before the process is started.

    :raises RuntimeError: the program failed, or brought no event through.
    """
    command = [python, "-c", case.code] if case.code else [str(Path(python).with_name(case.script)), "--help"]
    first = case.name == "W5/first"
    began = time.perf_counter()
    with subprocess.Popen(
        command, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        byte = os.read(process.stdout.fileno(), 1) if first else b""
        seconds = time.perf_counter() - began
        _, errors = process.communicate()
        ended = time.perf_counter() - began
    if process.returncode or (first and byte != b"E"):
        last = errors.decode(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise RuntimeError(f"exit code {process.returncode}: {last[0]}"[:300])
    return seconds if first else ended
