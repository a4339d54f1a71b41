"""Live sessions. Each costs from create until close, or until its duration is over."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import partial
from typing import Literal

from msgspec.structs import replace

from akoolflow.akool.checking import given
from akoolflow.akool.endpoints import SESSION_CLOSE, SESSION_CREATE, SESSION_DETAIL, SESSION_LIST
from akoolflow.akool.exchange import Exchange
from akoolflow.akool.models import ClosedSession, LiveSession
from akoolflow.akool.paging import every
from akoolflow.akool.replies import Page, page_of, record
from akoolflow.contracts import SessionRequest
from akoolflow.errors import ReplyUnreadable
from akoolflow.room_credentials import normalised, stream_type_of

__all__ = ["Sessions"]


class Sessions:
    """Every method raises `ServiceError`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def create(self, request: SessionRequest) -> LiveSession:
        """Open a session and begin to pay for it; None and empty strings leave a field out.

        Never repeated: if the error's `may_have_happened` is true, look for the session in `all`.

        :raises RequestInvalid: with all that breaks a rule of the service; nothing was sent.
        """
        values = {name: value for name, value in given(request).items() if value != ""}  # as the official demo does
        session = _whole(await self._exchange.fetch(SESSION_CREATE, values, LiveSession))
        return session if session.stream_type else replace(session, stream_type=request.stream_type)

    async def detail(self, session_id: str) -> LiveSession:
        return _whole(await self._exchange.fetch(SESSION_DETAIL, {"id": session_id}, LiveSession))

    async def close(self, session_id: str, *, timeout_s: float | None = None) -> ClosedSession:
        """End a session; what was not used of its duration is refunded.

        :param timeout_s: of each attempt.
        :raises ServiceRefused: with a code of `OVER`, if it was over already.
        """
        reply = await self._exchange.call(SESSION_CLOSE, {"id": session_id}, timeout_s=timeout_s)
        try:
            closed = record(SESSION_CLOSE.name, ClosedSession, reply.data)
        except ReplyUnreadable:
            closed = ClosedSession()  # the code has said it; some answers have no data
        return closed if closed.id else replace(closed, id=session_id)

    def all(self, status: Literal[1, 2, 3, 4] | None = None) -> AsyncGenerator[LiveSession, None]:
        """:param status: 1 queueing, 2 running, 3 over, 4 failed."""
        return every(partial(self.page, status=status), 100, lambda session: session.id)

    async def page(
        self, page: int = 1, size: int = 100, *, status: Literal[1, 2, 3, 4] | None = None
    ) -> Page[LiveSession]:
        """:param size: 1 to 100."""
        values = {"page": page, "size": size} | ({} if status is None else {"status": status})
        reply = await self._exchange.call(SESSION_LIST, values)
        answer = page_of(SESSION_LIST.name, LiveSession, reply.data, "result")
        return replace(answer, items=tuple(map(_whole, answer.items)))


def _whole(session: LiveSession) -> LiveSession:
    """With its credentials under one name each, and its stream type."""
    credentials = normalised(session.credentials or session.stream_urls)
    stream_type = session.stream_type or stream_type_of(credentials)
    return replace(session, credentials=credentials, stream_urls={}, stream_type=stream_type)
