"""A lease: the note on disk that an avatar session was asked for, is open, or is settled."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal, Protocol, TypeAlias

from msgspec import Struct

from akoolflow.contracts import AvatarSession, SessionRequest
from akoolflow.leases.clock import Instant
from akoolflow.leases.holder import Holder

__all__ = [
    "LONGEST_S",
    "TRANSITIONS",
    "UNSETTLED",
    "Ask",
    "Held",
    "Lease",
    "ListingService",
    "OpenSession",
    "Payer",
    "State",
    "payer_of",
]

State: TypeAlias = Literal["asking", "open", "closed", "refused"]
"""asking: the create request may have left. open: the session's id is known. closed: it is over. refused: none came."""

TRANSITIONS: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {
        "asking": frozenset[State]({"open", "closed", "refused"}),
        "open": frozenset[State]({"closed"}),
        "closed": frozenset[State](),
        "refused": frozenset[State](),
    }
)
UNSETTLED: Final[tuple[State, ...]] = tuple(state for state, following in TRANSITIONS.items() if following)

Held: TypeAlias = Literal["here", "elsewhere", "nobody"]
"""By this book, by another live one, or by none: its holder has died or has let go."""

LONGEST_S: Final = 3600.0
"""What a session is taken to last that was asked for without a duration: the most that the service allows."""


class OpenSession(Protocol):
    """One item of session/list."""

    @property
    def id(self) -> str: ...

    @property
    def stream_type(self) -> str:
        """Empty if the service does not say."""

    @property
    def avatar_id(self) -> str:
        """Empty if the service does not say; its documentation shows none."""


class ListingService(Protocol):
    """An `AvatarService` that can also be asked what is open."""

    async def create(self, request: SessionRequest) -> AvatarSession:
        """:raises ServiceRefused: it answered, and opened nothing. Whatever else is raised: nobody knows."""

    async def close(self, session_id: str) -> None:
        """Close a session; closing one that is over is no error."""

    async def open_sessions(self) -> Sequence[OpenSession]:
        """All of the account's sessions that are queueing or running, from every page of the list."""


class Payer(Struct, frozen=True):
    """Whom the sessions are charged to: a service, and the print of a key; never the key."""

    base_url: str
    key_print: str

    def __str__(self) -> str:
        return f"{self.base_url}, key print {self.key_print}"


def payer_of(base_url: str, key: str) -> Payer:
    """:param key: the API key, or the client's secret, which is the same; not a token, which changes."""
    url = base_url.strip().rstrip("/")
    scheme, mark, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    key_print = hashlib.blake2b(key.encode(), digest_size=8, person=b"akoolflow lease").hexdigest()
    return Payer(f"{scheme.lower()}{mark}{host.lower()}{slash}{path}", key_print)


class Ask(Struct, frozen=True, kw_only=True):
    """What is about to be asked for."""

    payer: Payer
    pipeline: str = ""
    avatar_id: str
    stream_type: str
    duration_s: float | None = None
    before: frozenset[str] | None = None
    """The account's sessions that were open just before; None if nobody looked."""

    @property
    def longest_s(self) -> float:
        return LONGEST_S if self.duration_s is None else self.duration_s


class Lease(Struct, frozen=True, kw_only=True):
    """One lease as it stood when the book was read."""

    id: str
    state: State
    ask: Ask
    asked: Instant
    opened: Instant | None = None
    """When the service's answer came; None if it did not reach us."""
    settled_unix_s: float | None = None
    session_id: str = ""
    cost_s: float
    """Seconds that it counts in the budget: the whole duration until it is settled, then what was used."""
    note: str = ""
    suspects: tuple[str, ...] = ()
    """Sessions one of which may be what a lost create opened; once there are any, none is closed without being told."""
    opener: Holder
    holder: Holder | None = None
    held: Held = "nobody"

    @property
    def settled(self) -> bool:
        return not TRANSITIONS[self.state]

    def used_s(self, now: Instant) -> float:
        """Seconds paid for so far."""
        return min(self.ask.longest_s, max(0.0, now.since(self.opened or self.asked)))
