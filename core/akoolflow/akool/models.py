"""What the service answers with. Field names are Python's; `field(name=…)` gives the service's.

Required is only what nothing can be done without: the service's own examples lack fields that its schema requires, and
hold others that it does not name. Times are epoch milliseconds.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct, field

from akoolflow.akool.fields import Document

__all__ = ["OPEN", "READY", "Avatar", "ClosedSession", "Knowledge", "Language", "LiveSession", "Voice"]

READY: Final = 3
"""Status of an avatar, or of a voice, that can be used."""
OPEN: Final = frozenset({1, 2})
"""Status of a session that costs: queueing and running. 3 is over, 4 failed."""


class Avatar(Struct, frozen=True, kw_only=True):
    avatar_id: str = ""
    """What sessions are opened with; records of the v3 API have none."""
    id: str = field(name="_id", default="")
    """Of the record."""
    uid: int | None = None
    type: int | None = None
    """1 talking, 2 streaming."""
    origin: int | None = field(name="from", default=None)
    """2 the service's own; 3 (and 4, by its official demo) made by users."""
    status: int | None = None
    """1 queueing, 2 processing, 3 usable, 4 failed; not in every answer."""
    available: bool | None = None
    """Whether it is free at this moment."""
    disabled: bool | None = None
    voice_id: str = ""
    name: str = ""
    gender: str = ""
    platform: str = ""
    url: str = ""
    modify_url: str = ""
    thumbnail_url: str = field(name="thumbnailUrl", default="")
    created_ms: int | None = field(name="create_time", default=None)


class LiveSession(Struct, frozen=True, kw_only=True):
    """A session as session/create, detail and list show it."""

    id: str = field(name="_id")
    uid: int | None = None
    type: int | None = None
    status: int | None = None
    """1 queueing, 2 running, 3 over, 4 failed."""
    stream_type: str = ""
    credentials: dict[str, Any] = {}
    """Of the room, each under one name; after create with the token, later perhaps without."""
    stream_urls: dict[str, Any] = {}
    """An older name of `credentials`."""
    avatar_id: str = ""
    """Not documented, as what follows: there if the service gives it."""
    duration: float | None = None
    """Seconds."""
    created_ms: int | None = field(name="create_time", default=None)

    def __repr__(self) -> str:
        return f"LiveSession({self.id!r}, status={self.status}, stream_type={self.stream_type!r}, credentials=…)"


class ClosedSession(Struct, frozen=True, kw_only=True):
    """The answer to session/close; some have no data."""

    id: str = field(name="session_id", default="")
    status: str = ""
    closed_ms: int | None = field(name="closed_at", default=None)


class Knowledge(Struct, frozen=True, kw_only=True):
    """A knowledge base."""

    id: str = field(name="_id")
    team_id: str = ""
    uid: int | None = None
    user_type: int | None = None
    """1 internal, 2 external."""
    origin: int | None = field(name="from", default=None)
    """1 the system's, 2 a user's."""
    name: str = ""
    prologue: str = ""
    prompt: str = ""
    docs: tuple[Document, ...] = ()
    urls: tuple[str, ...] = ()
    created_ms: int | None = field(name="create_time", default=None)
    updated_ms: int | None = field(name="update_time", default=None)


class Voice(Struct, frozen=True, kw_only=True):
    voice_id: str
    id: str = field(name="_id", default="")
    uid: int | None = None
    team_id: str = ""
    name: str = ""
    gender: str = ""
    language: str = ""
    locale: str = ""
    preview: str = ""
    """Link to a sample."""
    text: str = ""
    duration_ms: float | None = field(name="duration", default=None)
    status: int | None = None
    """1 queueing, 2 processing, 3 usable, 4 failed."""
    support_stream: bool | None = None
    """Whether live avatars can use it."""
    voice_model_name: str = ""
    """Of AKOOL's own, Multilingual 1 and 3 stream, 2 does not."""
    style: tuple[str, ...] = ()
    scenario: tuple[str, ...] = ()
    age: tuple[str, ...] = ()
    deduction_credit: float | None = None
    created_ms: int | None = field(name="create_time", default=None)
    updated_ms: int | None = field(name="update_time", default=None)


class Language(Struct, frozen=True, kw_only=True):
    code: str = field(name="lang_code")
    name: str = field(name="lang_name", default="")
    url: str = ""
    """Of a flag."""
