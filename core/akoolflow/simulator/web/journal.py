"""The request log: the last thousand calls, and each as a JSON line to whoever wants it. No secret is in it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Any, Final

import msgspec
from msgspec import Struct

__all__ = ["Entry", "Journal"]

_KEPT: Final = 1000


class Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One call."""

    number: int
    """From 1."""
    at_s: float
    """Seconds since 1970, by the simulator's clock."""
    method: str
    path: str
    endpoint: str
    """The path below `/api/open/`; empty if there is no such call."""
    query: dict[str, Any]
    body: Any
    """None if there was none, or none that could be read."""
    uid: int
    """The account; 0 if it is not known."""
    status: int
    """HTTP's; 0 if no answer was given."""
    code: int
    """The envelope's; 0 if there was none. For a lost answer, that of the answer that was lost."""
    msg: str
    took_ms: float
    fault: str
    """What trouble it met, if any."""


class Journal:
    def __init__(self, write: Callable[[bytes], object] | None = None) -> None:
        """:param write: gets each entry as a line of JSON."""
        self._write = write
        self._entries: deque[Entry] = deque(maxlen=_KEPT)
        self._numbers = count(1)

    def add(self, **fields: Any) -> None:
        entry = Entry(number=next(self._numbers), **fields)
        self._entries.append(entry)
        if self._write is not None:
            self._write(msgspec.json.encode(entry) + b"\n")

    def after(self, number: int) -> list[Entry]:
        """Oldest first; those that are forgotten are not among them."""
        return [entry for entry in self._entries if entry.number > number]

    def clear(self) -> None:
        """Forget them; numbers go on."""
        self._entries.clear()
