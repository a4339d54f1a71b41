"""What answers: a fixed number of chunks, or chunks without end."""

from __future__ import annotations

import asyncio
import itertools

from contract import CHUNKS, Brain, Emit

__all__ = ["answering", "talking"]


def answering(*, yielding: bool) -> Brain:
    async def brain(turn: int, text: str, emit: Emit) -> None:
        for idx in range(CHUNKS):
            if yielding:
                await asyncio.sleep(0)  # as the client of any streaming model does
            await emit(turn, idx, text)

    return brain


async def talking(turn: int, text: str, emit: Emit) -> None:
    for idx in itertools.count():
        await asyncio.sleep(0.001)
        await emit(turn, idx, text)
