"""The simulated session service: who may open a session, how long it lasts, what state it is in.

Pure: the time comes with each call.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter, deque
from collections.abc import Callable, Container
from typing import Final, Literal, TypeAlias

import msgspec
from msgspec import Struct

from akoolflow.contracts import SessionRequest
from akoolflow.errors import ServiceRefused
from akoolflow.simulator.options import SimulatorOptions
from akoolflow.simulator.params import PARAMETER_ERROR, settings_of

__all__ = ["FAILED", "OVER", "QUEUEING", "RUNNING", "Service", "SessionRecord", "Status"]

Status: TypeAlias = Literal[1, 2, 3, 4]
QUEUEING: Final = 1
RUNNING: Final = 2
OVER: Final = 3
FAILED: Final = 4
_OPEN: Final = frozenset({QUEUEING, RUNNING})

_STREAM_TYPES: Final = frozenset({"agora", "livekit", "trtc", "local"})
_UNKNOWN_AVATAR: Final = 1008
_UNKNOWN_SESSION: Final = 1216
_BUSY: Final = {1215: "liveAvatar busy", 1218: "liveAvatar processing error", 1237: "liveAvatar busy"}
_KEPT_RECORDS: Final = 10_000
"""Sessions that are over and still listed; of more the oldest are forgotten."""


class SessionRecord(Struct, frozen=True, kw_only=True):
    """One session as it stands. Times are those of the clock that the calls bring."""

    id: str
    number: int
    """From 1, in the order of creation."""
    owner: int = 0
    """The account's uid; 0 in process, where nobody pays."""
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

    def __init__(
        self,
        options: SimulatorOptions,
        *,
        records: dict[str, SessionRecord] | None = None,
        avatars: Container[str] | None = None,
        on_end: Callable[[SessionRecord], None] | None = None,
    ) -> None:
        """:param records: where sessions are kept; those already there go on.
        :param avatars: ids that sessions may be opened for; those of the options by default.
        :param on_end: called with each session as it ended, whoever or whatever ended it.
        """
        self._options, self._on_end = options, on_end
        self._avatars = options.avatars if avatars is None else avatars
        self._records = {} if records is None else records
        self._changes: list[tuple[float, str]] = []
        self._taken: Counter[str] = Counter()
        over = sorted((r for r in self._records.values() if r.status not in _OPEN), key=lambda record: record.ends_s)
        self._over = deque(record.id for record in over)
        self._created = max((record.number for record in self._records.values()), default=0)
        for record in self._records.values():
            if record.status in _OPEN:
                self._watch(record)

    def check(self, request: SessionRequest, now: float) -> None:
        """Whether `create` would open it.

        :raises ServiceRefused: as `create`.
        """
        self._advance(now)
        settings_of(request, self._options)
        if request.stream_type not in _STREAM_TYPES:
            raise ServiceRefused(PARAMETER_ERROR, f"parameter error: stream_type {request.stream_type!r}")
        self._admit(request.avatar_id)

    def create(self, request: SessionRequest, now: float, *, owner: int = 0) -> SessionRecord:
        """:raises ServiceRefused: 1003 for a wrong parameter, 1008 for an unknown avatar (both our guess), or the busy
        code of the options.
        """
        self.check(request, now)
        self._created += 1
        key = f"{self._options.seed}:{self._created}".encode()
        duration_s = self._options.default_duration_s if request.duration is None else request.duration
        record = SessionRecord(
            id=hashlib.blake2b(key, digest_size=12).hexdigest(),
            number=self._created,
            owner=owner,
            request=request,
            status=QUEUEING,
            created_s=now,
            joins_s=now + self._options.scaled_s(self._options.join_delay_s),
            ends_s=now + duration_s,
        )
        self._records[record.id] = record
        self._watch(record)
        return record

    def is_free(self, avatar_id: str, now: float) -> bool:
        """Whether the avatar could take one more session."""
        self._advance(now)
        return self._taken[avatar_id] < self._options.sessions_per_avatar

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
        if avatar_id not in self._avatars:
            hint = f"the simulator knows {', '.join(self._options.avatars)}; its option `avatars` names others"
            raise ServiceRefused(_UNKNOWN_AVATAR, f"content does not exist: avatar {avatar_id!r}", hint)
        if self._taken[avatar_id] >= self._options.sessions_per_avatar:
            code = self._options.busy_code
            hint = f"avatar {avatar_id} is in another session; close that one, or wait for its duration to end"
            raise ServiceRefused(code, _BUSY[code], hint)

    def _watch(self, record: SessionRecord) -> None:
        self._taken[record.request.avatar_id] += 1
        for at in (record.joins_s, record.ends_s):
            heapq.heappush(self._changes, (at, record.id))

    def _advance(self, now: float) -> None:
        while self._changes and self._changes[0][0] <= now:
            at, session_id = heapq.heappop(self._changes)
            record = self._records.get(session_id)
            if record is None:
                continue
            if at >= record.ends_s:
                # For one that was closed before, this does nothing.
                self._end(record, at, OVER)
            elif record.status == QUEUEING:
                self._records[session_id] = msgspec.structs.replace(record, status=RUNNING)

    def _end(self, record: SessionRecord, at: float, status: Status) -> bool:
        if record.status not in _OPEN:
            return False
        ended = self._records[record.id] = msgspec.structs.replace(record, status=status, ends_s=at)
        self._taken[record.request.avatar_id] -= 1
        if self._on_end is not None:
            self._on_end(ended)
        self._over.append(record.id)
        if len(self._over) > _KEPT_RECORDS:
            del self._records[self._over.popleft()]
        return True
