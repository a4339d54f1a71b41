"""Transport `local`: the simulated avatar's room, in this process. No network, no account."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final, Literal

import anyio
import anyio.lowlevel
from msgspec import Meta, Struct

from akoolflow.contracts import AvatarSession, Signal
from akoolflow.errors import LinkFailed, OptionInvalid
from akoolflow.hookspecs import hookimpl
from akoolflow.protocol.pacing import Limits
from akoolflow.registry import Registry
from akoolflow.simulator.room import Participant, Room

__all__ = ["Local", "LocalLink", "LocalOptions", "akoolflow_register"]

_NO_ROOM: Final = (
    "the session's credentials hold no room; it joins only what the in-process simulator opens: "
    'set service = "simulator" and no base_url in [session], or use = "agora", "livekit" or "trtc" in [transport]'
)
_JITTER_S: Final = 1e-6


class LocalOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits are Agora's by default, the tightest of the three, so that what runs here runs there; `inf` lifts one."""

    max_frame_bytes: Annotated[int, Meta(ge=1)] = 960
    """Larger frames are refused (960: the service's own web demo; the SDK takes 1024)."""
    bytes_per_s: Annotated[float, Meta(gt=0)] = 6000.0
    """Documented by the service."""
    frames_per_s: Annotated[float, Meta(ge=1)] = 30.0
    """Documented by Agora."""
    over_rate: Literal["lose", "raise"] = "lose"
    """A frame that comes too fast is lost and counted (what Agora does is not known), or refused (as TRTC does)."""
    join_timeout_s: Annotated[float, Meta(gt=0)] = 5.0
    """How long joining waits for a link that is down."""

    def __post_init__(self) -> None:
        if self.bytes_per_s < self.max_frame_bytes:
            message = f"{self.bytes_per_s:g} B/s would never let a frame of {self.max_frame_bytes} B pass"
            raise OptionInvalid("bytes_per_s", message, "raise it, or lower max_frame_bytes")


class _RateGate:
    """Whether a frame is within the limits, in any span of one second; refused frames do not count."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._passed: deque[tuple[float, int]] = deque()
        self._bytes = 0

    def passes(self, size_bytes: int, now: float) -> bool:
        while self._passed and now - self._passed[0][0] >= 1.0 - _JITTER_S:
            self._bytes -= self._passed.popleft()[1]
        if len(self._passed) + 1 > self._limits.frames_per_s or self._bytes + size_bytes > self._limits.bytes_per_s:
            return False
        self._passed.append((now, size_bytes))
        self._bytes += size_bytes
        return True


class LocalLink:
    """A `Link` into an in-process room."""

    def __init__(self, participant: Participant, limits: Limits, over_rate: Literal["lose", "raise"]) -> None:
        self.limits: Final = limits
        self.refused: Counter[str] = Counter()
        """Frames that were not carried, by reason: `too_big`, `over_rate`."""
        self._participant, self._over_rate = participant, over_rate
        self._gate = _RateGate(limits)

    async def send(self, frame: bytes) -> None:
        """While the link is down it waits. The frame is handed over before anything else can run.

        :raises LinkFailed: the room is gone for good.
        :raises ValueError: the frame is over a limit, as an SDK would say.
        """
        if len(frame) > self.limits.max_frame_bytes:
            self.refused["too_big"] += 1
            raise ValueError(f"a frame of {len(frame)} B; this link carries at most {self.limits.max_frame_bytes} B")
        await anyio.lowlevel.checkpoint_if_cancelled()
        await self._participant.reachable()
        if self._gate.passes(len(frame), anyio.current_time()):
            self._participant.hand_over(frame)
        else:
            self.refused["over_rate"] += 1
            if self._over_rate == "raise":
                raise ValueError(f"a frame too many: this link carries {self._rates()}")
        # Others get their turn, and no cancellation makes the caller believe that the frame has not left.
        await anyio.lowlevel.cancel_shielded_checkpoint()

    def signals(self) -> AsyncIterator[Signal]:
        return self._participant

    def _rates(self) -> str:
        return f"{self.limits.bytes_per_s:g} B and {self.limits.frames_per_s:g} frames in any second"


class Local:
    """Joins the rooms that the in-process simulator opens."""

    def __init__(self, options: LocalOptions) -> None:
        self._options = options
        self._limits = Limits(
            max_frame_bytes=options.max_frame_bytes,
            bytes_per_s=options.bytes_per_s,
            frames_per_s=options.frames_per_s,
        )

    @asynccontextmanager
    async def open(self, session: AvatarSession) -> AsyncIterator[LocalLink]:
        """:raises LinkFailed: the session is not the in-process simulator's, its room is closed, or out of reach."""
        room = session.credentials.get("room")
        if not isinstance(room, Room):
            raise LinkFailed("local", _NO_ROOM)
        participant = room.enter()
        try:
            with anyio.move_on_after(self._options.join_timeout_s) as waiting:
                await participant.reachable()
            if waiting.cancelled_caught:
                raise LinkFailed("local", f"the room was out of reach for {self._options.join_timeout_s:g} s")
            yield LocalLink(participant, self._limits, self._options.over_rate)
        finally:
            room.leave(participant)


@hookimpl
def akoolflow_register(registry: Registry) -> None:
    registry.transports.add("local", LocalOptions, Local)
