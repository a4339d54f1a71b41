"""Seconds since 1970 that never run backwards, and can be put forward."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Clock"]


class Clock:
    def __init__(self, ahead_s: float = 0.0, not_before_s: float = 0.0, wall: Callable[[], float] = time.time) -> None:
        """:param ahead_s: how far it goes ahead of the wall clock.
        :param not_before_s: it does not show anything earlier than this.
        """
        self.ahead_s = ahead_s
        self._latest_s, self._wall = not_before_s, wall

    def now(self) -> float:
        self._latest_s = max(self._latest_s, self._wall() + self.ahead_s)
        return self._latest_s

    def advance(self, by_s: float) -> float:
        """Put it forward; gives the new time."""
        self.ahead_s += by_s
        return self.now()
