"""W1: one producer, some subscribers that count; from the first publish to the last delivery."""

from __future__ import annotations

import asyncio
import gc
import statistics

from contract import FanOut, Figures, Peer, Spec
from noise import Noise

__all__ = ["fan_out"]


async def fan_out(peer: Peer, spec: Spec, noise: Noise) -> Figures:
    await peer.fan_out(FanOut(max(spec.events // 10, 50), spec.subscribers))
    seconds = []
    for _ in range(spec.repeats):
        gc.collect()
        run = FanOut(spec.events, spec.subscribers)
        with noise:
            await peer.fan_out(run)
        await asyncio.sleep(0)
        run.check()
        seconds.append(run.seconds)
    return {"us_per_event": statistics.median(seconds) / spec.events * 1e6}
