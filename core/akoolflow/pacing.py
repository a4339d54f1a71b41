"""Size and time in, delay out: how long the next frame has to wait. No clock, no await."""

from __future__ import annotations

import math

from msgspec import Struct

__all__ = ["Limits"]


class Limits(Struct, frozen=True, kw_only=True):
    """What a link can carry and what it promises."""

    max_frame_bytes: int = 960
    bytes_per_s: float = math.inf
    """Most bytes in any span of one second."""
    frames_per_s: float = math.inf
    """Most frames in any span of one second."""
    ordered: bool = True
    reliable: bool = True
    confirms: frozenset[str] = frozenset()
    """What the link itself can confirm: `delivery` if `send` returns only when the frame has arrived."""
