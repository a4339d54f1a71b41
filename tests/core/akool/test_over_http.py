"""The client over real sockets, against a server made by hand that can also behave badly."""

from __future__ import annotations

import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import anyio
import msgspec
import pytest
from anyio.abc import SocketAttribute, SocketStream

from akoolflow.akool import Account, AkoolClient, AkoolService, Patience, Seams
from akoolflow.contracts import SessionRequest
from akoolflow.errors import AnswerLost, ReplyUnreadable, ServiceSilent, ServiceUnreachable
from akoolflow.secret import Secret

pytestmark = pytest.mark.anyio
KEY = "sk-0123456789abcdef"
Behaviour: TypeAlias = Callable[[SocketStream, bytes], Awaitable[None]]


class Server:
    """Reads whole requests, one after the other on each connection, and hands each to the next behaviour."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self.requests: list[bytes] = []
        self.url = ""
        self.connections = 0
        self._behaviours = list(behaviours)

    async def serve(self, stream: SocketStream) -> None:
        self.connections += 1
        async with stream:
            try:
                while request := await _request(stream):
                    self.requests.append(request)
                    await (self._behaviours.pop(0) if self._behaviours else says(None))(stream, request)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream):
                pass

    @property
    def lines(self) -> list[str]:
        return [request.split(b"\r\n", 1)[0].decode() for request in self.requests]


async def _request(stream: SocketStream) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += await stream.receive()
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while len(body) < sum(lengths):
        body += await stream.receive()
    return head + b"\r\n\r\n" + body


def raw(*pieces: bytes, then: str = "keep") -> Behaviour:
    async def behave(stream: SocketStream, _request: bytes) -> None:
        for piece in pieces:
            await stream.send(piece)
        if then == "hang":
            await anyio.sleep_forever()
        if then == "close":
            await stream.aclose()

    return behave


def says(data: Any, code: int = 1000) -> Behaviour:
    body = msgspec.json.encode({"code": code, "msg": "OK", "data": data})
    return raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body), body)


async def _reset(stream: SocketStream, _request: bytes) -> None:
    # An RST instead of an orderly end.
    stream.extra(SocketAttribute.raw_socket).setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    await stream.aclose()


@asynccontextmanager
async def serving(*behaviours: Behaviour, **patience: Any) -> AsyncIterator[tuple[Server, AkoolClient]]:
    server = Server(*behaviours)
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    server.url = f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}"

    async def no_pause(_delay_s: float) -> None:
        await anyio.lowlevel.checkpoint()

    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, server.serve)
        client = AkoolClient(
            Account(api_key=Secret(KEY)),
            base_url=server.url,
            patience=Patience(**patience),
            seams=Seams(sleep=no_pause),
        )
        async with client:
            yield server, client
        tasks.cancel_scope.cancel()


REQUEST = SessionRequest(avatar_id="a1", stream_type="trtc", duration=60)
OPENED = {
    "_id": "s1",
    "status": 1,
    "stream_type": "trtc",
    "credentials": {"trtc_app_id": 1, "trtc_room_id": "r", "trtc_user_id": "u", "trtc_user_sig": "eJw-sig-0123456789"},
}


async def test_a_sessions_whole_life_goes_over_one_connection(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    listed = says({"count": 1, "result": [{"_id": "s1", "status": 2}]})
    async with serving(says(OPENED), says({"result": []}), listed, says(None)) as (server, client):
        service = AkoolService(client)
        session = await service.create(REQUEST)
        assert [each.id for each in await service.open_sessions()] == ["s1"]
        await service.close(session.id)
    assert server.lines == [
        "POST /api/open/v4/liveAvatar/session/create HTTP/1.1",
        "GET /api/open/v4/liveAvatar/session/list?page=1&size=100&status=1 HTTP/1.1",
        "GET /api/open/v4/liveAvatar/session/list?page=1&size=100&status=2 HTTP/1.1",
        "POST /api/open/v4/liveAvatar/session/close HTTP/1.1",
    ]
    assert server.connections == 1
    first = server.requests[0].lower()
    assert f"x-api-key: {KEY}".encode() in first
    assert b"authorization" not in first
    assert b"content-type: application/json" in first
    assert server.requests[0].endswith(b'\r\n\r\n{"avatar_id":"a1","stream_type":"trtc","duration":60}')
    everything = "\n".join([*caplog.messages, *(repr(entry.args) for entry in caplog.records)])
    assert "session/create" in everything
    assert KEY not in everything
    assert "eJw-sig" not in everything


async def test_a_delete_has_a_body() -> None:
    async with serving() as (server, client):
        await client.knowledge.delete("k1")
    assert server.lines == ["DELETE /api/open/v4/knowledge/delete HTTP/1.1"]
    assert server.requests[0].endswith(b'\r\n\r\n{"id":"k1"}')


async def test_where_nobody_listens_nothing_was_sent_and_a_create_is_tried_again() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connecting is refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        waits: list[float] = []

        async def sleep(delay_s: float) -> None:
            waits.append(delay_s)
            await anyio.lowlevel.checkpoint()

        async with AkoolClient(Account(api_key=Secret(KEY)), base_url=url, seams=Seams(sleep=sleep)) as client:
            with pytest.raises(ServiceUnreachable) as caught:
                await client.sessions.create(REQUEST)
    assert (len(waits), caught.value.may_have_happened) == (2, False)


@pytest.mark.parametrize(
    "behaviour",
    [
        raw(then="close"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Le", then="close"),
        raw(b'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"code":1000', then="close"),
        raw(b"SSH-2.0-OpenSSH\r\n\r\n", then="close"),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", then="close"),
        _reset,
    ],
    ids=["nothing", "half a head", "half a body", "no HTTP", "bad chunks", "reset"],
)
async def test_a_create_whose_connection_breaks_is_sent_once_and_a_question_again(behaviour: Behaviour) -> None:
    async with serving(behaviour, behaviour, says({"_id": "s1"})) as (server, client):
        with pytest.raises(AnswerLost) as caught:
            await client.sessions.create(REQUEST)
        assert (caught.value.may_have_happened, len(server.requests)) == (True, 1)
        assert (await client.sessions.detail("s1")).id == "s1"
        assert len(server.requests) == 3


@pytest.mark.parametrize(
    "pieces", [(), (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{",)], ids=["nothing", "a piece"]
)
async def test_a_service_that_hangs_is_given_up(pieces: tuple[bytes, ...]) -> None:
    async with serving(raw(*pieces, then="hang"), timeout_s=0.05) as (server, client):
        with pytest.raises(ServiceSilent) as caught:
            await client.sessions.create(REQUEST)
    assert (caught.value.may_have_happened, len(server.requests)) == (True, 1)


async def test_a_create_does_not_go_over_a_connection_that_the_service_has_closed_meanwhile() -> None:
    closed = anyio.Event()

    async def answer_and_leave(stream: SocketStream, request: bytes) -> None:
        await says({"_id": "s0"})(stream, request)
        await stream.aclose()
        closed.set()

    async with serving(answer_and_leave, says(OPENED)) as (server, client):
        await client.sessions.detail("s0")
        await closed.wait()
        assert (await client.sessions.create(REQUEST)).id == "s1"
    assert (server.connections, len(server.requests)) == (2, 2)


async def test_after_a_call_was_given_up_the_next_one_gets_its_own_answer() -> None:
    late = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", then="hang")
    async with serving(late, says({"_id": "mine"}), timeout_s=0.05, attempts=1) as (server, client):
        with pytest.raises(ServiceSilent):
            await client.sessions.detail("other")
        assert (await client.sessions.detail("mine")).id == "mine"
        assert server.connections == 2


async def test_an_error_page_of_a_gateway_is_told_with_its_status() -> None:
    page = b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"
    async with serving(raw(page)) as (_, client):
        with pytest.raises(ReplyUnreadable) as caught:
            await client.sessions.create(REQUEST)
    assert str(caught.value) == (
        "the answer to session/create (HTTP 502) is unreadable: it is no JSON; "
        "the service, or something before it, is in trouble: try again later"
    )


async def test_a_proxy_of_the_environment_is_no_way_to_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    async with serving() as (server, client):
        await client.knowledge.delete("k1")
    assert len(server.requests) == 1
