"""The simulated session service: who may open a session, how long it lasts, what state it is in.

`Service` is pure and takes the time with each call; `InProcessService` gives it a clock and rooms.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter, deque
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType, TracebackType
from typing import Final, Literal, Self, TypeAlias

import anyio
import anyio.lowlevel
import msgspec
from anyio.abc import TaskGroup
from msgspec import Struct

from akoolflow.contracts import AvatarSession, SessionRequest
from akoolflow.errors import ServiceRefused
from akoolflow.simulator.avatar import Avatar
from akoolflow.simulator.options import SimulatorOptions
from akoolflow.simulator.params import PARAMETER_ERROR, settings_of
from akoolflow.simulator.room import Room

__all__ = ["FAILED", "OVER", "QUEUEING", "RUNNING", "InProcessService", "Service", "SessionRecord", "Status"]

Status: TypeAlias = Literal[1, 2, 3, 4]
QUEUEING: Final = 1
RUNNING: Final = 2
OVER: Final = 3
FAILED: Final = 4

_STREAM_TYPES: Final = frozenset({"agora", "livekit", "trtc", "local"})
_UNKNOWN_AVATAR: Final = 1008
_UNKNOWN_SESSION: Final = 1216
_BUSY: Final = {1215: "liveAvatar busy", 1218: "liveAvatar processing error", 1237: "liveAvatar busy"}
_KEPT_RECORDS: Final = 10_000
"""Sessions that are over and still listed; of more the oldest are forgotten."""


class SessionRecord(Struct, frozen=True, kw_only=True):
    """One session as it stands. Times are those of the clock that the calls bring."""

    id: str
    request: SessionRequest
    status: Status
    """1 queueing, 2 running, 3 over, 4 failed (labels: documented; 1 until the avatar has joined: our guess)."""
    created_s: float
    joins_s: float
    """When the avatar comes into the room."""
    ends_s: float
    """When the paid duration is over; once it is over, when it really ended."""


class Service:
    """Opens, lists and ends sessions. `now` may never run backwards."""

    def __init__(self, options: SimulatorOptions) -> None:
        self._options = options
        self._records: dict[str, SessionRecord] = {}
        self._changes: list[tuple[float, str]] = []
        self._taken: Counter[str] = Counter()
        self._over: deque[str] = deque()
        self._created = 0

    def create(self, request: SessionRequest, now: float) -> SessionRecord:
        """:raises ServiceRefused: 1003 for a wrong parameter, 1008 for an unknown avatar (both our guess), or the busy
        code of the options.
        """
        self._advance(now)
        settings_of(request, self._options)
        if request.stream_type not in _STREAM_TYPES:
            raise ServiceRefused(PARAMETER_ERROR, f"parameter error: stream_type {request.stream_type!r}")
        self._admit(request.avatar_id)
        self._created += 1
        key = f"{self._options.seed}:{self._created}".encode()
        duration_s = self._options.default_duration_s if request.duration is None else request.duration
        record = SessionRecord(
            id=hashlib.blake2b(key, digest_size=12).hexdigest(),
            request=request,
            status=QUEUEING,
            created_s=now,
            joins_s=now + self._options.scaled_s(self._options.join_delay_s),
            ends_s=now + duration_s,
        )
        self._records[record.id] = record
        self._taken[request.avatar_id] += 1
        for at in (record.joins_s, record.ends_s):
            heapq.heappush(self._changes, (at, record.id))
        return record

    def close(self, session_id: str, now: float) -> bool:
        """End a session and free its avatar; False if it was over already.

        :raises ServiceRefused: 1216, there is no such session.
        """
        return self._end(self.detail(session_id, now), now, OVER)

    def fail(self, session_id: str, now: float) -> bool:
        """End a session because of the avatar; False if there is no such session, or it was over already."""
        self._advance(now)
        record = self._records.get(session_id)
        return record is not None and self._end(record, now, FAILED)

    def detail(self, session_id: str, now: float) -> SessionRecord:
        """:raises ServiceRefused: 1216, there is no such session."""
        self._advance(now)
        if session_id not in self._records:
            raise ServiceRefused(_UNKNOWN_SESSION, "liveAvatar session does not exist")
        return self._records[session_id]

    def sessions(self, now: float, *, status: Status | None = None) -> list[SessionRecord]:
        """All that are open, and those that are over as far as they are remembered; newest first."""
        self._advance(now)
        return [record for record in reversed(self._records.values()) if status in {None, record.status}]

    def _admit(self, avatar_id: str) -> None:
        if not avatar_id:
            raise ServiceRefused(PARAMETER_ERROR, "parameter error: avatar_id is missing")
        if avatar_id not in self._options.avatars:
            hint = f"the simulator knows {', '.join(self._options.avatars)}; its option `avatars` names others"
            raise ServiceRefused(_UNKNOWN_AVATAR, f"content does not exist: avatar {avatar_id!r}", hint)
        if self._taken[avatar_id] >= self._options.sessions_per_avatar:
            code = self._options.busy_code
            hint = f"avatar {avatar_id} is in another session; close that one, or wait for its duration to end"
            raise ServiceRefused(code, _BUSY[code], hint)

    def _advance(self, now: float) -> None:
        while self._changes and self._changes[0][0] <= now:
            at, session_id = heapq.heappop(self._changes)
            record = self._records.get(session_id)
            if record is None:
                continue
            if at >= record.ends_s:
                # For one that was closed before, this does nothing.
                self._end(record, at, OVER)
            else:
                self._records[session_id] = msgspec.structs.replace(record, status=RUNNING)

    def _end(self, record: SessionRecord, at: float, status: Status) -> bool:
        if record.status not in {QUEUEING, RUNNING}:
            return False
        self._records[record.id] = msgspec.structs.replace(record, status=status, ends_s=at)
        self._taken[record.request.avatar_id] -= 1
        self._over.append(record.id)
        if len(self._over) > _KEPT_RECORDS:
            del self._records[self._over.popleft()]
        return True


class InProcessService:
    """An `AvatarService` whose rooms are in this process: credentials hold the `Room` itself, under `room`.

    Use it in `async with`: on the way out every session ends and every room is closed.
    """

    def __init__(self, options: SimulatorOptions) -> None:
        self._options = options
        self._service = Service(options)
        self._rooms: dict[str, Room] = {}
        self._tasks: TaskGroup | None = None

    async def __aenter__(self) -> Self:
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        assert self._tasks is not None  # noqa: S101 - entered
        tasks, self._tasks = self._tasks, None
        for session_id, room in self._rooms.items():
            self._service.close(session_id, anyio.current_time())
            room.close("the simulator has ended")
        return await tasks.__aexit__(kind, error, traceback)

    @property
    def rooms(self) -> Mapping[str, Room]:
        """Rooms of the sessions that are open, by session id."""
        return MappingProxyType(self._rooms)

    def sessions(self, *, status: Status | None = None) -> list[SessionRecord]:
        return self._service.sessions(anyio.current_time(), status=status)

    def detail(self, session_id: str) -> SessionRecord:
        """:raises ServiceRefused: 1216, there is no such session."""
        return self._service.detail(session_id, anyio.current_time())

    async def create(self, request: SessionRequest) -> AvatarSession:
        """:raises ServiceRefused: as `Service.create`, and for any stream type but `local`."""
        if self._tasks is None:
            raise RuntimeError("the simulator is not running; use it inside its `async with` block")
        if request.stream_type != "local" or request.credentials:
            hint = "in process the simulator has rooms for transport `local` only, and brings them itself"
            raise ServiceRefused(PARAMETER_ERROR, f"parameter error: stream_type {request.stream_type!r}", hint)
        # The only await, and before the session exists: nobody can be cancelled between opening it and knowing it.
        await anyio.lowlevel.checkpoint()
        record = self._service.create(request, anyio.current_time())
        room = Room(Avatar(self._options, settings_of(request, self._options)))
        self._rooms[record.id] = room
        self._tasks.start_soon(self._host, record, room)
        return AvatarSession(id=record.id, stream_type="local", credentials={"room": room})

    async def close(self, session_id: str) -> None:
        """The avatar leaves; whoever else is in the room stays. Closing one that is over, or unknown, is no error."""
        with suppress(ServiceRefused):
            self._service.close(session_id, anyio.current_time())
        if (room := self._rooms.pop(session_id, None)) is not None:
            room.dismiss("the session was closed")
        await anyio.lowlevel.checkpoint()

    async def _host(self, record: SessionRecord, room: Room) -> None:
        await room.run(joins_s=record.joins_s, ends_s=record.ends_s)
        self._rooms.pop(record.id, None)
        # Whoever left before the session was over has failed it; for a session that is over this does nothing.
        self._service.fail(record.id, anyio.current_time())
