"""What a flow is made of; written by hand, or assembled from a pipeline file."""

from __future__ import annotations

from msgspec import Struct

from akoolflow.contracts import AvatarService, Brain, SessionRequest, Transport
from akoolflow.conversation import Timing

__all__ = ["Plan"]


class Plan(Struct, frozen=True, kw_only=True):
    """What a flow is made of, each component with its name; `Flow.from_file` makes one from a pipeline file."""

    service: AvatarService
    transport: tuple[str, Transport]
    request: SessionRequest
    brains: tuple[tuple[str, Brain], ...] = ()
    sinks: tuple[tuple[str, object], ...] = ()
    required: frozenset[str] = frozenset()
    """Components without which a session must not go on."""
    timing: Timing = Timing()
