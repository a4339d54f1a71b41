"""The running event loop's clock as a plain function: `anyio.current_time` looks the loop up at each call."""

from __future__ import annotations

import sys
from collections.abc import Callable

import anyio

__all__ = ["loop_clock"]


def loop_clock() -> Callable[[], float]:
    """The clock of the loop that is running now, virtual where the loop's is."""
    if asyncio := sys.modules.get("asyncio"):
        try:
            clock: Callable[[], float] = asyncio.get_running_loop().time
        except RuntimeError:
            pass
        else:
            return clock
    return anyio.current_time
