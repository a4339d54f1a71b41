"""How much of the machine other processes took meanwhile, in cores; Linux only, elsewhere nothing is told."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

__all__ = ["Noise", "resident_kb"]

_STAT: Final = Path("/proc/stat")
_STATM: Final = Path("/proc/self/statm")
_QUIET_CORES: Final = 0.25
_LOOK_S: Final = 0.25


class Noise:
    """Use it as `with noise:` around each timed region; `cores` is the mean over all of them."""

    def __init__(self, patience_s: float = 0.0) -> None:
        """:param patience_s: longest wait for a quiet machine, before all regions together."""
        self._patience_s = patience_s
        self._began = (0.0, 0.0, 0.0)
        self._wall_s = self._others_s = 0.0

    @property
    def cores(self) -> float | None:
        # A region of some milliseconds is shorter than the kernel's own clock tick: only the sum means something.
        return round(max(0.0, self._others_s) / self._wall_s, 2) if self._wall_s and _STAT.exists() else None

    def __enter__(self) -> Self:
        while self._patience_s > 0:
            before = _read()
            time.sleep(_LOOK_S)
            wall_s, others_s = _since(before)
            self._patience_s -= wall_s
            if others_s < _QUIET_CORES * wall_s:
                break
        self._began = _read()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        wall_s, others_s = _since(self._began)
        self._wall_s += wall_s
        self._others_s += others_s


def resident_kb() -> float:
    """Memory of this process that is in RAM now."""
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024


def _read() -> tuple[float, float, float]:
    """Wall clock, CPU of the whole machine, CPU of this process and of its children that have ended; seconds."""
    busy_s = 0.0
    if _STAT.exists():
        user, nice, system, _idle, _iowait, *interrupts = map(int, _STAT.read_text().split("\n", 1)[0].split()[1:9])
        busy_s = (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")
    of_children = os.times()
    own_s = time.process_time() + of_children.children_user + of_children.children_system
    return time.perf_counter(), busy_s, own_s


def _since(before: tuple[float, float, float]) -> tuple[float, float]:
    wall_s, busy_s, own_s = (now - then for then, now in zip(before, _read(), strict=True))
    return wall_s, busy_s - own_s
