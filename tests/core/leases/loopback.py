"""AKOOL's three session calls over HTTP on this machine, with hooks between what they do and what they answer."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, TypeAlias
from urllib.parse import parse_qs, urlsplit

Point: TypeAlias = Literal["asked", "opened", "told", "asked to close", "closed", "told closed", "listed"]
"""create: before, between the deed and the answer, after; the same of close; list."""


class Loopback:
    """The service's state and its log. `on` holds what to do at which point; it is called with the avatar's id."""

    def __init__(self) -> None:
        self.base_url = ""
        self.on: dict[Point, Callable[[str], None]] = {}
        self.open_after_s = 0.0
        """How long a create takes: a client may be gone by then."""
        self.open: dict[str, str] = {}
        """Avatar by session id."""
        self.closes: Counter[str] = Counter()
        self.calls: list[tuple[Point, str]] = []
        self._lock = threading.Lock()
        self._number = 0

    def at(self, point: Point, avatar_id: str) -> None:
        with self._lock:
            self.calls.append((point, avatar_id))
        if (hook := self.on.get(point)) is not None:
            hook(avatar_id)

    def open_one(self, avatar_id: str) -> str:
        with self._lock:
            self._number += 1
            session_id = f"f{self._number:023x}"
            self.open[session_id] = avatar_id
        return session_id

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        avatar_id = body["avatar_id"]
        self.at("asked", avatar_id)
        time.sleep(self.open_after_s)
        session_id = self.open_one(avatar_id)
        self.at("opened", avatar_id)
        credentials = {"livekit_url": "ws://room.test", "livekit_token": "t"}
        return {"_id": session_id, "status": 1, "stream_type": "livekit", "credentials": credentials}

    def close(self, body: dict[str, Any]) -> dict[str, Any] | None:
        session_id = body["id"]
        avatar_id = self.open.get(session_id, "")
        self.at("asked to close", avatar_id)
        with self._lock:
            self.closes[session_id] += 1
            known = self.open.pop(session_id, None)
        self.at("closed", avatar_id)
        return None if known is None else {"session_id": session_id, "status": "closed"}

    def listed(self) -> dict[str, Any]:
        self.at("listed", "")
        with self._lock:
            result = [{"_id": session_id, "status": 1, "stream_type": "livekit"} for session_id in self.open]
        return {"count": len(result), "result": result}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, service: Loopback, *arguments: Any) -> None:
        self.service = service
        super().__init__(*arguments)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path.endswith("/create"):
            self._answer(self.service.create(body))
            self.service.at("told", body["avatar_id"])
        else:
            self._answer(self.service.close(body), code=1216)
            self.service.at("told closed", body["id"])

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        self._answer(self.service.listed() if query.get("status") == ["1"] else {"count": 0, "result": []})

    def _answer(self, data: dict[str, Any] | None, code: int = 1000) -> None:
        envelope = {"code": 1000 if data is not None else code, "msg": "OK", "data": data or {}}
        content = json.dumps(envelope).encode()
        try:
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except OSError:
            self.close_connection = True  # who asked is dead

    def log_message(self, *_: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Clients are killed here all the time."""


@contextmanager
def loopback() -> Iterator[Loopback]:
    service = Loopback()
    server = _Server(("127.0.0.1", 0), partial(_Handler, service))
    service.base_url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
