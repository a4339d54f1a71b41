"""What a peer promises, and the events that the hand-made ones send. Standard library and msgspec only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final, Literal, Protocol, TypeAlias

from msgspec import Struct

__all__ = [
    "CHUNKS",
    "TEXT",
    "Brain",
    "Chunk",
    "Emit",
    "Event",
    "FanOut",
    "Figures",
    "Opener",
    "Peer",
    "Sink",
    "Spec",
    "Talk",
    "Utterance",
    "clock",
]

TEXT: Final = "An answer comes in pieces of 40 letters."
CHUNKS: Final = 20
"""Pieces in one answer."""
clock: Final = time.perf_counter

Emit: TypeAlias = Callable[[int, int, str], Awaitable[None]]
"""(turn, idx, text): what a brain speaks with."""
Brain: TypeAlias = Callable[[int, str, Emit], Awaitable[None]]
"""(turn, text, emit)."""
Sink: TypeAlias = Callable[[int, int, float], None]
"""(turn, idx, emitted at): the last door; what it is called with has left."""
Figures: TypeAlias = dict[str, float]


class Event(Struct):
    session: str
    text: str


class Utterance(Struct):
    session: str
    turn: int
    text: str


class Chunk(Struct):
    session: str
    turn: int
    idx: int
    text: str
    emitted_at: float


class Spec(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One cell: a workload and its size."""

    workload: Literal["fan_out", "latency", "most_turns", "many_sessions", "interruption", "messages"]
    variant: str
    repeats: int = 1
    """Timed repetitions in this process, after one that is not; their median is reported."""
    events: int = 100_000
    subscribers: int = 1
    turns: int = 500
    turns_per_s: float = 100.0
    window: int = 1
    sessions: int = 1000
    idle_s: float = 3.0
    trials: int = 120
    background: int = 8
    patience_s: float = 3.0
    """Longest wait, in all, for the rest of the machine to be quiet before a repetition."""


async def _nothing() -> None:
    pass


async def _cannot() -> None:
    raise NotImplementedError


class Talk(Struct, frozen=True, kw_only=True):
    """One open conversation: transport in, brain, transport out."""

    utter: Callable[[int, str], Awaitable[None]]
    interrupt: Callable[[], Awaitable[None]] = _cannot
    ready: Callable[[], Awaitable[None]] = _nothing
    """Waits for what `open` only began."""
    prepare: Callable[[], Awaitable[None]] = _nothing
    """What must be done between two turns; it belongs to no latency."""
    close: Callable[[], Awaitable[None]] = _nothing


class Peer(Protocol):
    async def fan_out(self, run: FanOut) -> None:
        """Connect each of `run.receivers`, call `run.begin`, publish `run.count` new events, await `run.end`."""

    async def open(self, session_id: str, brain: Brain, sink: Sink) -> Talk: ...


Opener: TypeAlias = Callable[[], AbstractAsyncContextManager[Peer]]


class _Receiver:
    """A subscriber that counts; async or plain, as the peer has it."""

    __slots__ = ("_enough", "_run", "seen")

    def __init__(self, run: FanOut) -> None:
        self._run, self._enough, self.seen = run, run.count, 0

    async def receive(self, _event: object) -> None:
        self.seen += 1
        if self.seen == self._enough:
            self._run.one_done()

    def take(self, _event: object) -> None:
        self.seen += 1
        if self.seen == self._enough:
            self._run.one_done()


class FanOut:
    """One repetition of W1, and its stop-watch: from the first publish to the last delivery."""

    def __init__(self, count: int, subscribers: int) -> None:
        self.count = count
        self.receivers = [_Receiver(self) for _ in range(subscribers)]
        self.seconds = 0.0
        self._began_at = 0.0
        self._missing = subscribers
        self._all_done = asyncio.Event()

    def one_done(self) -> None:
        self._missing -= 1
        if not self._missing:
            self._all_done.set()

    def begin(self) -> None:
        self._began_at = clock()

    async def end(self) -> None:
        await asyncio.wait_for(self._all_done.wait(), 300)
        self.seconds = clock() - self._began_at

    def check(self) -> None:
        """:raises RuntimeError: an event was lost or came twice."""
        seen = [receiver.seen for receiver in self.receivers]
        if seen != [self.count] * len(seen):
            raise RuntimeError(f"each of {len(seen)} should have had {self.count} events; they had {seen}")

    @property
    def seen(self) -> int:
        """Events that the slowest receiver has had; for publishers that have to hold themselves back."""
        return min(receiver.seen for receiver in self.receivers)
