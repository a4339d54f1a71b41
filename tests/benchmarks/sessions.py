"""W3: many conversations open and idle, then one turn in all of them at once. One repetition a process."""

from __future__ import annotations

import asyncio
import gc
import time

from brains import answering
from contract import CHUNKS, TEXT, Brain, Figures, Peer, Spec, clock
from figures import PATIENCE_S, SETTLE_S, check_count
from noise import Noise, resident_kb

__all__ = ["many_sessions"]


async def many_sessions(peer: Peer, spec: Spec, noise: Noise) -> Figures:
    brain = answering(yielding=True)
    arrived = asyncio.Event()
    chunks = 0

    def sink(_turn: int, _idx: int, _emitted_at: float) -> None:
        nonlocal chunks
        chunks += 1
        if chunks == spec.sessions * CHUNKS:
            arrived.set()

    await _warm_up(peer, brain)
    gc.collect()
    empty_kb = resident_kb()
    with noise:
        began = clock()
        talks = [await peer.open(f"s{k}", brain, sink) for k in range(spec.sessions)]
        for talk in talks:
            await talk.ready()
        open_s = clock() - began
        gc.collect()
        await asyncio.sleep(SETTLE_S)
        idle_kb = resident_kb()
        cpu_s = time.process_time()
        await asyncio.sleep(spec.idle_s)
        idle_cores = (time.process_time() - cpu_s) / spec.idle_s
        began = clock()
        for talk in talks:
            await talk.utter(1, TEXT)
        await asyncio.wait_for(arrived.wait(), PATIENCE_S)
        turn_s = clock() - began
    await asyncio.sleep(SETTLE_S)
    gc.collect()
    check_count(chunks, spec.sessions * CHUNKS)
    return {
        "idle_kb": (idle_kb - empty_kb) / spec.sessions,
        "used_kb": (resident_kb() - empty_kb) / spec.sessions,
        "set_up_us": open_s / spec.sessions * 1e6,
        "idle_cores": idle_cores,
        "turn_us": turn_s / spec.sessions * 1e6,
    }


async def _warm_up(peer: Peer, brain: Brain) -> None:
    """One session from beginning to end, so that what a peer makes once is not counted."""
    arrived = asyncio.Event()
    talk = await peer.open("warm-up", brain, lambda _turn, idx, _at: arrived.set() if idx == CHUNKS - 1 else None)
    await talk.ready()
    await talk.utter(1, TEXT)
    await asyncio.wait_for(arrived.wait(), PATIENCE_S)
    await talk.close()
    await asyncio.sleep(SETTLE_S)
