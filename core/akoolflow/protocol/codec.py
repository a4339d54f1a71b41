"""Frames in, messages out, and back; long text cut into frames as full as the link allows. No socket, no clock.

The order of a message's pieces is `reassembly`'s business, the time at which a frame may leave `pacing`'s.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct

from akoolflow.errors import CommandTooBig, FrameRejected, FrameTooSmall, TextEmpty
from akoolflow.protocol.breaks import breaks, fitting, last_before, mended, size_bytes
from akoolflow.protocol.wire import Chat, ChatPayload, Command, CommandPayload, Message

__all__ = ["MAX_INBOUND_BYTES", "Cut", "OutgoingChat", "chat_frames", "command_frame", "decode", "encode"]

MAX_INBOUND_BYTES: Final = 256 * 1024
"""Far above what any of the three rooms can carry in one packet."""

_decode: Callable[[bytes], Message] = msgspec.json.Decoder(Message).decode
_encode = msgspec.json.Encoder().encode


# -- in ----------------------------------------------------------------------------------------


def decode(frame: bytes) -> Message:
    """Read one frame. Half a surrogate pair, as clients that cut by UTF-16 units send it, becomes U+FFFD.

    :raises FrameRejected: not_json, not_utf8, not_object, version, type, shape, empty or too_big; `detail` never
        quotes the frame.
    """
    if len(frame) > MAX_INBOUND_BYTES:
        raise FrameRejected("too_big", f"{len(frame)} B; at most {MAX_INBOUND_BYTES} B are read")
    try:
        return _decode(frame)
    except _FAULTS:
        repaired = _LONE_SURROGATE.sub(lambda match: match[1] or rb"\ufffd", frame)
    try:
        return _decode(repaired)
    except _FAULTS as error:
        fault = str(error)
    # Raised out here, without a cause: the cause may quote what people said.
    raise _rejection(repaired, fault)


_FAULTS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_RULES: Final[dict[type[Exception], str]] = {
    UnicodeDecodeError: "not_utf8",
    msgspec.DecodeError: "not_json",
    msgspec.ValidationError: "not_object",
    RecursionError: "shape",
}
_TYPES: Final = frozenset({b'"chat"', b'"command"', b'"event"'})
_LONE_SURROGATE: Final = re.compile(
    rb"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)


class _Envelope(Struct):
    v: Raw = Raw(b"nothing")
    type: Raw = Raw(b"nothing")


_open_envelope = msgspec.json.Decoder(_Envelope).decode


def _rejection(frame: bytes, fault: str) -> FrameRejected:
    """Which rule was broken, the most telling one first: a frame of another version is not blamed for its shape."""
    if not frame.strip():
        return FrameRejected("empty", "nothing in it")
    try:
        frame.decode()
        envelope = _open_envelope(frame)
    except _FAULTS as error:
        return FrameRejected(_RULES[type(error)], str(error))
    if bytes(envelope.v) != b"2":
        return FrameRejected("version", "`v` is missing or not 2")
    if bytes(envelope.type) not in _TYPES:
        return FrameRejected("type", "`type` is missing or none of chat, command, event")
    what, _, where = fault.partition(" - at ")
    if what.startswith("Invalid"):  # "Invalid value 'what somebody said'"
        what = "invalid value"
    return FrameRejected("shape", f"{what} - at {where or '`$`'}")


# -- out ---------------------------------------------------------------------------------------


def encode(message: Message) -> bytes:
    """Raw UTF-8, as the service's own clients send it: no escapes where UTF-8 is shorter."""
    try:
        return _encode(message)
    except UnicodeEncodeError:
        return _encode(_cleaned(msgspec.to_builtins(message), keep_empty=True))


def command_frame(mid: str, cmd: str, data: Mapping[str, Any] | Struct | None, max_bytes: int) -> bytes:
    """One command in one frame; what is None or empty in `data` is left out, at any depth, False and 0 are not.

    :raises CommandTooBig: naming the biggest field, such as `vparams.pron_map`.
    """
    kept = _cleaned(data) or {}
    payload = CommandPayload(cmd=cmd, data=kept or UNSET)
    frame = encode(Command(v=2, pld=payload, mid=mid))
    if len(frame) > max_bytes:
        raise CommandTooBig(cmd, len(frame), max_bytes, _biggest_field(kept))
    return frame


def chat_frames(text: str, mid: str, max_bytes: int) -> list[bytes]:
    """All frames of a text that is known as a whole.

    :raises TextEmpty: there is none.
    :raises FrameTooSmall: see `OutgoingChat`.
    """
    if not text:
        raise TextEmpty
    chat = OutgoingChat(mid, max_bytes)
    chat.feed(text)
    chat.finish()
    return [cut.frame for cut in iter(chat.next_frame, None)]


def _cleaned(value: Any, *, keep_empty: bool = False) -> Any:
    match value:
        case str():
            return mended(value)
        case Mapping():
            items = ((mended(str(key)), _cleaned(item, keep_empty=keep_empty)) for key, item in value.items())
            return {key: item for key, item in items if keep_empty or item not in (None, "", {}, [])}
        case list() | tuple():
            return [_cleaned(item, keep_empty=keep_empty) for item in value]
        case Struct():
            return _cleaned(msgspec.to_builtins(value), keep_empty=keep_empty)
    return value


def _biggest_field(data: Mapping[str, Any]) -> str:
    path: list[str] = []
    level: Any = data
    # Two levels are the service's own names; what is below, such as an entry of pron_map, is the user's.
    while isinstance(level, Mapping) and level and len(path) < 2:
        name, level = max(level.items(), key=lambda item: len(_encode(item[1])))
        path.append(name)
    return ".".join(path) or "mid"


# -- chat in pieces ----------------------------------------------------------------------------


class Cut(Struct, frozen=True, gc=False):
    """One frame that may leave, and the text that it carries."""

    frame: bytes
    text: str
    idx: int
    fin: bool


class OutgoingChat:
    """One outgoing message, fed as the text comes. Text waits here until the link can take a frame, so that pieces
    merge into full ones; take a frame only when it can leave.

    A frame ends at the end of a sentence, else of a word, if that costs less than 5 % of the frame, never within a
    code point, and within a grapheme cluster only if that is bigger than a frame. Until `finish` the last word is
    held back: it may go on, and the last frame has to have text.

    :raises FrameTooSmall: `max_bytes` is too small for any character; from `next_frame`, for the next one.
    """

    def __init__(self, mid: str, max_bytes: int) -> None:
        self.mid, self.max_bytes = mid, max_bytes
        envelope = encode(Chat(v=2, idx=0, fin=False, pld=ChatPayload(""), mid=mid))
        self._envelope_bytes = len(envelope) - len("0")
        if max_bytes < len(envelope):  # `true` is a byte shorter than `false`: room for one in a message of one frame
            raise FrameTooSmall(max_bytes, len(envelope))
        self._idx = 0
        self._finished = False
        self._half = ""  # of a surrogate pair, whose other half may be in the next piece
        self._fed: list[str] = []
        self._text, self._start = "", 0  # joined from `_fed` when it runs short; what is before `_start` has left
        self._waiting = 0

    @property
    def pending(self) -> int:
        """Characters that wait."""
        return self._waiting + len(self._half)

    @property
    def done(self) -> bool:
        """Finished, and everything has left."""
        return self._finished and not self._waiting

    def feed(self, text: str) -> None:
        if self._finished:
            raise RuntimeError("fed after finish(); begin another message")
        text, self._half = self._half + text, ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        if text:
            self._fed.append(mended(text))
            self._waiting += len(self._fed[-1])

    def finish(self) -> None:
        """No more text. A message that was never fed is done without a frame."""
        half, self._half = self._half, ""
        if half:
            self.feed("\ufffd")
        self._finished = True

    def next_frame(self) -> Cut | None:
        """The next frame; None if nothing may leave before more is fed or the message is finished."""
        text = self._window()
        whole = len(text) == self._waiting
        needed_bytes = size_bytes(text)
        room_bytes = self.max_bytes - self._envelope_bytes - len(str(self._idx))
        if whole and self._finished and needed_bytes <= room_bytes + 1:
            return self._leave(text, fin=True) if text else None
        slack_bytes = self.max_bytes // 20
        if whole and not self._finished and needed_bytes <= room_bytes:
            places = breaks(text, 0, len(text) - 1)
            return self._leave(text[: last_before(text, places, places[-1].end, slack_bytes)]) if places else None
        stop = fitting(text, room_bytes)
        if not stop:
            raise FrameTooSmall(self.max_bytes, self.max_bytes - room_bytes + size_bytes(text[0]))
        slack_bytes -= room_bytes - size_bytes(text[:stop])
        # A few characters more, since a sentence's end begins before the space that follows it.
        places = breaks(text, max(0, stop - slack_bytes - 8), stop)
        return self._leave(text[: last_before(text, places, stop, slack_bytes)])

    def _window(self) -> str:
        """As much of the text as can matter: one byte at least for each character."""
        if self._fed and len(self._text) - self._start < self.max_bytes:
            self._text, self._start = self._text[self._start :] + "".join(self._fed), 0
            self._fed.clear()
        return self._text[self._start : self._start + self.max_bytes]

    def _leave(self, text: str, *, fin: bool = False) -> Cut:
        idx = self._idx
        frame = encode(Chat(v=2, idx=idx, fin=fin, pld=ChatPayload(text), mid=self.mid))
        self._idx += 1
        self._start += len(text)
        self._waiting -= len(text)
        return Cut(frame, text, idx, fin)
