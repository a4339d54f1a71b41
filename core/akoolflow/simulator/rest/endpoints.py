"""Every REST call that there is, as one table."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Final

from akoolflow.errors import OptionInvalid
from akoolflow.simulator.rest.calls import avatars, history, knowledge, sessions, tokens, voices
from akoolflow.simulator.rest.endpoint import Endpoint
from akoolflow.simulator.rest.faults import Fault

__all__ = ["ENDPOINTS", "check_faults"]

ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    *tokens.ENDPOINTS,
    *avatars.ENDPOINTS,
    *sessions.ENDPOINTS,
    *knowledge.ENDPOINTS,
    *voices.ENDPOINTS,
    *history.ENDPOINTS,
)


def check_faults(faults: Sequence[Fault]) -> None:
    """:raises OptionInvalid: one of them can never happen."""
    names = [endpoint.name for endpoint in ENDPOINTS]
    for n, fault in enumerate(faults):
        if not any(fnmatchcase(name, fault.endpoint) for name in names):
            close = get_close_matches(fault.endpoint, names, n=1, cutoff=0.3)
            hint = f"such as {close[0] if close else '*/session/create'}"
            raise OptionInvalid(("fault", n, "endpoint"), f"no call matches {fault.endpoint!r}", hint)
