"""The simulated session service in this process: the pure model with a clock and rooms."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType, TracebackType
from typing import Self

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup

from akoolflow.contracts import AvatarSession, SessionRequest
from akoolflow.errors import ServiceRefused
from akoolflow.simulator.avatar import Avatar
from akoolflow.simulator.options import SimulatorOptions
from akoolflow.simulator.params import PARAMETER_ERROR, settings_of
from akoolflow.simulator.room import Room
from akoolflow.simulator.sessions import Service, SessionRecord, Status

__all__ = ["InProcessService"]


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
