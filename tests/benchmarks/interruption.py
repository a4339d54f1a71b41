"""W4: an interrupt at a random moment while others talk; what still leaves, and when the brain has stopped."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Final

from brains import talking
from contract import TEXT, Emit, Figures, Peer, Spec, Talk, clock
from figures import PATIENCE_S, SETTLE_S, percentile
from noise import Noise

__all__ = ["interruption"]

_WARM_UP_TRIALS: Final = 10


class _Trial:
    """One interrupted answer, a chunk each millisecond until it is stopped."""

    def __init__(self) -> None:
        self.left_at: list[float] = []
        self.interrupted_at = self.stopped_at = 0.0
        self._stopped = asyncio.Event()

    async def run(self, talk: Talk, turn: int, talks_s: float) -> None:
        await talk.prepare()
        await talk.utter(turn, TEXT)
        # Woken by a thread, as by a socket: a timer of this loop would fire in step with the brain's own.
        await asyncio.to_thread(time.sleep, talks_s)
        if not self.left_at:
            raise RuntimeError("no chunk had left before the interrupt")
        self.interrupted_at = clock()
        await talk.interrupt()
        await asyncio.wait_for(self._stopped.wait(), PATIENCE_S)
        await asyncio.sleep(SETTLE_S)

    async def brain(self, turn: int, text: str, emit: Emit) -> None:
        try:
            await talking(turn, text, emit)
        except asyncio.CancelledError:
            self.stopped_at = clock()
            self._stopped.set()
            raise


async def interruption(peer: Peer, spec: Spec, noise: Noise) -> Figures:
    trial = _Trial()

    async def brain(turn: int, text: str, emit: Emit) -> None:
        await trial.brain(turn, text, emit)

    def sink(_turn: int, _idx: int, _emitted_at: float) -> None:
        trial.left_at.append(clock())

    talk = await peer.open("s0", brain, sink)
    others = [await peer.open(f"b{k}", talking, lambda *_: None) for k in range(spec.background)]
    for other in (talk, *others):
        await other.ready()
    for other in others:
        await other.utter(1, TEXT)
    rng = random.Random(7)
    trials = []
    with noise:
        for turn in range(1, _WARM_UP_TRIALS + spec.trials + 1):
            trial = _Trial()
            await trial.run(talk, turn, rng.uniform(0.03, 0.05))
            trials.append(trial)
    measured = trials[_WARM_UP_TRIALS:]
    stopped_s = [trial.stopped_at - trial.interrupted_at for trial in measured]
    last_s = [max(0.0, trial.left_at[-1] - trial.interrupted_at) for trial in measured]
    leaked = [sum(at > trial.interrupted_at for at in trial.left_at) for trial in measured]
    return {
        "stopped_p50_us": percentile(stopped_s, 50) * 1e6,
        "stopped_p99_us": percentile(stopped_s, 99) * 1e6,
        "last_p99_us": percentile(last_s, 99) * 1e6,
        "leaky_share": sum(map(bool, leaked)) / len(leaked),
        "most_leaked": max(leaked),
    }
