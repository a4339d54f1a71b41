"""A service, a clock and a way to die, for tests of leases."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import anyio
import anyio.lowlevel
from msgspec import Struct

from akoolflow.contracts import AvatarSession, SessionRequest
from akoolflow.errors import AnswerLost, ServiceRefused, ServiceUnreachable
from akoolflow.leases.book import LeaseBook
from akoolflow.leases.clock import Instant, now
from akoolflow.leases.lease import Ask, payer_of

PAYER = payer_of("http://service.test", "key")
OTHER_PAYER = payer_of("http://service.test", "other key")
AVATAR = "avatar"
NOON = 1_700_049_600.0
"""12:00 UTC of some day."""

Answer: TypeAlias = Literal["yes", "no", "lost", "lost, nothing opened", "unsent", "never", "bug"]


def request(avatar_id: str = AVATAR, duration: float | None = 600) -> SessionRequest:
    return SessionRequest(avatar_id=avatar_id, stream_type="livekit", duration=duration)


def ask(avatar_id: str = AVATAR, duration_s: float | None = 600, **changes: Any) -> Ask:
    fields: dict[str, Any] = {"payer": PAYER, "stream_type": "livekit"} | changes
    return Ask(avatar_id=avatar_id, duration_s=duration_s, **fields)


class Listed(Struct, frozen=True):
    """A session as the service's list has it."""

    id: str
    stream_type: str = "livekit"
    avatar_id: str = ""


class FakeService:
    """Opens sessions and keeps count. `answers` says how the next creates go; after those, all go well."""

    def __init__(
        self, *answers: Answer, tells_avatar: bool = False, id_time: Callable[[], float] | None = None
    ) -> None:
        self.answers = deque(answers)
        self.open: dict[str, Listed] = {}
        self.created: list[str] = []
        self.closed: list[str] = []
        self.lists = 0
        self.close_fault: Exception | None = None
        self.list_fault: Exception | None = None
        self.waiting = anyio.Event()
        """A create hangs."""
        self._tells_avatar, self._id_time = tells_avatar, id_time

    def open_one(self, avatar_id: str = AVATAR) -> str:
        """A session, whoever it was that asked for it."""
        session_id = hashlib.blake2b(str(len(self.created)).encode(), digest_size=12).hexdigest()
        if self._id_time is not None:
            session_id = f"{int(self._id_time()):08x}{session_id[8:]}"
        self.created.append(session_id)
        self.open[session_id] = Listed(session_id, avatar_id=avatar_id if self._tells_avatar else "")
        return session_id

    async def create(self, request: SessionRequest) -> AvatarSession:
        await anyio.lowlevel.checkpoint()
        answer = self.answers.popleft() if self.answers else "yes"
        if answer == "no":
            raise ServiceRefused(1215, "busy")
        if answer == "unsent":
            raise ServiceUnreachable("session/create", "no route")
        if answer == "bug":
            raise RuntimeError("a bug")
        if answer != "lost, nothing opened":
            session_id = self.open_one(request.avatar_id)
        if answer.startswith("lost"):
            raise AnswerLost("session/create", "reset")
        if answer == "never":
            self.waiting.set()
            await anyio.sleep_forever()
        return AvatarSession(id=session_id, stream_type=request.stream_type, credentials={})

    async def close(self, session_id: str) -> None:
        await anyio.lowlevel.checkpoint()
        if self.close_fault is not None:
            raise self.close_fault
        self.closed.append(session_id)
        self.open.pop(session_id, None)

    async def open_sessions(self) -> Sequence[Listed]:
        await anyio.lowlevel.checkpoint()
        self.lists += 1
        if self.list_fault is not None:
            raise self.list_fault
        return list(self.open.values())


class FakeClock:
    """Moves when told. `unix_s` may be set to anything; `boot_s` only goes on."""

    def __init__(self, unix_s: float = NOON) -> None:
        self.unix_s, self.boot_s, self.boot_id = unix_s, 1000.0, now().boot_id or "boot"

    def __call__(self) -> Instant:
        return Instant(self.unix_s, self.boot_s, self.boot_id)

    def advance(self, seconds: float) -> None:
        self.unix_s += seconds
        self.boot_s += seconds

    def reboot(self, after_s: float = 60.0) -> None:
        """A power cut."""
        self.unix_s += after_s
        self.boot_s, self.boot_id = 10.0, self.boot_id + "'"


def die(book: LeaseBook) -> None:
    """What a kill -9 leaves of an open book: its leases, and a lock that nobody has."""
    ledger = book._open
    if ledger._claim is not None:
        ledger._claim.release()
        ledger._claim = None
    ledger._db.close()
    book._ledger = None
