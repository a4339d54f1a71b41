"""Chat pieces put in order, as the service presumably does it: nothing about this is documented."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from akoolflow.errors import FrameRejected
from akoolflow.protocol.wire import Chat

__all__ = ["Piece", "Pieces"]

_MAX_OPEN: Final = 64
"""Messages begun and not ended; the first piece of one more is refused."""
_MAX_AHEAD: Final = 256
"""Pieces of one message held for a missing one; further ones are refused."""
_MAX_ENDED: Final = 1024
"""Mids remembered so that a straggler does not begin anew; the oldest is forgotten."""


class Piece(Struct, frozen=True):
    """The next text of a message, in order."""

    mid: str
    text: str
    fin: bool


class _Open(Struct):
    expected: int = 0
    ahead: dict[int, Chat] = {}
    gap_at: float | None = None
    fin_at: float = 0.0


class Pieces:
    """Chats in, ordered pieces out; a gap is skipped, and a missing end supplied, when its time is up."""

    def __init__(self, *, gap_s: float, fin_s: float) -> None:
        self._gap_s, self._fin_s = gap_s, fin_s
        self._open: dict[str, _Open] = {}
        self._ended: dict[str, None] = {}

    def put(self, chat: Chat, now: float) -> list[Piece]:
        """Take one piece; give what can now be said.

        :raises FrameRejected: rules `after_end`, `duplicate`, `overflow`.
        """
        if chat.mid in self._ended:
            raise FrameRejected("after_end", f"message {chat.mid} is over")
        if chat.mid not in self._open and len(self._open) >= _MAX_OPEN:
            raise FrameRejected("overflow", f"{_MAX_OPEN} messages are open")
        message = self._open.get(chat.mid) or _Open()
        if chat.idx < message.expected or chat.idx in message.ahead:
            raise FrameRejected("duplicate", f"message {chat.mid}, idx {chat.idx}")
        if len(message.ahead) >= _MAX_AHEAD and chat.idx != message.expected:
            raise FrameRejected("overflow", f"message {chat.mid}: {_MAX_AHEAD} pieces wait for idx {message.expected}")
        self._open[chat.mid] = message
        message.ahead[chat.idx] = chat
        message.fin_at = now + self._fin_s
        return self._in_order(chat.mid, message, now)

    @property
    def next_at(self) -> float | None:
        """When the next gap or missing end is to be dealt with."""
        return min((_due(message) for message in self._open.values()), default=None)

    def expire(self, now: float) -> list[Piece]:
        """Skip the gaps and end the messages whose time is up."""
        pieces: list[Piece] = []
        for mid, message in [*self._open.items()]:
            if _due(message) > now:
                continue
            if message.ahead:
                message.expected = min(message.ahead)
                message.gap_at = None
                pieces += self._in_order(mid, message, now)
            else:
                self._end(mid)
                pieces.append(Piece(mid, "", fin=True))
        return pieces

    def drop(self) -> None:
        """Forget all open messages; their stragglers are `after_end`."""
        for mid in [*self._open]:
            self._end(mid)

    def _in_order(self, mid: str, message: _Open, now: float) -> list[Piece]:
        pieces: list[Piece] = []
        while (chat := message.ahead.pop(message.expected, None)) is not None:
            pieces.append(Piece(mid, chat.pld.text, fin=chat.fin))
            message.expected += 1
            message.gap_at = None
            if chat.fin:
                self._end(mid)
                return pieces
        if message.ahead and message.gap_at is None:
            message.gap_at = now + self._gap_s
        return pieces

    def _end(self, mid: str) -> None:
        del self._open[mid]
        self._ended[mid] = None
        if len(self._ended) > _MAX_ENDED:
            del self._ended[next(iter(self._ended))]


def _due(message: _Open) -> float:
    return message.fin_at if message.gap_at is None else message.gap_at
