"""What leaves for the room: commands ahead of speech, paced, and nothing of a turn that was cut off."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

import anyio

from akoolflow.contracts import Link
from akoolflow.protocol.codec import Cut, OutgoingChat
from akoolflow.protocol.pacing import Limits, Pacer

__all__ = ["Outbox", "Speech"]

_SMALLEST_FRAME_BYTES: Final = 100
"""About the envelope and a word: speech is cut when at least this much may leave, so that text gathers until then."""
_MOST_WAITING_CHARS: Final = 16_000
"""A brain that speaks faster than the link waits while this much of its text is queued."""


class Speech:
    """One answer on its way out: fed by a brain, cut into frames by the outbox."""

    def __init__(self, chat: OutgoingChat) -> None:
        self.chat = chat
        self.on_sent: Callable[[Cut], None] | None = None
        """Called with each cut when the link is given it."""
        self.all_sent = anyio.Event()
        self.room = anyio.Event()

    @property
    def full(self) -> bool:
        return self.chat.pending > _MOST_WAITING_CHARS

    def after_cut(self) -> None:
        if not self.full:
            self.room.set()
        if self.chat.done:
            self.all_sent.set()


class Outbox:
    """One for each conversation. What is queued before a link is attached and opened waits."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._link: Link | None = None
        self._pacer = Pacer(Limits())
        self.max_frame_bytes = Limits().max_frame_bytes
        self._commands: deque[tuple[bytes, Callable[[], None]]] = deque()
        self._speeches: deque[Speech] = deque()
        self._held: Cut | None = None
        """A frame that is cut but has to wait for the pace; it can still be thrown away."""
        self._changed = anyio.Event()
        self._open = False

    def attach(self, link: Link) -> None:
        self._link, self._pacer = link, Pacer(link.limits)
        self.max_frame_bytes = link.limits.max_frame_bytes

    def open(self) -> None:
        """The avatar hears: let frames leave."""
        self._open = True
        self.wake()

    def shut(self) -> None:
        """What is sent now would be lost: hold everything back."""
        self._open = False
        self.wake()

    def command(self, frame: bytes, sent: Callable[[], None]) -> None:
        """Queue a command ahead of all speech; `sent` is called when the link is given it."""
        self._commands.append((frame, sent))
        self.wake()

    def speak(self, speech: Speech) -> None:
        self._speeches.append(speech)
        self.wake()

    def silence(self) -> None:
        """Throw away all speech that has not left. Not a frame of it is sent after this returns."""
        self._speeches.clear()
        self._held = None

    def wake(self) -> None:
        self._changed.set()

    async def run(self) -> None:
        """Send until cancelled.

        :raises LinkFailed: the link is gone for good.
        """
        while True:
            self._changed = anyio.Event()
            delay_s = await self._send_next() if self._open else None
            if delay_s is None:
                await self._changed.wait()
            elif delay_s > 0:
                with anyio.move_on_after(delay_s):
                    await self._changed.wait()

    async def _send_next(self) -> float | None:
        """Send one frame if one may leave: 0.0. Else how long the next has to wait, or None if there is none."""
        if self._commands:
            frame, sent = self._commands[0]
            delay_s = self._pacer.delay_s(len(frame), self._clock(), urgent=True)
            if not delay_s:
                self._commands.popleft()
                sent()  # before the await: an answer may come before `send` returns
                await self._send(frame)
            return delay_s
        while self._speeches:
            speech = self._speeches[0]
            if self._held is None:
                delay_s = self._pacer.delay_s(_SMALLEST_FRAME_BYTES, self._clock())
                if delay_s and not speech.chat.done:
                    return delay_s
                self._held = speech.chat.next_frame()
            if self._held is not None:
                return await self._send_held(speech, self._held)
            if not speech.chat.done:
                return None
            speech.after_cut()
            self._speeches.popleft()
        return None

    async def _send_held(self, speech: Speech, cut: Cut) -> float:
        delay_s = self._pacer.delay_s(len(cut.frame), self._clock())
        if not delay_s:
            self._held = None
            if speech.on_sent is not None:
                speech.on_sent(cut)
            speech.after_cut()
            await self._send(cut.frame)
        return delay_s

    async def _send(self, frame: bytes) -> None:
        assert self._link is not None  # noqa: S101 - opened only after it was attached
        self._pacer.sent(len(frame), self._clock())
        await self._link.send(frame)
