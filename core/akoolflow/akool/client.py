"""The REST client as a whole."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import Final, Self

import anyio
import httpx

from akoolflow.akool.account import Account
from akoolflow.akool.avatars import Avatars
from akoolflow.akool.exchange import LOOPBACK, Exchange, Seams
from akoolflow.akool.knowledge import KnowledgeBases
from akoolflow.akool.sessions import Sessions
from akoolflow.akool.voices import Languages, Voices
from akoolflow.akool.waiting import Patience
from akoolflow.errors import OptionInvalid
from akoolflow.secret import Secret

__all__ = ["BASE_URL", "AkoolClient"]

log: Final = logging.getLogger(__name__)
BASE_URL: Final = "https://openapi.akool.com"
_CLOSE_TIMEOUT_S: Final = 5.0


class AkoolClient:
    """AKOOL's REST API, or a simulator of it. Use it in `async with`; entered more than once, the last exit closes it.

    Whatever goes wrong is a `ServiceError`: it knows the call, whose fault it is, whether asking again can help, and
    whether the service may have done what was asked all the same.
    """

    def __init__(
        self,
        account: Account,
        *,
        base_url: str = BASE_URL,
        patience: Patience | None = None,
        seams: Seams | None = None,
    ) -> None:
        """:raises OptionInvalid: `base_url` is no URL of a service."""
        self.base_url = base_url
        seams = seams or Seams()
        self._exchange = Exchange(account, _service_url(base_url), patience or Patience(), seams)
        self._entered = 0
        self.avatars = Avatars(self._exchange, seams)
        self.sessions = Sessions(self._exchange)
        self.knowledge = KnowledgeBases(self._exchange)
        self.voices = Voices(self._exchange)
        self.languages = Languages(self._exchange)

    def __repr__(self) -> str:
        return f"AkoolClient({self.base_url!r})"

    async def __aenter__(self) -> Self:
        if not self._entered:
            self._exchange.open()
        self._entered += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._entered -= 1
        if not self._entered:
            with anyio.move_on_after(_CLOSE_TIMEOUT_S, shield=True):
                await self._exchange.aclose()

    async def get_token(self) -> Secret:
        """A token for the client id and secret of the account, kept until shortly before its end.

        There is seldom a need: calls get and renew theirs by themselves.
        """
        return await self._exchange.token()


def _service_url(text: str) -> httpx.URL:
    hint = f"such as {BASE_URL}"
    try:
        url = httpx.URL(text.strip())
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise OptionInvalid("base_url", f"is no URL: {type(error).__name__}", hint) from None
    if url.scheme not in {"http", "https"} or not url.host or len(text.split()) != 1 or (url.port or 1) > 65_535:
        raise OptionInvalid("base_url", "is no URL of http or https", hint)
    if url.userinfo or url.query or url.fragment:
        raise OptionInvalid("base_url", "holds more than a scheme, a host, a port and a path", hint)
    if url.scheme == "http" and url.host not in LOOPBACK:
        log.warning("base_url %s is not encrypted: the key goes over the network as it is", url)
    return url
