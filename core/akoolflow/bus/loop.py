"""What has to be known of the running event loop."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

import anyio

__all__ = ["cancelled_from_outside", "loop_clock"]


def loop_clock() -> Callable[[], float]:
    """The clock of the loop that is running now as a plain function, virtual where the loop's is.

    `anyio.current_time` would look the loop up at each call.
    """
    if asyncio := sys.modules.get("asyncio"):
        try:
            clock: Callable[[], float] = asyncio.get_running_loop().time
        except RuntimeError:
            pass
        else:
            return clock
    return anyio.current_time


def cancelled_from_outside() -> bool:
    """True if a scope around the running code is cancelled; a cancelled future of asyncio looks the same but is not."""
    return anyio.current_effective_deadline() == -math.inf
