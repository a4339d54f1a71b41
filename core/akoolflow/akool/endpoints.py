"""Every endpoint of the service that we call, as one table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal

from msgspec import Struct

from akoolflow.akool.codes import OVER
from akoolflow.akool.fields import (
    AvatarUpload,
    Identified,
    KnowledgeFields,
    KnowledgeFilter,
    Login,
    NamedAvatar,
    Paging,
    Platform,
    SessionFields,
    SessionFilter,
    VoiceFilter,
    knowledge_faults,
    session_faults,
    update_faults,
)
from akoolflow.errors import OptionInvalid

__all__ = [
    "AVATAR_CREATE",
    "AVATAR_DETAIL",
    "AVATAR_LIST",
    "AVATAR_RECORD",
    "ENDPOINTS",
    "GET_TOKEN",
    "KNOWLEDGE_CREATE",
    "KNOWLEDGE_DELETE",
    "KNOWLEDGE_DETAIL",
    "KNOWLEDGE_LIST",
    "KNOWLEDGE_UPDATE",
    "LANGUAGE_LIST",
    "SESSION_CLOSE",
    "SESSION_CREATE",
    "SESSION_DETAIL",
    "SESSION_LIST",
    "VOICE_LIST",
    "Endpoint",
]


def _nothing(_values: Mapping[str, Any]) -> Iterable[OptionInvalid]:
    return ()


class Endpoint(Struct, frozen=True):
    name: str
    """What errors and logs call it."""
    method: Literal["GET", "POST", "DELETE"]
    path: str
    takes: tuple[type[Struct], ...] = ()
    """The fields of its query or body."""
    rules: Callable[[Mapping[str, Any]], Iterable[OptionInvalid]] = _nothing
    """What else must hold once every field is right."""
    changes: bool = False
    """Whether it changes anything at the service that stays."""
    repeatable: bool = True
    """Whether it may be sent again when it is not known what became of it."""
    done: frozenset[int] = frozenset()
    """Codes that mean, when it is sent again, that the first one had worked."""


_V3: Final = "/api/open/v3"
_V4: Final = "/api/open/v4"

GET_TOKEN: Final = Endpoint("getToken", "POST", f"{_V3}/getToken", (Login,))

AVATAR_CREATE: Final = Endpoint(
    "avatar/create", "POST", f"{_V3}/avatar/create", (AvatarUpload,), changes=True, repeatable=False
)
AVATAR_LIST: Final = Endpoint("avatar/list", "GET", f"{_V4}/liveAvatar/avatar/list", (Platform, Paging))
AVATAR_DETAIL: Final = Endpoint("avatar/detail", "GET", f"{_V4}/liveAvatar/avatar/detail", (NamedAvatar,))
AVATAR_RECORD: Final = Endpoint("v3 avatar/detail", "GET", f"{_V3}/avatar/detail", (Identified,))

SESSION_CREATE: Final = Endpoint(
    "session/create",
    "POST",
    f"{_V4}/liveAvatar/session/create",
    (SessionFields,),
    rules=session_faults,
    changes=True,
    repeatable=False,
)
SESSION_DETAIL: Final = Endpoint("session/detail", "GET", f"{_V4}/liveAvatar/session/detail", (Identified,))
SESSION_LIST: Final = Endpoint("session/list", "GET", f"{_V4}/liveAvatar/session/list", (SessionFilter, Paging))
SESSION_CLOSE: Final = Endpoint(
    "session/close", "POST", f"{_V4}/liveAvatar/session/close", (Identified,), changes=True, done=OVER
)

KNOWLEDGE_LIST: Final = Endpoint("knowledge/list", "GET", f"{_V4}/knowledge/list", (KnowledgeFilter, Paging))
KNOWLEDGE_DETAIL: Final = Endpoint("knowledge/detail", "GET", f"{_V4}/knowledge/detail", (Identified,))
KNOWLEDGE_CREATE: Final = Endpoint(
    "knowledge/create",
    "POST",
    f"{_V4}/knowledge/create",
    (KnowledgeFields,),
    rules=knowledge_faults,
    changes=True,
    repeatable=False,
)
KNOWLEDGE_UPDATE: Final = Endpoint(
    "knowledge/update",
    "POST",
    f"{_V4}/knowledge/update",
    (Identified, KnowledgeFields),
    rules=update_faults,
    changes=True,
    repeatable=False,
)
KNOWLEDGE_DELETE: Final = Endpoint(
    "knowledge/delete",
    "DELETE",
    f"{_V4}/knowledge/delete",
    (Identified,),
    changes=True,
    done=frozenset({1232}),
)

VOICE_LIST: Final = Endpoint("voice/list", "GET", f"{_V4}/voice/list", (VoiceFilter, Paging))
LANGUAGE_LIST: Final = Endpoint("language/list", "GET", f"{_V3}/language/list")

ENDPOINTS: Final = (
    GET_TOKEN,
    AVATAR_CREATE,
    AVATAR_LIST,
    AVATAR_DETAIL,
    AVATAR_RECORD,
    SESSION_CREATE,
    SESSION_DETAIL,
    SESSION_LIST,
    SESSION_CLOSE,
    KNOWLEDGE_LIST,
    KNOWLEDGE_DETAIL,
    KNOWLEDGE_CREATE,
    KNOWLEDGE_UPDATE,
    KNOWLEDGE_DELETE,
    VOICE_LIST,
    LANGUAGE_LIST,
)
