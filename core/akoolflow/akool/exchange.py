"""One call: sent, answered within a deadline, repeated only where that is safe, logged without secrets."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Any, Final, TypeVar

import anyio
import httpx
import msgspec
from msgspec import Struct

from akoolflow.akool.account import Account, KeptToken, bearer, keep
from akoolflow.akool.checking import checked
from akoolflow.akool.codes import TOKEN_REFUSED
from akoolflow.akool.endpoints import GET_TOKEN, Endpoint
from akoolflow.akool.redaction import Vault
from akoolflow.akool.replies import MAX_REPLY_BYTES, Reply, read, record, token_in
from akoolflow.akool.waiting import Patience, asked_wait_s, pause_s
from akoolflow.errors import (
    AnswerLost,
    ReplyUnreadable,
    ServiceError,
    ServiceRefused,
    ServiceSilent,
    ServiceUnreachable,
)
from akoolflow.secret import Secret

__all__ = ["LOOPBACK", "Exchange", "Seams"]

log: Final = logging.getLogger(__name__)

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""This machine by its usual names."""
_NOT_OPEN: Final = "the client is not open; use it inside its `async with` block"
_UNSENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
"""Raised before any of the request has left."""

T = TypeVar("T", bound=Struct)


class Seams(Struct, frozen=True, kw_only=True):
    """What tests put in the place of the network, time and chance."""

    transport: httpx.AsyncBaseTransport | None = None
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    random: Random = msgspec.field(default_factory=Random)
    unix_s: Callable[[], float] = time.time


class Exchange:
    """Calls endpoints; opened and closed by its owner."""

    def __init__(self, account: Account, base_url: httpx.URL, patience: Patience, seams: Seams) -> None:
        self._account, self._base_url, self._patience, self._seams = account, base_url, patience, seams
        self._vault = Vault(account.secrets())
        self._http: httpx.AsyncClient | None = None
        self._token: KeptToken | None = None

    def open(self) -> None:
        self._login = anyio.Lock()
        local = self._base_url.host in LOOPBACK
        self._http = httpx.AsyncClient(
            transport=self._seams.transport,
            trust_env=not local,  # a proxy that the environment names is no way to this machine
            headers={"user-agent": "akoolflow", "accept": "application/json"},
        )

    async def aclose(self) -> None:
        if self._http is not None:
            http, self._http = self._http, None
            await http.aclose()

    async def fetch(self, endpoint: Endpoint, values: Mapping[str, Any], kind: type[T]) -> T:
        """Call, and read the data of the answer as a struct.

        :raises ServiceError: as `call` does, and `ReplyUnreadable` if the data does not fit.
        """
        reply = await self.call(endpoint, values)
        try:
            return record(endpoint.name, kind, reply.data)
        except ReplyUnreadable as error:
            error.may_have_happened = endpoint.changes
            raise

    async def call(self, endpoint: Endpoint, values: Mapping[str, Any], *, timeout_s: float | None = None) -> Reply:
        """Send a call and read its answer.

        :param timeout_s: for each attempt, in place of the client's own.
        :raises RequestInvalid: nothing was sent.
        :raises ServiceError: it failed for good, or as often as it could be tried.
        """
        body = checked(endpoint, values, self._vault)
        failures, lost = 0, False
        while True:
            headers = await self._headers(endpoint)
            try:
                return await self._attempt(endpoint, body, headers, timeout_s or self._patience.timeout_s)
            except ServiceError as error:
                log.debug("%s: %s", endpoint.name, error)
                if lost and isinstance(error, ServiceRefused) and error.code in endpoint.done:
                    return Reply()
                failures += 1
                error.may_have_happened = error.may_have_happened and endpoint.changes
                lost = lost or error.may_have_happened
                wait_s = self._pause_s(endpoint, error, failures)
                if wait_s is None:
                    raise
                log.info("%s: asking again in %.2f s, after: %s", endpoint.name, wait_s, error)
            await self._seams.sleep(wait_s)

    async def token(self) -> Secret:
        """The token that was given, or one for the client id and secret, kept until shortly before its end.

        :raises ServiceError: none could be got.
        """
        account = self._account
        if account.token is not None:
            return account.token
        if self._http is None:
            raise RuntimeError(_NOT_OPEN)
        async with self._login:  # many calls that need one get one
            now_unix_s = self._seams.unix_s()
            if self._token is None or self._token.until_unix_s <= now_unix_s:
                reply = await self.call(GET_TOKEN, account.login())
                self._token = keep(Secret(token_in(GET_TOKEN.name, reply)), now_unix_s)
            return self._token.token

    async def _headers(self, endpoint: Endpoint) -> dict[str, str]:
        if endpoint is GET_TOKEN:
            return {}
        return self._account.headers() or bearer(await self.token())

    def _pause_s(self, endpoint: Endpoint, error: ServiceError, failures: int) -> float | None:
        """How long until the next attempt; None if there is to be none."""
        if isinstance(error, ServiceRefused) and error.code == TOKEN_REFUSED:
            had, self._token = self._token, None  # the next call gets a new one
            return 0.0 if had is not None and endpoint.repeatable and failures == 1 else None
        if failures >= self._patience.attempts or error.retry != "soon":
            return None
        if not (endpoint.repeatable or isinstance(error, ServiceUnreachable)):
            return None
        return pause_s(self._patience, failures, error.retry_after_s, self._seams.random)

    async def _attempt(
        self, endpoint: Endpoint, body: dict[str, Any], headers: dict[str, str], timeout_s: float
    ) -> Reply:
        name = endpoint.name
        try:
            with anyio.move_on_after(timeout_s):
                return await self._send(endpoint, body, headers, timeout_s)
        except _UNSENT as error:
            raise ServiceUnreachable(name, self._told(error)) from error
        except httpx.DecodingError as error:
            raise ReplyUnreadable(name, f"its compression is broken: {self._told(error)}") from error
        except (httpx.HTTPError, OSError) as error:
            raise AnswerLost(name, self._told(error)) from error
        raise ServiceSilent(name, timeout_s)

    async def _send(self, endpoint: Endpoint, body: dict[str, Any], headers: dict[str, str], timeout_s: float) -> Reply:
        if self._http is None:
            raise RuntimeError(_NOT_OPEN)
        name, query, started_s = endpoint.name, endpoint.method == "GET", anyio.current_time()
        exchange = self._http.stream(
            endpoint.method,
            f"{str(self._base_url).rstrip('/')}{endpoint.path}",
            params=body if query and body else None,
            content=None if query else msgspec.json.encode(body),
            headers=headers if query else {**headers, "content-type": "application/json"},
            # Connecting gives up before the whole does, so that it is known that nothing was sent.
            timeout=httpx.Timeout(None, connect=min(self._patience.connect_timeout_s, 0.9 * timeout_s)),
        )
        self._log("%s: sending %s", name, body)
        async with exchange as response:
            content = await _content(name, response)
        elapsed_s = anyio.current_time() - started_s
        log.debug("%s: HTTP %d, %d B after %.3f s", name, response.status_code, len(content), elapsed_s)
        try:
            reply = read(name, response.status_code, content, self._vault)
        except ServiceError as error:
            error.retry_after_s = asked_wait_s(response.headers.get("retry-after"), self._seams.unix_s())
            raise
        self._log("%s: got %s", name, reply.flat)
        return reply

    def _told(self, error: Exception) -> str:
        return self._vault.scrub(str(error)) or type(error).__name__

    def _log(self, message: str, name: str, value: Any) -> None:
        if log.isEnabledFor(logging.DEBUG):
            log.debug(message, name, self._vault.written(value))


async def _content(name: str, response: httpx.Response) -> bytes:
    """:raises ReplyUnreadable: it is too long, or would never end."""
    content = bytearray()
    async for piece in response.aiter_bytes():
        content += piece
        if len(content) > MAX_REPLY_BYTES:
            raise ReplyUnreadable(name, f"it is longer than {MAX_REPLY_BYTES} B", http_status=response.status_code)
    return bytes(content)
