"""What the bus counts."""

from __future__ import annotations

from msgspec import Struct

__all__ = ["BusStatistics", "ComponentStatistics"]


class ComponentStatistics(Struct, frozen=True, kw_only=True):
    name: str
    delivered: int
    """Events handled, well or not."""
    failed: int
    dropped: int
    waiting: int
    """Events in its inboxes now."""
    put_aside: bool
    """In one of the open sessions, at least."""


class BusStatistics(Struct, frozen=True, kw_only=True):
    published: int
    sessions: int
    """Channels open now."""
    components: tuple[ComponentStatistics, ...]
