"""Where the console writes: a terminal, a pipe or a file, that may be slow, may go away, and must not be hurt."""

from __future__ import annotations

import errno
import os
import select
import sys
from typing import Final, TextIO

import anyio

__all__ = ["INDENT", "Screen", "harmless"]

INDENT: Final = 8
"""Columns before the text; further lines of a text begin there, too, so that none looks like a speaker's."""
_UNSAFE: Final[dict[int, str]] = {
    code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    for first, last in [(0x00, 0x1F), (0x7F, 0x9F), (0x061C, 0x061C), (0x2028, 0x202E), (0x2066, 0x2069)]
    for code in range(first, last + 1)
} | {0x09: " ", 0x0A: "\n" + " " * INDENT}
"""Control characters, and those that turn the direction of text: made visible, never obeyed by the terminal."""
_COLOURS: Final = {"you": "36", "avatar": "32", "quiet": "2", "trouble": "33"}
_RETRY_S: Final = 0.02
_PART_CHARS: Final = select.PIPE_BUF // 4
"""What a stream that is ready takes without blocking; four bytes are the most that UTF-8 needs."""


def harmless(text: str) -> str:
    return text.replace("\r\n", "\n").translate(_UNSAFE)


class Screen:
    def __init__(self, stream: TextIO | None) -> None:
        self._given = stream
        self.gone = False
        """True once nobody reads any more; writing is then in vain, and quiet."""

    def paint(self, style: str, text: str) -> str:
        return f"\x1b[{_COLOURS[style]}m{text}\x1b[0m" if text and self._coloured() else text

    async def write(self, text: str) -> None:
        stream = self._stream
        if stream is None or self.gone or not text:
            return
        encoding = getattr(stream, "encoding", None) or "utf-8"
        text = text.encode(encoding, "backslashreplace").decode(encoding)
        try:
            for start in range(0, len(text), _PART_CHARS):
                part = text[start : start + _PART_CHARS]
                await _room(stream)
                stream.write(part)
                if _shows_parts(stream) or part.endswith("\n"):
                    stream.flush()
        except BrokenPipeError:
            self.gone = True
        except (OSError, ValueError) as error:
            # EIO: the terminal was hung up. ValueError: the stream was closed by its owner.
            self.gone = stream.closed or getattr(error, "errno", None) == errno.EIO
            if not self.gone:
                raise

    @property
    def _stream(self) -> TextIO | None:
        # Looked up each time: prompt_toolkit puts a stream of its own there while the user can type.
        return self._given if self._given is not None else sys.stdout

    def _coloured(self) -> bool:
        # The order is that of Python's own tools; see no-color.org and force-color.org.
        if os.environ.get("NO_COLOR"):
            return False
        if os.environ.get("FORCE_COLOR"):
            return True
        stream = self._stream
        try:
            return os.environ.get("TERM") != "dumb" and stream is not None and stream.isatty()
        except ValueError:  # closed
            return False


async def _room(stream: TextIO) -> None:
    """Wait until the stream takes a part: a reader that stands still must not stop every session."""
    try:
        number = stream.fileno()
    except (AttributeError, OSError, ValueError):
        return
    ready = select.poll()
    ready.register(number, select.POLLOUT)
    while not ready.poll(0):
        try:
            await anyio.wait_writable(number)
        except anyio.BusyResourceError:  # another console waits for the same stream
            await anyio.sleep(_RETRY_S)


def _shows_parts(stream: TextIO) -> bool:
    # prompt_toolkit draws its prompt over an unfinished line, so its proxy gets whole lines.
    return not hasattr(stream, "original_stdout")
