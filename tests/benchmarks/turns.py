"""W2: an utterance in, 20 chunks out; how soon at a fixed rate, and how many turns at the most."""

from __future__ import annotations

import asyncio
import gc
import itertools
import statistics

from brains import answering
from contract import CHUNKS, TEXT, Figures, Peer, Spec, Talk, clock
from figures import PATIENCE_S, SETTLE_S, check_count, medians, percentile
from noise import Noise

__all__ = ["latency", "most_turns"]


class _Arrivals:
    """The sink: what came, and how long it took."""

    def __init__(self) -> None:
        self.uttered_at: dict[int, float] = {}
        self.first_s: list[float] = []
        self.each_s: list[float] = []
        self.all_here = asyncio.Event()
        self._missing = 0

    def expect(self, turns: int) -> None:
        self.uttered_at.clear()
        self.first_s.clear()
        self.each_s.clear()
        self.all_here.clear()
        self._missing = turns * CHUNKS

    def sink(self, turn: int, idx: int, emitted_at: float) -> None:
        now = clock()
        if idx == 0:
            self.first_s.append(now - self.uttered_at[turn])
        self.each_s.append(now - emitted_at)
        self._missing -= 1
        if not self._missing:
            self.all_here.set()


async def latency(peer: Peer, spec: Spec, noise: Noise) -> Figures:
    """Turns at a fixed rate, whether or not the one before is answered; the brain yields before each chunk."""
    arrivals = _Arrivals()
    talk = await peer.open("s0", answering(yielding=True), arrivals.sink)
    await talk.ready()
    numbers = itertools.count(1)
    await _offer(talk, arrivals, numbers, max(spec.turns // 5, 2), spec.turns_per_s)
    rounds: list[Figures] = []
    for _ in range(spec.repeats):
        gc.collect()
        with noise:
            seconds = await _offer(talk, arrivals, numbers, spec.turns, spec.turns_per_s)
        await asyncio.sleep(SETTLE_S)
        check_count(len(arrivals.each_s), spec.turns * CHUNKS)
        rounds.append(
            {
                "first_p50_us": percentile(arrivals.first_s, 50) * 1e6,
                "first_p99_us": percentile(arrivals.first_s, 99) * 1e6,
                "each_p50_us": percentile(arrivals.each_s, 50) * 1e6,
                "each_p99_us": percentile(arrivals.each_s, 99) * 1e6,
                "kept_turns_per_s": spec.turns / seconds,
            }
        )
    await talk.close()
    return medians(rounds)


async def _offer(
    talk: Talk, arrivals: _Arrivals, numbers: itertools.count[int], turns: int, turns_per_s: float
) -> float:
    arrivals.expect(turns)
    began = clock()
    for k in range(turns):
        early_s = began + k / turns_per_s - clock()
        if early_s > 0:
            await asyncio.sleep(early_s)
        await talk.prepare()
        turn = next(numbers)
        arrivals.uttered_at[turn] = clock()
        await talk.utter(turn, TEXT)
    await asyncio.wait_for(arrivals.all_here.wait(), PATIENCE_S)
    return clock() - began


class _Tally:
    """A sink that only counts."""

    def __init__(self) -> None:
        self.chunks = self.turns = 0
        self._moved = asyncio.Event()

    def sink(self, _turn: int, idx: int, _emitted_at: float) -> None:
        self.chunks += 1
        if idx == CHUNKS - 1:
            self.turns += 1
            self._moved.set()

    async def wait_for(self, turns: int) -> None:
        while self.turns < turns:
            self._moved.clear()
            await self._moved.wait()


async def most_turns(peer: Peer, spec: Spec, noise: Noise) -> Figures:
    """As many turns as go, `window` of them under way; the brain never yields by itself."""
    tally = _Tally()
    talk = await peer.open("s0", answering(yielding=False), tally.sink)
    await talk.ready()
    numbers = itertools.count(1)

    async def burst(turns: int) -> float:
        tally.chunks = tally.turns = 0
        began = clock()
        for begun in range(turns):
            await tally.wait_for(begun - spec.window + 1)
            await talk.prepare()
            await talk.utter(next(numbers), TEXT)
        await tally.wait_for(turns)
        return clock() - began

    await asyncio.wait_for(burst(max(spec.turns // 10, 2)), PATIENCE_S)
    rates = []
    for _ in range(spec.repeats):
        gc.collect()
        with noise:
            seconds = await asyncio.wait_for(burst(spec.turns), PATIENCE_S)
        await asyncio.sleep(0)
        check_count(tally.chunks, spec.turns * CHUNKS)
        rates.append(spec.turns / seconds)
    await talk.close()
    return {"turns_per_s": statistics.median(rates)}
