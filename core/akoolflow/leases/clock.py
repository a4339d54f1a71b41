"""Two clocks at once: the wall's, which people read, and the machine's, which nobody can set."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

from msgspec import Struct

__all__ = ["Clock", "Instant", "boot_id", "now"]

# Goes on while the machine sleeps, as the service's bill does. Where there is none, monotonic time is the next best.
_BOOT_CLOCK: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Instant(Struct, frozen=True):
    """One moment by both clocks."""

    unix_s: float
    boot_s: float
    """Since the machine came up; comparable only within one `boot_id`."""
    boot_id: str
    """Of the running kernel, the same in all its containers; empty where the system tells none."""

    def same_boot(self, other: Instant) -> bool:
        return bool(self.boot_id) and self.boot_id == other.boot_id

    def since(self, earlier: Instant) -> float:
        """Seconds; by the clock that nobody can set if both moments are of one boot, never negative otherwise."""
        if self.same_boot(earlier):
            return self.boot_s - earlier.boot_s
        return max(0.0, self.unix_s - earlier.unix_s)

    @property
    def offset_s(self) -> float:
        """Wall minus machine: two moments of one boot differ in it if the wall clock was set between them."""
        return self.unix_s - self.boot_s


Clock: TypeAlias = Callable[[], Instant]


def now() -> Instant:
    return Instant(time.time(), time.clock_gettime(_BOOT_CLOCK), boot_id())


@cache
def boot_id() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""
