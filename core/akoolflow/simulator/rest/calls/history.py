"""The sessions of version 3, over and gone: recognised, and refused with the way to go.

They streamed FLV and talked over a websocket, of which nothing is left to stand in for.
"""

from __future__ import annotations

from typing import Final, Literal, Never

from akoolflow.simulator.rest.backend import Backend, Caller
from akoolflow.simulator.rest.codes import refused
from akoolflow.simulator.rest.endpoint import Endpoint, Nothing

__all__ = ["ENDPOINTS"]

_CALLS: Final[dict[str, Literal["GET", "POST"]]] = {
    "create": "POST",
    "detail": "GET",
    "close": "POST",
    "pause": "POST",
    "list": "GET",
}


def _gone(_backend: Backend, _caller: Caller, _asked: Nothing) -> Never:
    raise refused(1014, "sessions of version 3 are history; use those below /api/open/v4/liveAvatar/session/")


ENDPOINTS: Final = tuple(
    Endpoint(
        method=method,
        name=f"v3/liveAvatar/session/{call}",
        summary="History: always refused with 1014.",
        handle=_gone,
    )
    for call, method in _CALLS.items()
)
