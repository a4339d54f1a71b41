"""Things to do later, in order of their time and, at one time, of their entry."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

__all__ = ["Agenda"]


class Agenda:
    def __init__(self) -> None:
        self._entries: list[tuple[float, int, Callable[[float], None]]] = []
        self._numbers = count()

    def add(self, at: float, act: Callable[[float], None]) -> None:
        """`act` is called with the time at which it is done."""
        heapq.heappush(self._entries, (at, next(self._numbers), act))

    @property
    def next_at(self) -> float | None:
        return self._entries[0][0] if self._entries else None

    def step(self, at: float) -> None:
        """Do the first entry, whatever its time."""
        _, _, act = heapq.heappop(self._entries)
        act(at)

    def clear(self) -> None:
        self._entries.clear()
