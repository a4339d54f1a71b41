"""The life of one conversation: create, join, talk, and the one right end, whatever happens."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import anyio

from akoolflow.contracts import (
    AvatarJoined,
    AvatarLeft,
    AvatarSession,
    Link,
    LinkClosed,
    LinkDown,
    LinkUp,
    Signal,
)
from akoolflow.errors import AkoolflowError, LinkFailed, NotReady, ServiceRefused, ServiceSilent, SessionUnclosed
from akoolflow.events import (
    EndReason,
    Event,
    LinkConnected,
    LinkLost,
    LinkRestored,
    SessionCreated,
    SessionEnded,
    SessionExpiring,
    SessionFailed,
    SessionReady,
)

if TYPE_CHECKING:
    from akoolflow.conversation.conversation import Conversation

__all__ = ["Life"]

log: Final = logging.getLogger(__name__)
_NEARLY_S: Final = 1.0
"""An avatar that leaves this close to the end of the duration has left because of it."""


class Life:
    """Runs once. The first cause of the end, `finish` or `fail`, is the one that is told."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation, self._parts = conversation, conversation.parts
        self._channel = conversation.channel
        self._clock: Callable[[], float] = conversation.clock
        self._scope = anyio.CancelScope()
        self._reason: EndReason | None = None
        self.failure: BaseException | None = None
        self._avatar: AvatarSession | None = None
        self._created_at = 0.0
        self._lost_at: float | None = None
        self.ready = anyio.Event()
        """The avatar is in the room."""
        self.settled = anyio.Event()
        """It is ready, or the session has failed or ended before that."""
        self.over = anyio.Event()

    @property
    def ending(self) -> bool:
        return self._reason is not None or self.failure is not None

    def finish(self, reason: EndReason) -> None:
        if not self.ending:
            self._reason = reason
            self._scope.cancel()

    def fail(self, error: BaseException) -> None:
        if not self.ending:
            self.failure = error
            self._scope.cancel()

    async def run(self) -> None:
        """Open, talk, end. Raises nothing: the last event tells how it went."""
        try:
            with self._scope:
                await self._guarded(self._open)
        finally:
            self.finish("closed")  # cancelled from outside, if nothing else
            with anyio.CancelScope(shield=True):
                await self._close()
            self.settled.set()
            self.over.set()

    async def _guarded(self, work: Callable[..., Awaitable[object]], *args: object) -> None:
        try:
            await work(*args)
        except Exception as error:  # whatever breaks, the session is closed and the reason is told
            log.debug("conversation %s failed", self._conversation.id, exc_info=error)
            self.fail(error)

    async def _open(self) -> None:
        parts, timing = self._parts, self._parts.timing
        # Shielded: a create that is abandoned half-way may leave a session behind that nobody closes.
        with anyio.move_on_after(timing.create_timeout_s, shield=True) as patience:
            self._avatar = await parts.service.create(parts.request)
        if patience.cancelled_caught or self._avatar is None:
            raise ServiceSilent("create", timing.create_timeout_s)
        self._created_at = self._clock()
        created = SessionCreated(
            akool_session_id=self._avatar.id,
            stream_type=self._avatar.stream_type,
            avatar_id=parts.request.avatar_id,
            duration_s=parts.request.duration,
        )
        self._channel.post(created)
        name, transport = parts.transport
        async with transport.open(self._avatar) as link:
            self._channel.post(LinkConnected(transport=name))
            await self._talk(link)

    async def _talk(self, link: Link) -> None:
        conversation, timeout_s = self._conversation, self._parts.timing.ready_timeout_s
        conversation.outbox.attach(link)
        async with anyio.create_task_group() as tasks:
            for work in (conversation.outbox.run, conversation.inbound.run, conversation.dialogue.run):
                tasks.start_soon(self._guarded, work)
            tasks.start_soon(self._guarded, self._receive, link)
            tasks.start_soon(self._guarded, self._watch_duration)
            with anyio.move_on_after(timeout_s):
                await self.ready.wait()
            if not self.ready.is_set():
                self.fail(NotReady(timeout_s))

    async def _receive(self, link: Link) -> None:
        async for signal in link.signals():
            if isinstance(signal, bytes):
                await self._conversation.inbound.receive(signal)
            else:
                self._news(signal)
        self.fail(LinkFailed(self._parts.transport[0], "the link ended without giving a reason"))

    def _news(self, signal: Signal) -> None:
        name = self._parts.transport[0]
        match signal:
            case AvatarJoined():
                self._become_ready()
            case AvatarLeft():
                self.finish("duration" if self._remaining_s() <= _NEARLY_S else "avatar_left")
            case LinkDown(reason=reason) if self._lost_at is None:
                self._lost_at = self._clock()
                self._conversation.outbox.shut()
                self._channel.post(LinkLost(transport=name, reason=reason))
            case LinkUp() if self._lost_at is not None:
                lost_s, self._lost_at = self._clock() - self._lost_at, None
                self._channel.post(LinkRestored(transport=name, lost_s=lost_s))
                if self.ready.is_set():
                    self._conversation.outbox.open()
            case LinkClosed(reason=reason):
                self.fail(LinkFailed(name, reason))
            case _:
                pass

    def _become_ready(self) -> None:
        if self.ready.is_set() or self._avatar is None:
            return
        waited_s = self._clock() - self._created_at
        self._channel.post(SessionReady(akool_session_id=self._avatar.id, waited_s=waited_s))
        self._conversation.avatar_is_there()
        self.ready.set()
        self.settled.set()

    async def _watch_duration(self) -> None:
        if self._avatar is None or self._parts.request.duration is None:
            return
        await anyio.sleep(max(self._remaining_s() - self._parts.timing.expiring_before_s, 0.0))
        remaining_s = max(self._remaining_s(), 0.0)
        self._channel.post(SessionExpiring(akool_session_id=self._avatar.id, remaining_s=remaining_s))
        await anyio.sleep(remaining_s)
        self.finish("duration")

    def _remaining_s(self) -> float:
        duration_s = self._parts.request.duration
        return math.inf if duration_s is None else self._created_at + duration_s - self._clock()

    async def _close(self) -> None:
        """Give the session back, then tell the end."""
        self._conversation.shut()
        used_s = self._clock() - self._created_at if self._avatar is not None else 0.0
        akool_id = self._avatar.id if self._avatar is not None else ""
        if self._avatar is not None:
            timeout_s = self._parts.timing.close_timeout_s
            try:
                with anyio.fail_after(timeout_s):
                    await self._parts.service.close(akool_id)
            except Exception as error:  # noqa: BLE001 - the end is told in any case, with this as its reason
                why = f"no answer within {timeout_s:g} s" if isinstance(error, TimeoutError) else str(error)
                self.failure = SessionUnclosed(akool_id, why, self.failure)
        self._channel.post(self._last_event(akool_id, used_s))
        await self._channel.aclose()

    def _last_event(self, akool_id: str, used_s: float) -> Event:
        failure = self.failure
        if failure is None:
            return SessionEnded(akool_session_id=akool_id, reason=self._reason or "closed", seconds_used=used_s)
        ours = isinstance(failure, AkoolflowError)
        reason = str(failure) if ours else f"{type(failure).__name__}: {failure}"
        code = failure.code if isinstance(failure, ServiceRefused) else None
        return SessionFailed(akool_session_id=akool_id, reason=reason, code=code, seconds_used=used_s)
