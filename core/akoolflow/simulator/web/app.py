"""The ASGI application: the REST calls for any web page, the simulator's own calls for the machine it runs on."""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from akoolflow.simulator.rest.codes import refused
from akoolflow.simulator.rest.endpoint import refusal_answer
from akoolflow.simulator.rest.endpoints import ENDPOINTS
from akoolflow.simulator.rest.openapi import document, operation_of
from akoolflow.simulator.web import control, face
from akoolflow.simulator.web.face import enveloped, log_stray
from akoolflow.simulator.web.host import Host

__all__ = ["application"]

_METHODS: Final = ("GET", "POST", "DELETE", "OPTIONS")
_ASIDE: Final = "/simulator"
_NOT_FOR_PAGES: Final = b'{"error":"not for web pages: this call came with an Origin"}'


def application(host: Host) -> ASGIApp:
    auth_status = host.switches.service.auth_status
    operations = [operation_of(endpoint, auth_status=auth_status) for endpoint in ENDPOINTS]
    described = msgspec.json.encode(document([*operations, *control.OPERATIONS], version("akoolflow")))

    async def openapi(_request: Request) -> Response:
        return Response(described, media_type="application/json")

    async def nowhere(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
        log_stray(host, request, error.status_code)
        detail = f"{request.method} {request.url.path[:200]}; GET /openapi.json lists what there is"
        response = enveloped(refusal_answer(refused(1014, detail)), error.status_code)
        response.headers.update(error.headers or {})
        return response

    inner = Starlette(
        routes=[*face.routes(host), *control.routes(host), Route("/openapi.json", openapi)],
        exception_handlers={HTTPException: nowhere},
    )
    inner.router.redirect_slashes = False
    # A browser asks before it sends Authorization or JSON elsewhere, and, from a public page, before it calls loopback.
    shared = CORSMiddleware(
        inner, allow_origins=["*"], allow_methods=_METHODS, allow_headers=["*"], allow_private_network=True
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if not scope.get("path", "").startswith(_ASIDE):
            await shared(scope, receive, send)
        elif any(name == b"origin" for name, _ in scope["headers"]):
            # Without this a page could not read the answers, and yet make trouble by a form that posts plain text.
            await Response(_NOT_FOR_PAGES, status_code=403, media_type="application/json")(scope, receive, send)
        else:
            await inner(scope, receive, send)

    return app
