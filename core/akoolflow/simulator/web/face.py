"""The REST calls over HTTP: a request in, the pure service's answer out, with trouble and the log in between."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import replace
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from akoolflow.simulator.rest.codes import refused
from akoolflow.simulator.rest.endpoint import Answer, Asked, Endpoint, refusal_answer
from akoolflow.simulator.rest.endpoints import ENDPOINTS
from akoolflow.simulator.rest.faults import Fault
from akoolflow.simulator.rest.redaction import redacted, scrubbed
from akoolflow.simulator.web.host import Host

__all__ = ["Silence", "enveloped", "log_stray", "routes"]

_MAX_BODY_BYTES: Final = 1 << 20
_JSON: Final = "application/json"
_GATEWAY_PAGE: Final = b"<html><body><h1>%d</h1>the simulated gateway</body></html>"
_AUTH_CODES: Final = frozenset({1101, 1102})


class Silence(Response):
    """No answer: the connection is dropped."""

    def __init__(self, host: Host) -> None:
        super().__init__(status_code=500)  # never sent
        self._host = host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        self._host.drop(scope.get("client"))
        while (await receive())["type"] != "http.disconnect":
            pass


class _TooBig(Exception):
    """The body goes on beyond what anybody would send."""


class _Call(Struct, kw_only=True):
    """What becomes known of a request, for the log."""

    endpoint: Endpoint
    request: Any
    query: dict[str, str]
    started_s: float
    body: Any = None
    uid: int = 0
    status: int = 0
    answer: Answer = Answer(code=0)
    fault: str = ""


def routes(host: Host) -> list[Route]:
    return [Route(each.path, _endpoint(host, each), methods=[each.method]) for each in ENDPOINTS]


def enveloped(answer: Answer, status: int = 200) -> Response:
    return Response(msgspec.json.encode(answer), status_code=status, media_type=_JSON)


def log_stray(host: Host, request: Request, status: int) -> None:
    """Into the log with a call of what is not there, or not by this method."""
    secrets = host.backend.accounts.secrets
    host.journal.add(
        at_s=host.clock.now(),
        method=request.method,
        path=scrubbed(request.url.path, secrets),
        endpoint="",
        query=redacted(dict(request.query_params), secrets),
        body=None,
        uid=0,
        status=status,
        code=0,
        msg="",
        took_ms=0.0,
        fault="",
    )


def _endpoint(host: Host, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def respond(request: Request) -> Response:
        call = _Call(
            endpoint=endpoint, request=request, query=dict(request.query_params), started_s=time.perf_counter()
        )
        response: Response = Silence(host)
        try:
            response = await _respond(host, call)
        except ClientDisconnect:
            call.fault = call.fault or "the client went away"
        finally:
            _log(host, call)
        return response

    return respond


async def _respond(host: Host, call: _Call) -> Response:
    try:
        asked = await _asked(call)
    except _TooBig:
        call.answer = refusal_answer(refused(1003, f"a body of more than {_MAX_BODY_BYTES} B"))
        call.status = 413
        return enveloped(call.answer, call.status)
    trouble = host.faults.draw(call.endpoint.name)
    if trouble.delay_s:
        call.fault = "delay"
        await host.sleep(trouble.delay_s)
    fault = trouble.fault
    if fault is not None:
        call.fault = f"{call.fault} {fault.does}".strip()
        if fault.does != "lose_answer":
            return _instead(host, call, fault)
    call.answer, call.uid = host.answer(call.endpoint, asked)
    if fault is not None:
        return Silence(host)
    refused_entry = call.answer.code in _AUTH_CODES and not call.endpoint.is_open
    call.status = host.switches.service.auth_status if refused_entry else 200
    return enveloped(call.answer, call.status)


def _instead(host: Host, call: _Call, fault: Fault) -> Response:
    if fault.does == "drop":
        return Silence(host)
    if fault.does == "http_error":
        call.status = fault.status
        return Response(_GATEWAY_PAGE % fault.status, status_code=fault.status, media_type="text/html")
    call.answer = refusal_answer(refused(fault.code or 0, "by a fault of the simulator"))
    call.status = 200
    return enveloped(call.answer)


async def _asked(call: _Call) -> Asked:
    headers = call.request.headers
    asked = Asked(authorization=headers.get("authorization", ""), api_key=headers.get("x-api-key", ""))
    if call.endpoint.method == "GET":
        return replace(asked, parameters=call.query)
    raw = bytearray()
    async for chunk in call.request.stream():
        raw += chunk
        if len(raw) > _MAX_BODY_BYTES:
            raise _TooBig
    try:
        call.body = msgspec.json.decode(raw) if raw.strip() else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return replace(asked, unreadable=refused(1003, f"the body is no JSON: {error}"))
    return replace(asked, parameters=call.body)


def _log(host: Host, call: _Call) -> None:
    secrets = host.backend.accounts.secrets
    msg = "" if call.answer.msg is UNSET else str(call.answer.msg)
    host.journal.add(
        at_s=host.clock.now(),
        method=call.request.method,
        path=call.endpoint.path,
        endpoint=call.endpoint.name,
        query=redacted(call.query, secrets),
        body=redacted(call.body, secrets),
        uid=call.uid,
        status=call.status,
        code=call.answer.code,
        msg=scrubbed(msg, secrets),
        took_ms=round((time.perf_counter() - call.started_s) * 1000, 3),
        fault=call.fault,
    )
