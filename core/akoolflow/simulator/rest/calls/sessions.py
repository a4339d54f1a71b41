"""Sessions: create, detail, close, list."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from akoolflow.contracts import SessionRequest
from akoolflow.simulator.params import MAX_DURATION_S
from akoolflow.simulator.rest.backend import Backend, Caller
from akoolflow.simulator.rest.codes import refused
from akoolflow.simulator.rest.credentials import RoomCredentials, credentials_of
from akoolflow.simulator.rest.endpoint import Answer, Endpoint
from akoolflow.simulator.rest.paging import Page, page_of
from akoolflow.simulator.sessions import QUEUEING, RUNNING, SessionRecord, Status

__all__ = ["ENDPOINTS", "CloseSession", "ClosedSession", "CreateSession", "SessionData", "SessionPage"]

_VOICE_PARAMS: Final = {
    "anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in ("CreateVoiceParams", "FastVoiceParams")]
}
"""Which of the two holds, `scene_mode` tells."""


class CreateSession(Struct, frozen=True, kw_only=True):
    """Empty strings and nulls count as left out, unknown keys are not looked at (official demo)."""

    avatar_id: Annotated[str, Meta(min_length=1)]
    duration: Annotated[float, Meta(gt=0, le=MAX_DURATION_S)] | None = None
    knowledge_id: str | None = None
    voice_id: str | None = None
    voice_url: str | None = None
    language: str | None = None
    mode_type: Literal[1, 2] | None = None
    scene_mode: Literal["fast_dialogue", "meeting", ""] | None = None
    e2e_type: Literal["openai", ""] | None = None
    background_url: str | None = None
    voice_params: Annotated[dict[str, Any], Meta(extra_json_schema=_VOICE_PARAMS)] | None = None
    stream_type: Literal["agora", "livekit", "trtc", ""] | None = None
    credentials: RoomCredentials | None = None

    def request(self) -> SessionRequest:
        """The service's own default for the kind of room, ours for the rest."""
        given = {name: getattr(self, name) for name in self.__struct_fields__ if getattr(self, name)}
        given["credentials"] = msgspec.to_builtins(self.credentials) if self.credentials else None
        return SessionRequest(**given)


class SessionId(Struct, frozen=True, kw_only=True):
    id: str


class CloseSession(Struct, frozen=True, kw_only=True):
    """One of the two: which of them close takes is documented both ways."""

    id: str | None = None
    session_id: str | None = None


class ListSessions(Struct, frozen=True, kw_only=True):
    page: Page = 1
    size: Annotated[int, Meta(ge=1, le=2**31)] = 100
    status: Status | None = None


class SessionData(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str = field(name="_id")
    uid: int
    type: int = 1
    status: Status
    stream_type: Literal["agora", "livekit", "trtc"]
    credentials: RoomCredentials
    stream_urls: RoomCredentials | UnsetType = UNSET


class SessionPage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    count: int
    result: list[SessionData]


class ClosedSession(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    session_id: str
    status: Literal["closed"] = "closed"
    closed_at: int
    """Milliseconds since 1970."""


def _create(backend: Backend, caller: Caller, asked: CreateSession) -> SessionData:
    return _told(backend, backend.open(caller, asked.request()), with_token=True)


def _detail(backend: Backend, caller: Caller, asked: SessionId) -> SessionData:
    return _seen(backend, backend.session(caller, asked.id))


def _close(backend: Backend, caller: Caller, asked: CloseSession) -> ClosedSession | Answer:
    service = backend.switches.service
    session_id = asked.id or (asked.session_id if service.close_by == "either" else None)
    if not session_id:
        raise refused(1003, "id is missing")
    backend.close(caller, session_id)
    if not service.close_data:
        return Answer(msg="OK")
    return ClosedSession(session_id=session_id, closed_at=int(caller.now * 1000))


def _list(backend: Backend, caller: Caller, asked: ListSessions) -> SessionPage:
    found = backend.sessions(caller, asked.status)
    page = page_of(found, asked.page, asked.size)
    return SessionPage(count=len(found), result=[_seen(backend, record) for record in page])


def _seen(backend: Backend, record: SessionRecord) -> SessionData:
    shown = backend.switches.service.tokens_shown
    is_open = record.status in {QUEUEING, RUNNING}
    return _told(backend, record, with_token=shown == "always" or (shown == "open" and is_open))


def _told(backend: Backend, record: SessionRecord, *, with_token: bool) -> SessionData:
    credentials = credentials_of(record, backend.switches, with_token=with_token)
    return SessionData(
        id=record.id,
        uid=record.owner,
        status=record.status,
        stream_type=record.request.stream_type,  # type: ignore[arg-type]  # create takes no other
        credentials=credentials,
        stream_urls=credentials if backend.switches.service.stream_urls else UNSET,
    )


_PATH: Final = "v4/liveAvatar/session"
ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        name=f"{_PATH}/create",
        summary="Open a session; its whole duration is charged.",
        takes=CreateSession,
        gives=SessionData,
        handle=_create,
    ),
    Endpoint(
        method="GET",
        name=f"{_PATH}/detail",
        summary="One session.",
        takes=SessionId,
        gives=SessionData,
        handle=_detail,
    ),
    Endpoint(
        method="POST",
        name=f"{_PATH}/close",
        summary="End a session; what was not used is refunded.",
        takes=CloseSession,
        gives=ClosedSession,
        may_give_nothing=True,
        handle=_close,
        ok="ok",
    ),
    Endpoint(
        method="GET",
        name=f"{_PATH}/list",
        summary="The account's sessions, newest first.",
        takes=ListSessions,
        gives=SessionPage,
        handle=_list,
    ),
)
