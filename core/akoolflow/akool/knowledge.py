"""Knowledge bases: what AKOOL's own model answers from, in dialogue mode."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import partial

from akoolflow.akool.checking import given
from akoolflow.akool.endpoints import (
    KNOWLEDGE_CREATE,
    KNOWLEDGE_DELETE,
    KNOWLEDGE_DETAIL,
    KNOWLEDGE_LIST,
    KNOWLEDGE_UPDATE,
)
from akoolflow.akool.exchange import Exchange
from akoolflow.akool.fields import KnowledgeFields, KnowledgeFilter
from akoolflow.akool.models import Knowledge
from akoolflow.akool.paging import every
from akoolflow.akool.replies import Page, page_of

__all__ = ["KnowledgeBases"]

_ALL = KnowledgeFilter()


class KnowledgeBases:
    """Every method raises `ServiceError`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def all(self, only: KnowledgeFilter = _ALL) -> AsyncGenerator[Knowledge, None]:
        """Newest first."""
        return every(partial(self.page, only=only), 100, lambda knowledge: knowledge.id)

    async def page(self, page: int = 1, size: int = 100, *, only: KnowledgeFilter = _ALL) -> Page[Knowledge]:
        """:param size: 1 to 100."""
        reply = await self._exchange.call(KNOWLEDGE_LIST, {**given(only), "page": page, "size": size})
        # A bare list by the documentation, an object in the official demo.
        return page_of(KNOWLEDGE_LIST.name, Knowledge, reply.data, "knowledge_list", "result")

    async def detail(self, knowledge_id: str) -> Knowledge:
        return await self._exchange.fetch(KNOWLEDGE_DETAIL, {"id": knowledge_id}, Knowledge)

    async def create(self, fields: KnowledgeFields) -> Knowledge:
        """Never repeated: it may have been made though the answer was lost (`may_have_happened` of the error)."""
        return await self._exchange.fetch(KNOWLEDGE_CREATE, given(fields), Knowledge)

    async def update(self, knowledge_id: str, fields: KnowledgeFields) -> Knowledge:
        """Change what is given; an empty prologue clears it."""
        return await self._exchange.fetch(KNOWLEDGE_UPDATE, {"id": knowledge_id, **given(fields)}, Knowledge)

    async def delete(self, knowledge_id: str) -> None:
        await self._exchange.call(KNOWLEDGE_DELETE, {"id": knowledge_id})
