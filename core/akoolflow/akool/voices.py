"""Voices and languages that the service offers."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import partial

from akoolflow.akool.checking import given
from akoolflow.akool.endpoints import LANGUAGE_LIST, VOICE_LIST
from akoolflow.akool.exchange import Exchange
from akoolflow.akool.fields import VoiceFilter
from akoolflow.akool.models import Language, Voice
from akoolflow.akool.paging import every
from akoolflow.akool.replies import Page, page_of

__all__ = ["Languages", "Voices"]

_AKOOLS = VoiceFilter()


class Voices:
    """Every method raises `ServiceError`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def all(self, only: VoiceFilter = _AKOOLS) -> AsyncGenerator[Voice, None]:
        return every(partial(self.page, only=only), 100, lambda voice: voice.voice_id)

    async def page(self, page: int = 1, size: int = 100, *, only: VoiceFilter = _AKOOLS) -> Page[Voice]:
        """:param size: 1 to 100."""
        reply = await self._exchange.call(VOICE_LIST, {**given(only), "page": page, "size": size})
        return page_of(VOICE_LIST.name, Voice, reply.data, "result")


class Languages:
    """Every method raises `ServiceError`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def all(self) -> tuple[Language, ...]:
        """All at once: the service has no pages of them."""
        reply = await self._exchange.call(LANGUAGE_LIST, {})
        return page_of(LANGUAGE_LIST.name, Language, reply.data, "lang_list", "result").items
