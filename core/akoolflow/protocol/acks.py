"""Which ack answers which command, and which commands went unanswered."""

from __future__ import annotations

import math
from collections import deque
from typing import Final

from msgspec import UNSET, Struct

from akoolflow.errors import FrameRejected
from akoolflow.protocol.wire import Command

__all__ = ["Acks", "Answer", "Expired"]

_REMEMBERED: Final = 64


class Answer(Struct, frozen=True):
    """An ack, with what is known of the command that it answers."""

    cmd: str
    """As the ack names it, else as it was sent; empty if neither is known."""
    mid: str
    """Of the command, if the ack fits one; else the ack's own."""
    code: int
    msg: str
    elapsed_s: float | None
    """Since the command left; None if the ack fits no command, or one that was answered before."""


class Expired(Struct, frozen=True):
    """A command without an answer."""

    cmd: str
    mid: str
    elapsed_s: float


class _Sent(Struct, frozen=True):
    cmd: str
    mid: str
    at_s: float


class Acks:
    """One for each session; `now` is in seconds of any clock that does not go back.

    An ack is matched by mid. The service is documented to echo it, but was not seen to do so for every command, so an
    ack with a mid that we never sent, or none, is taken for the oldest command of its name, and one without a name for
    the only command that waits. A command that expired is still found by its mid.
    """

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._waiting: dict[str, _Sent] = {}  # in the order of leaving
        self._expired: deque[_Sent] = deque(maxlen=_REMEMBERED)
        self._answered: deque[str] = deque(maxlen=_REMEMBERED)

    @property
    def next_deadline(self) -> float | None:
        """When the next command expires; None if none waits."""
        oldest = next(iter(self._waiting.values()), None)
        return oldest.at_s + self.timeout_s if oldest and self.timeout_s < math.inf else None

    def sent(self, mid: str, cmd: str, now: float) -> None:
        self._waiting.pop(mid, None)
        self._waiting[mid] = _Sent(cmd, mid, now)

    def answered(self, command: Command, now: float) -> Answer:
        """Match an ack.

        :raises FrameRejected: shape; without `code` it is a command, and those go the other way.
        """
        payload = command.pld
        if payload.code is UNSET:
            raise FrameRejected("shape", "Object missing required field `code` - at `$.pld`")
        cmd = "" if payload.cmd is UNSET else payload.cmd
        msg = "" if payload.msg is UNSET else payload.msg
        sent = self._match(command.mid, cmd)
        if sent is None:
            return Answer(cmd, command.mid, payload.code, msg, None)
        return Answer(cmd or sent.cmd, sent.mid, payload.code, msg, now - sent.at_s)

    def expire(self, now: float) -> list[Expired]:
        """Give up the commands whose deadline has come; each is reported once."""
        out: list[Expired] = []
        while (deadline := self.next_deadline) is not None and deadline <= now:
            sent = self._waiting.pop(next(iter(self._waiting)))
            self._expired.append(sent)
            out.append(Expired(sent.cmd, sent.mid, now - sent.at_s))
        return out

    def _match(self, mid: str, cmd: str) -> _Sent | None:
        sent = self._waiting.get(mid)
        if sent is None and mid and mid in self._answered:
            return None
        if sent is None:
            sent = next((late for late in self._expired if late.mid == mid), None)
        if sent is None:
            fitting = [waiting for waiting in self._waiting.values() if cmd in {waiting.cmd, ""}]
            sent = fitting[0] if fitting and (cmd or len(fitting) == 1) else None
        if sent is not None:
            self._waiting.pop(sent.mid, None)
            self._answered += (mid, sent.mid)
        return sent
