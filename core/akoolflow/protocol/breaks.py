"""Where text may be cut: what it costs in a JSON string, where sentences, words and grapheme clusters end."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final

import msgspec

__all__ = ["Break", "breaks", "fitting", "last_before", "mended", "size_bytes"]

_encode = msgspec.json.Encoder().encode

# Spaces that are there to prevent a break are no end of a word.
_SPACE: Final = r"[^\S\u00a0\u2007\u202f]"
_CLOSING: Final = r"[\"'’”»)\]」』）】》〉]*+"  # noqa: RUF001 - other scripts' marks are meant
_STOP: Final = r"[.!?؟۔।॥]++"  # noqa: RUF001
_WIDE_STOP: Final = r"[。！？｡…]++"  # noqa: RUF001
_WIDE_COMMA: Final = r"[、，；：､]++"  # noqa: RUF001
_BREAK: Final = re.compile(
    rf"(?P<sentence>{_STOP}{_CLOSING}{_SPACE}++|{_WIDE_STOP}{_CLOSING}{_SPACE}*+)"
    rf"|{_WIDE_COMMA}{_CLOSING}{_SPACE}*+|{_SPACE}++"
)


def mended(text: str) -> str:
    """Halves of a surrogate pair joined, or replaced by U+FFFD where the other half is missing."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def size_bytes(text: str) -> int:
    """Bytes of the text within a JSON string, escapes included and quotes not."""
    return len(_encode(text)) - 2


def fitting(text: str, max_bytes: int) -> int:
    """How many characters fit, whole grapheme clusters if at least one does."""
    if text.isascii() and size_bytes(text) == len(text):
        stop = min(len(text), max_bytes)
    else:
        stop = bisect_right(range(1, len(text) + 1), max_bytes, key=lambda end: size_bytes(text[:end]))
    return _cluster_start(text, stop) or stop


class Break(msgspec.Struct, frozen=True, gc=False):
    """A place between two words: what is before it ends with the space or punctuation that follows a word."""

    end: int
    sentence: bool


def breaks(text: str, start: int, stop: int) -> list[Break]:
    """All breaks from `start` to `stop` inclusive, except after blank text."""
    blank = len(text) - len(text.lstrip())
    # One character more is looked at, to see whether a run of spaces goes on.
    return [
        Break(match.end(), match["sentence"] is not None or "\n" in match[0])
        for match in _BREAK.finditer(text, start, stop + 1)
        if blank < match.end() <= stop and _cluster_start(text[match.end() - 1 : match.end() + 1], 1) == 1
    ]


def last_before(text: str, places: list[Break], stop: int, slack_bytes: int) -> int:
    """The last end of a sentence, else of a word, that gives up at most `slack_bytes` before `stop`; else `stop`."""
    word = 0
    for place in reversed(places):
        if size_bytes(text[place.end : stop]) > slack_bytes:
            break
        if place.sentence:
            return place.end
        word = word or place.end
    return word or stop


def _cluster_start(text: str, position: int) -> int:
    """The nearest place at or before `position` that is within no grapheme cluster."""
    around = text[max(0, position - 1) : position + 1]
    if position == len(text) or (around.isascii() and around != "\r\n"):
        return position
    # Only now: plain ASCII never needs the tables, and they take 15 ms to import.
    from wcwidth import grapheme_boundary_before  # noqa: PLC0415

    return grapheme_boundary_before(text, position + 1)
