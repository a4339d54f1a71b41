"""Size and time in, delay out: how long the next frame has to wait. No clock, no await."""

from __future__ import annotations

import math
from collections import deque
from typing import Final

from msgspec import Struct

__all__ = ["Limits", "Pacer"]

_SPAN_S: Final = 1.0
_MARGIN_S: Final = 1e-6
_RESERVE_BYTES: Final = 128
_RESERVE_FRAMES: Final = 1


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


class Pacer:
    """Keeps every span of one second, both its ends included, within the limits, and wastes nothing of them.

    Speech leaves a reserve of one frame and 128 bytes where that is at most a tenth of the limit: an `interrupt` takes
    some 75 bytes, and an avatar that is to be silent cannot wait for its own words to leave the span.
    A frame that is bigger than the limit itself leaves when nothing else left within the second before.
    `now` is in seconds of any clock that does not go back.
    """

    def __init__(self, limits: Limits) -> None:
        self._bytes, self._frames = limits.bytes_per_s, limits.frames_per_s
        self._endless = math.isinf(self._bytes) and math.isinf(self._frames)
        self._speech_bytes = _less_reserve(self._bytes, _RESERVE_BYTES)
        self._speech_frames = _less_reserve(self._frames, _RESERVE_FRAMES)
        self._left: deque[tuple[float, int]] = deque()  # when, and how many bytes; no older than the span
        self._left_bytes = 0

    def delay_s(self, size_bytes: int, now: float, *, urgent: bool = False) -> float:
        """How long a frame has to wait; 0.0 if it may leave now. Ask again after that: others may have left."""
        if self._endless:
            return 0.0
        self._forget(now)
        free_bytes = (self._bytes if urgent else self._speech_bytes) - self._left_bytes - size_bytes
        free_frames = (self._frames if urgent else self._speech_frames) - len(self._left) - 1
        if free_bytes >= 0 and free_frames >= 0:
            return 0.0
        leaves_span_s = -math.inf
        for at_s, left_bytes in self._left:
            leaves_span_s = at_s + _SPAN_S
            free_bytes += left_bytes
            free_frames += 1
            if free_bytes >= 0 and free_frames >= 0:
                break
        # The margin covers the rounding of the caller's `now + delay`; without it he might wake just too early.
        return max(0.0, leaves_span_s + _MARGIN_S - now)

    def sent(self, size_bytes: int, now: float) -> None:
        """A frame has left."""
        if not self._endless:
            self._forget(now)
            self._left.append((now, size_bytes))
            self._left_bytes += size_bytes

    def _forget(self, now: float) -> None:
        # Strictly more than a second: TRTC's web SDK still counts the frame that was sent exactly one second ago.
        while self._left and now - self._left[0][0] > _SPAN_S:
            self._left_bytes -= self._left.popleft()[1]


def _less_reserve(limit: float, reserve: int) -> float:
    return limit - reserve if limit >= 10 * reserve else limit
