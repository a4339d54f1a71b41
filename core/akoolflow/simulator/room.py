"""A room in this process: the simulated avatar, driven by the event loop's clock, and the people who talk to it."""

from __future__ import annotations

from collections import deque
from typing import Final

import anyio

from akoolflow.contracts import AvatarJoined, AvatarLeft, LinkClosed, LinkDown, LinkUp, Signal
from akoolflow.errors import LinkFailed
from akoolflow.simulator.avatar import Avatar, AvatarState

__all__ = ["MAX_WAITING_SIGNALS", "Participant", "Room"]

MAX_WAITING_SIGNALS: Final = 1024
"""What waits for a participant to take it. Frames beyond are lost and counted, as in a client SDK's full queue; news of
the room always gets in."""


class Participant:
    """Somebody in the room beside the avatar: what an SDK's client object would be. Made by `Room.enter`."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._inbox: deque[Signal] = deque()
        self._news = anyio.Event()
        self._reachable = anyio.Event()
        self._reachable.set()
        self.closed: str | None = None
        """Why the room is gone for this participant; None while it is there."""
        self.lost_frames = 0
        """Frames of the avatar that came while the link was down, or too fast to be taken."""
        self.seen: AvatarState = "absent"
        """What it has been told of the avatar."""

    async def reachable(self) -> None:
        """Wait until a frame can be handed over.

        :raises LinkFailed: the room is gone.
        """
        while self.closed is None and not self._reachable.is_set():
            await self._reachable.wait()
        if self.closed is not None:
            raise LinkFailed("local", self.closed)

    def hand_over(self, frame: bytes) -> None:
        """Give a frame to the avatar; frames do not go to other participants. Call it when `reachable`."""
        self._room.carry(frame)

    # Not an async generator: trio and asyncio differ in what becomes of one that is left before its end.
    def __aiter__(self) -> Participant:
        """What comes, in order; ends after `LinkClosed`."""
        return self

    async def __anext__(self) -> Signal:
        while not self._inbox:
            if self.closed is not None:
                raise StopAsyncIteration
            self._news = anyio.Event()
            await self._news.wait()
        return self._inbox.popleft()

    @property
    def cut_off(self) -> bool:
        return not self._reachable.is_set()

    def tell(self, signal: Signal) -> None:
        """For the room: lay a signal in the inbox."""
        if isinstance(signal, bytes) and (self.cut_off or len(self._inbox) >= MAX_WAITING_SIGNALS):
            self.lost_frames += 1
            return
        self._inbox.append(signal)
        self._news.set()
        if isinstance(signal, LinkDown):
            self._reachable = anyio.Event()
        elif isinstance(signal, LinkClosed):
            self.closed = signal.reason
        if isinstance(signal, LinkUp | LinkClosed):
            self._reachable.set()


class Room:
    """One avatar's room. `run` drives it; everything else is called from the same event loop, from any task."""

    def __init__(self, avatar: Avatar) -> None:
        self.avatar = avatar
        self.participants: list[Participant] = []
        self.closed: str | None = None
        """Why the room is no more; None while it is there."""
        self._down: str | None = None
        self._wake = anyio.Event()
        self._left: str | None = None

    async def run(self, *, joins_s: float, ends_s: float) -> None:
        """Let the avatar in at one time of the loop's clock and out at another. Returns when it has left.

        Sleeps until the avatar has something to do or somebody something to say; there is no polling.
        """
        while self._left is None:
            now = anyio.current_time()
            if now >= ends_s:
                self.dismiss("the session's duration is over")
                return
            if self.avatar.state == "absent" and now >= joins_s:
                self.avatar.join(now)
                self._show_avatar()
            self._deliver(now)
            self._wake = anyio.Event()
            times = (self.avatar.next_at, ends_s, joins_s if self.avatar.state == "absent" else None)
            with anyio.CancelScope(deadline=min(at for at in times if at is not None)):
                await self._wake.wait()

    # -- for those in the room

    def enter(self) -> Participant:
        """:raises LinkFailed: the room is closed."""
        if self.closed is not None:
            raise LinkFailed("local", self.closed)
        participant = Participant(self)
        self.participants.append(participant)
        if self._down is not None:
            participant.tell(LinkDown(self._down))
        self._show_avatar()
        return participant

    def leave(self, participant: Participant) -> None:
        """Does nothing for one who is out already."""
        self._part(participant, "left")

    def carry(self, frame: bytes) -> None:
        """A frame for the avatar; lost if it is not there."""
        self.avatar.receive(frame, anyio.current_time())
        self._wake.set()

    def hear(self, text: str) -> None:
        """The user has just finished saying this into the microphone."""
        self.avatar.hear(text, anyio.current_time())
        self._wake.set()

    # -- for those who run it, or want to see it fail

    def dismiss(self, reason: str) -> None:
        """Send the avatar out; the others stay."""
        if self._left is None:
            now = anyio.current_time()
            self._deliver(now)
            self.avatar.leave(now)
            self._left = reason
            self._show_avatar()
            self._wake.set()

    def drop_link(self, reason: str = "the network is gone") -> None:
        """Cut everybody off for now: their frames wait, the avatar's are lost, and it talks on (our guess)."""
        if self._down is None:
            self._down = reason
            self._tell_all(LinkDown(reason))

    def restore_link(self) -> None:
        if self._down is not None:
            self._down = None
            self._tell_all(LinkUp())
            self._show_avatar()

    def kick(self, reason: str = "removed from the room") -> None:
        """Put everybody but the avatar out for good."""
        for participant in [*self.participants]:
            self._part(participant, reason)

    def close(self, reason: str = "the room was closed") -> None:
        """The room is no more: the avatar leaves, everybody is put out, nobody can enter."""
        self.dismiss(reason)
        self.kick(reason)
        self.closed = self.closed or reason

    def _deliver(self, now: float) -> None:
        for frame in self.avatar.poll(now):
            self._tell_all(frame)

    def _tell_all(self, signal: Signal) -> None:
        for participant in self.participants:
            participant.tell(signal)

    def _show_avatar(self) -> None:
        for participant in self.participants:
            if participant.seen != self.avatar.state and not participant.cut_off:
                participant.seen = self.avatar.state
                participant.tell(AvatarJoined() if self._left is None else AvatarLeft(self._left))

    def _part(self, participant: Participant, reason: str) -> None:
        if participant in self.participants:
            self.participants.remove(participant)
            participant.tell(LinkClosed(reason))
