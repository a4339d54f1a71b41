"""What each call takes, by the service's names and with its rules; nothing is checked before it is to be sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from akoolflow.errors import OptionInvalid
from akoolflow.room_credentials import credential_faults
from akoolflow.secret import Secret
from akoolflow.session_rules import DurationS, E2eType, Mode, SceneMode, StreamType, Text, VoiceParams, contradictions

__all__ = [
    "AvatarUpload",
    "Document",
    "Identified",
    "KnowledgeFields",
    "KnowledgeFilter",
    "Login",
    "NamedAvatar",
    "Paging",
    "Platform",
    "SessionFields",
    "SessionFilter",
    "VoiceFilter",
    "knowledge_faults",
    "session_faults",
    "update_faults",
]

MAX_FILE_BYTES: Final = 104_857_600
MAX_FILES_BYTES: Final = 524_288_000
FILE_TYPES: Final = ("pdf", "doc", "docx", "txt", "md", "json", "xml", "csv")

_Link: TypeAlias = Annotated[str, Meta(pattern=r"^https?://\S+\Z")]


class Login(Struct, frozen=True):
    clientId: Text  # noqa: N815 - the service's names
    clientSecret: Secret  # noqa: N815


class Identified(Struct, frozen=True):
    id: Text


class Paging(Struct, frozen=True, kw_only=True):
    page: Annotated[int, Meta(ge=1)] = 1
    size: Annotated[int, Meta(ge=1, le=100)] = 100


# -- avatars -----------------------------------------------------------------------------------


class AvatarUpload(Struct, frozen=True, kw_only=True):
    """A streaming avatar of one's own, made from a video: about a minute long, clear, with little head movement."""

    url: _Link
    """Of the video."""
    avatar_id: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9]+\Z")]
    """Chosen by you, letters and digits, the only one of its name."""
    name: Text
    url_from: Literal[1, 2] = 1
    """1 a direct link, 2 a page of YouTube, TikTok, X or Google Drive."""
    type: Literal[2] = 2
    """2 is a streaming avatar."""


class Platform(Struct, frozen=True):
    platform: Literal["open", "aigc"] = "open"
    """`open` for the API, `aigc` for the web app."""


class NamedAvatar(Struct, frozen=True):
    avatar_id: Text


# -- sessions ----------------------------------------------------------------------------------


class SessionFields(Struct, frozen=True, kw_only=True):
    """The body of session/create; what its fields mean is told by `contracts.SessionRequest`."""

    avatar_id: Text
    stream_type: StreamType = "agora"
    duration: DurationS | None = None
    mode_type: Mode | None = None
    language: Text | None = None
    voice_id: Text | None = None
    voice_url: Text | None = None
    knowledge_id: Text | None = None
    scene_mode: SceneMode | None = None
    e2e_type: E2eType | None = None
    background_url: Text | None = None
    voice_params: VoiceParams | None = None
    credentials: dict[str, Any] | None = None


class SessionFilter(Struct, frozen=True):
    status: Literal[1, 2, 3, 4] | None = None


def session_faults(values: Mapping[str, Any]) -> Iterator[OptionInvalid]:
    yield from contradictions(values.get("scene_mode"), values.get("e2e_type"), values.get("voice_params", {}))
    if "credentials" in values:
        yield from credential_faults(values["credentials"], values["stream_type"])


# -- knowledge bases ---------------------------------------------------------------------------


class Document(Struct, frozen=True):
    """A file that a knowledge base is fed with."""

    name: Text
    url: _Link
    size: Annotated[int, Meta(ge=0, le=MAX_FILE_BYTES)]
    """Bytes."""


class KnowledgeFields(Struct, frozen=True, kw_only=True):
    """A knowledge base; None leaves a field as it is, an empty text or tuple clears it."""

    name: Annotated[str, Meta(max_length=100)] | None = None
    """The only one of its name in your team."""
    prologue: Annotated[str, Meta(max_length=2_000)] | None = None
    """Spoken at the start of a session."""
    prompt: Annotated[str, Meta(max_length=10_000)] | None = None
    docs: tuple[Document, ...] | None = None
    urls: tuple[_Link, ...] | None = None


class KnowledgeFilter(Struct, frozen=True, kw_only=True):
    name: str | None = None
    """Part of the name."""
    origin: Literal[1, 2] | None = msgspec.field(name="from", default=None)
    """1 the system's, 2 the user's (the service's own default)."""


def knowledge_faults(values: Mapping[str, Any]) -> Iterator[OptionInvalid]:
    docs = values.get("docs", ())
    for number, doc in enumerate(docs):
        ends = {PurePosixPath(text).suffix[1:].lower() for text in (doc["name"], urlsplit(doc["url"]).path)}
        if not ends & {*FILE_TYPES, ""}:
            hint = f"it reads {', '.join(FILE_TYPES)}"
            yield OptionInvalid(("docs", number, "name"), "no type of file that the service reads", hint)
    size_bytes = sum(doc["size"] for doc in docs)
    if size_bytes > MAX_FILES_BYTES:
        yield OptionInvalid("docs", f"together {size_bytes} B, the service takes {MAX_FILES_BYTES} B")


def update_faults(values: Mapping[str, Any]) -> Iterator[OptionInvalid]:
    if not values.keys() - {"id"}:
        yield OptionInvalid("id", "nothing to change is given")
    yield from knowledge_faults(values)


# -- voices ------------------------------------------------------------------------------------


class VoiceFilter(Struct, frozen=True, kw_only=True):
    """Which voices to list; of several words, separated by commas, any will do."""

    type: Literal[1, 2] = 2
    """1 cloned by you, 2 AKOOL's own."""
    support_stream: Literal[1, 2] | None = None
    """1 those that live avatars can use, 2 the others."""
    name: str | None = None
    """Roughly."""
    gender: str | None = None
    age: str | None = None
    style: str | None = None
    scenario: str | None = None
