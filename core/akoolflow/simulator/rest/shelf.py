"""Records by id, in the order of their entry, and which of them changed."""

from __future__ import annotations

from typing import TypeVar

__all__ = ["Shelf"]

T = TypeVar("T")


class Shelf(dict[str, T]):
    """A dict for use with `[]` and `del` only: those it notices."""

    def __init__(self, kind: str, record_type: type[T]) -> None:
        super().__init__()
        self.kind, self.record_type = kind, record_type
        self._changed: dict[str, None] = {}

    def __setitem__(self, key: str, record: T) -> None:
        super().__setitem__(key, record)
        self._changed[key] = None

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self._changed[key] = None

    def take_changes(self) -> list[tuple[str, T | None]]:
        """What was set or deleted (None) since the last time, in the order of the first change."""
        changed, self._changed = self._changed, {}
        return [(key, self.get(key)) for key in changed]
