"""What tests and curious people ask of the simulator itself, below `/simulator`: log, state, clock, faults."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct, field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from akoolflow.errors import OptionInvalid
from akoolflow.simulator.rest.endpoint import Nothing
from akoolflow.simulator.rest.faults import Fault, Firing
from akoolflow.simulator.rest.openapi import Operation
from akoolflow.simulator.sessions import SessionRecord, Status
from akoolflow.simulator.web.host import Host
from akoolflow.simulator.web.journal import Entry

__all__ = ["OPERATIONS", "routes"]

_JSON: Final = "application/json"
_MAX_BODY_BYTES: Final = 1 << 20


class Complaint(Struct, frozen=True, forbid_unknown_fields=True):
    error: str


class After(Struct, frozen=True, kw_only=True):
    after: Annotated[int, Meta(ge=0)] = 0
    """Entries with a greater number only."""


class Forward(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    advance_s: Annotated[float, Meta(ge=0, le=31_536_000)]


class SessionToFail(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str


class Time(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    now_s: float
    """Seconds since 1970."""
    ahead_s: float
    """Of the wall clock."""


class AccountState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    uid: int
    name: str
    client_id: str
    state: str
    credits: float


class SessionState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str = field(name="_id")
    uid: int
    status: Status
    avatar_id: str
    stream_type: str
    created_s: float
    joins_s: float
    ends_s: float
    """When its duration is over, or when it ended."""
    credits: float
    """Charged so far; for one that is open, the whole duration."""


class State(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    time: Time
    accounts: list[AccountState]
    sessions: list[SessionState]
    """Newest first."""
    uploads: int
    knowledge: int


class Done(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    done: bool


def _log(host: Host, asked: After) -> list[Entry]:
    return host.journal.after(asked.after)


def _clear_log(host: Host, _asked: Nothing) -> Done:
    host.journal.clear()
    return Done(done=True)


def _time(host: Host, _asked: Nothing) -> Time:
    return Time(now_s=host.clock.now(), ahead_s=host.clock.ahead_s)


def _advance(host: Host, asked: Forward) -> Time:
    return Time(now_s=host.advance(asked.advance_s), ahead_s=host.clock.ahead_s)


def _faults(host: Host, _asked: Nothing) -> list[Firing]:
    return host.faults.firings()


def _set_faults(host: Host, asked: list[Fault]) -> list[Firing]:
    host.set_faults(asked)
    return host.faults.firings()


def _fail(host: Host, asked: SessionToFail) -> Done:
    return Done(done=host.fail(asked.id))


def _reset(host: Host, _asked: Nothing) -> Done:
    host.reset()
    return Done(done=True)


def _state(host: Host, asked: Nothing) -> State:
    backend, now = host.backend, host.clock.now()
    sessions = [_told(host, record) for record in backend.all_sessions(now)]
    accounts = [
        AccountState(
            uid=account.uid,
            name=account.name,
            client_id=account.client_id,
            state=account.state,
            credits=backend.ledger.credits(account),
        )
        for account in backend.accounts
    ]
    return State(
        time=_time(host, asked),
        accounts=accounts,
        sessions=sessions,
        uploads=len(backend.shelves.uploads),
        knowledge=len(backend.shelves.knowledge),
    )


def _told(host: Host, record: SessionRecord) -> SessionState:
    return SessionState(
        id=record.id,
        uid=record.owner,
        status=record.status,
        avatar_id=record.request.avatar_id,
        stream_type=record.request.stream_type,
        created_s=record.created_s,
        joins_s=record.joins_s,
        ends_s=record.ends_s,
        credits=host.backend.ledger.price(record.ends_s - record.created_s),
    )


class _Control(Struct, frozen=True, kw_only=True):
    method: str
    name: str
    summary: str
    takes: Any = Nothing
    gives: Any
    handle: Callable[[Host, Any], Any]


_CONTROLS: Final = (
    _Control(
        method="GET",
        name="log",
        summary="The last thousand calls, without secrets.",
        takes=After,
        gives=list[Entry],
        handle=_log,
    ),
    _Control(method="DELETE", name="log", summary="Forget the log.", gives=Done, handle=_clear_log),
    _Control(method="GET", name="state", summary="Accounts and sessions of everybody.", gives=State, handle=_state),
    _Control(method="GET", name="clock", summary="The simulator's time.", gives=Time, handle=_time),
    _Control(
        method="POST",
        name="clock",
        summary="Put the clock forward; what is due by then happens.",
        takes=Forward,
        gives=Time,
        handle=_advance,
    ),
    _Control(
        method="GET",
        name="faults",
        summary="The faults, and how often they struck.",
        gives=list[Firing],
        handle=_faults,
    ),
    _Control(
        method="PUT",
        name="faults",
        summary="Other faults in place of these; [] for none.",
        takes=list[Fault],
        gives=list[Firing],
        handle=_set_faults,
    ),
    _Control(
        method="POST",
        name="session/fail",
        summary="End a session with status 4; done is false if there is none that is open.",
        takes=SessionToFail,
        gives=Done,
        handle=_fail,
    ),
    _Control(
        method="POST",
        name="reset",
        summary="Forget sessions, spent credits, uploads, knowledge bases and the log.",
        gives=Done,
        handle=_reset,
    ),
)


def _operation(control: _Control) -> Operation:
    replies = {"200": control.gives}
    if control.takes is not Nothing:
        replies["400"] = Complaint
    return Operation(
        method=control.method,
        path=f"/simulator/{control.name}",
        summary=control.summary,
        tag="simulator",
        takes=control.takes,
        replies=replies,
    )


OPERATIONS: Final = tuple(map(_operation, _CONTROLS))


def routes(host: Host) -> list[Route]:
    return [Route(f"/simulator/{each.name}", _endpoint(host, each), methods=[each.method]) for each in _CONTROLS]


def _endpoint(host: Host, control: _Control) -> Callable[[Request], Awaitable[Response]]:
    async def respond(request: Request) -> Response:
        try:
            asked = await _asked(request, control.takes)
            told, status = control.handle(host, asked), 200
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OptionInvalid) as error:
            told, status = Complaint(str(error)), 400
        return Response(msgspec.json.encode(told), status_code=status, media_type=_JSON)

    return respond


async def _asked(request: Request, takes: Any) -> Any:
    if takes is Nothing:
        return Nothing()
    if request.method == "GET":
        return msgspec.convert(dict(request.query_params), takes, strict=False)
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > _MAX_BODY_BYTES:
            raise msgspec.DecodeError(f"a body of more than {_MAX_BODY_BYTES} B")
    return msgspec.json.decode(raw, type=takes)
