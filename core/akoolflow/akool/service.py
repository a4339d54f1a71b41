"""The live AKOOL service, as a conversation uses it."""

from __future__ import annotations

from types import TracebackType
from typing import Literal, Self

import anyio

from akoolflow.akool.client import AkoolClient
from akoolflow.akool.codes import OVER
from akoolflow.akool.endpoints import SESSION_CREATE
from akoolflow.akool.models import OPEN, LiveSession
from akoolflow.contracts import AvatarSession, SessionRequest
from akoolflow.errors import ReplyUnreadable, ServiceError, ServiceRefused, SessionUnclosed
from akoolflow.room_credentials import CREDENTIALS, normalised

__all__ = ["AkoolService"]


class AkoolService:
    """An `AvatarService`. Entering it enters the client."""

    def __init__(self, client: AkoolClient, *, close_timeout_s: float = 10.0) -> None:
        """:param close_timeout_s: for a close with all its attempts; the first may take a third of it."""
        self.client = client
        self._close_timeout_s = close_timeout_s

    async def __aenter__(self) -> Self:
        await self.client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.client.__aexit__(kind, error, traceback)

    async def create(self, request: SessionRequest) -> AvatarSession:
        """Open a session.

        :raises RequestInvalid: with all that breaks a rule of the service; nothing was sent.
        :raises ServiceError: if its `may_have_happened` is true, a session may be open that nobody knows.
        """
        session = await self.client.sessions.create(request)
        # In a room of the caller's own the answer may hold less than the request.
        credentials = {**normalised(request.credentials or {}), **session.credentials}
        needed = [field.name for field in CREDENTIALS.get(session.stream_type, ()) if field.required]
        missing = [name for name in needed if not credentials.get(name) and credentials.get(name) != 0]
        if missing:
            await self._abandon(session.id)
            what = f"session {session.id} has no {', '.join(missing)}, so nobody can join it; it was given back"
            raise ReplyUnreadable(SESSION_CREATE.name, what)
        return AvatarSession(id=session.id, stream_type=session.stream_type, credentials=credentials)

    async def close(self, session_id: str) -> None:
        """Close a session; closing one that is over is no error.

        :raises ServiceError: it could not be closed, and goes on costing.
        """
        try:
            await self.client.sessions.close(session_id, timeout_s=self._close_timeout_s / 3)
        except ServiceRefused as error:
            # Which code a second close gets is not documented; where it is another one, the session's status tells.
            if error.code not in OVER and not await self._is_over(session_id):
                raise

    async def open_sessions(self) -> tuple[LiveSession, ...]:
        """All sessions of the account that cost: those that wait, and those that run.

        :raises ServiceError: not all could be listed.
        """
        found: dict[str, LiveSession] = {}
        statuses: tuple[Literal[1, 2], ...] = (1, 2)
        for status in statuses:  # in this order: one that begins to run meanwhile is found all the same
            async for session in self.client.sessions.all(status):
                if session.status is None or session.status in OPEN:
                    found[session.id] = session
        return tuple(found.values())

    async def _is_over(self, session_id: str) -> bool:
        try:
            session = await self.client.sessions.detail(session_id)
        except ServiceError:
            return False
        return session.status is not None and session.status not in OPEN

    async def _abandon(self, session_id: str) -> None:
        try:
            with anyio.fail_after(self._close_timeout_s, shield=True):
                await self.close(session_id)
        except (ServiceError, TimeoutError) as error:
            raise SessionUnclosed(session_id, str(error) or "no answer in time") from error
