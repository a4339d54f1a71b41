"""Sink `jsonl`: every event as one line of JSON, appended to a file; what replay and analysis start from."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import stat
import string
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import anyio.to_thread
import msgspec
from msgspec import Struct

from akoolflow.bus import Inbox
from akoolflow.errors import OptionInvalid
from akoolflow.events import EVENT_TYPES, Event, EventsDropped, SessionEnded, SessionFailed
from akoolflow.hookspecs import hookimpl
from akoolflow.registry import Registry
from akoolflow.secret import masked
from akoolflow.toml.faults import nearest

__all__ = ["Jsonl", "JsonlOptions", "akoolflow_register"]

_PLACEHOLDERS: Final = ("session", "date")
_EVENT_NAMES: Final = tuple(event_type.__name__ for event_type in EVENT_TYPES)
_ENCODER: Final = msgspec.json.Encoder(enc_hook=masked)
_MOST_WAITING_BYTES: Final = 1 << 20
"""Lines kept for a disk that is full now; about 4000 events."""
_NEWLINE: Final = 0x0A
_MODE: Final = 0o600
"""Conversations are personal: the owner reads them, nobody else."""


class JsonlOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    path: Path
    """File to append to; its folder is made. `{session}` and `{date}` (UTC day of the session's first event) in the
    file's name give each session, or each day, a file of its own."""
    fsync: Literal["never", "end", "always"] = "end"
    """When the disk has to have it: left to the system, at each session's end, or after each event. A crash of this
    program loses no line in any case, a crash of the machine may."""
    events: tuple[str, ...] = ()
    """Names of the events to write; empty for all."""

    def __post_init__(self) -> None:
        for index, name in enumerate(self.events):
            if name not in _EVENT_NAMES:
                raise OptionInvalid(("events", index), f"no event is called {name!r}", nearest(name, _EVENT_NAMES))
        if not self.path.name:
            raise OptionInvalid("path", "no file name", 'for example "events.jsonl"')
        if any(f"{{{name}}}" in str(self.path.parent) for name in _PLACEHOLDERS):
            raise OptionInvalid("path", "a placeholder in a folder's name", "only the file's name may have them")
        try:
            pieces = list(string.Formatter().parse(self.path.name))
        except ValueError as error:
            raise OptionInvalid("path", f"{error}", "write {{ and }} for braces of the name") from error
        for _, placeholder, spec, conversion in pieces:
            if placeholder is not None and (placeholder not in _PLACEHOLDERS or spec or conversion):
                raise OptionInvalid("path", f"unknown placeholder {{{placeholder}}}", "known: {session}, {date}")


class Jsonl:
    """Several sessions at once; those that share a path share the file, their lines whole and in order."""

    inbox = Inbox(when_full="wait", max_wait_s=2.0)

    def __init__(self, options: JsonlOptions) -> None:
        self._options = options
        self._wanted = frozenset(options.events or _EVENT_NAMES)
        self._paths: dict[str, Path] = {}
        """Of the running sessions."""
        self._files: dict[Path, _Appender] = {}

    @hookimpl
    async def on_event(self, event: Event) -> None:
        """:raises OSError: the line is kept, and written before the next one."""
        session, fsync = event.session, self._options.fsync
        ended = isinstance(event, (SessionEnded, SessionFailed))
        # A last report of drops may come after the end; it must not open the session again.
        stray = isinstance(event, EventsDropped) and session not in self._paths
        file = self._file_of(session, event)
        try:
            if type(event).__name__ in self._wanted:
                file.append(_line(event))
            if fsync == "always" or (fsync == "end" and ended):
                await file.sync()
        finally:
            if ended or stray:
                self._leave(session, file)

    def _file_of(self, session: str, event: Event) -> _Appender:
        if session not in self._paths:
            path = self._paths[session] = _path_of(self._options.path, event)
            self._files.setdefault(path, _Appender(path)).users.add(session)
        return self._files[self._paths[session]]

    def _leave(self, session: str, file: _Appender) -> None:
        self._paths.pop(session, None)
        file.users.discard(session)
        if not file.users:
            file.close()
            if not file.waiting:
                self._files.pop(file.path, None)

    async def aclose(self) -> None:
        """Write what still waits and close every file.

        :raises OSError: one of them could not be written; the others are closed all the same.
        """
        failure: OSError | None = None
        for file in self._files.values():
            try:
                file.append(b"")
                if self._options.fsync != "never":
                    await file.sync()
            except OSError as error:
                failure = failure or error
            finally:
                file.close()
        self._files.clear()
        self._paths.clear()
        if failure is not None:
            raise failure


class _Appender:
    """One file, opened at its first line; what could not be written waits for the next try."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.users: set[str] = set()
        self.waiting = bytearray()
        self._lost = 0
        self._inside_line = False
        """True if the disk was full in the middle of a line; what waits begins with the rest of it."""
        self._number: int | None = None

    def append(self, line: bytes) -> None:
        if len(self.waiting) + len(line) <= _MOST_WAITING_BYTES:
            self.waiting += line
        else:
            self._lost += 1
        if not self.waiting:
            return
        try:
            if self._number is None:
                self._number = _open(self.path, inside_line=self._inside_line)
            while self.waiting:
                # Unbuffered: a crash of this program loses nothing, and a full disk shows at the line it stopped.
                count = os.write(self._number, self.waiting)
                self._inside_line = self.waiting[count - 1] != _NEWLINE
                del self.waiting[:count]
        except OSError as error:
            lost = f"; {self._lost} lines are lost" if self._lost else ""
            raise OSError(error.errno, f"{error.strerror}{lost}", str(self.path)) from error

    async def sync(self) -> None:
        if self._number is not None:
            await anyio.to_thread.run_sync(os.fsync, self._number)

    def close(self) -> None:
        number, self._number = self._number, None
        if number is not None:
            os.close(number)


def _open(path: Path, *, inside_line: bool) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    # O_NONBLOCK: a named pipe in this place is refused below, it must not stop the program before that.
    number = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, _MODE)
    try:
        size_bytes = _size(number)
        if size_bytes and not inside_line and os.pread(number, 1, size_bytes - 1)[0] != _NEWLINE:
            os.write(number, b"\n")  # a crash has cut the last line; it must not spoil ours
    except OSError:
        os.close(number)
        raise
    return number


def _size(number: int) -> int:
    status = os.fstat(number)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    return status.st_size


def _path_of(path: Path, event: Event) -> Path:
    day = datetime.fromtimestamp(event.unix_s, UTC).date().isoformat()
    return path.with_name(path.name.format(session=_file_name(event.session), date=day))


def _file_name(session: str) -> str:
    """Nothing that leaves the folder; ids that had to be changed stay apart by a hash."""
    if re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}", session):
        return session
    digest = hashlib.sha256(session.encode(errors="replace")).hexdigest()[:12]
    return re.sub(r"[^A-Za-z0-9_-]", "_", session)[:50] + f"-{digest}" if session else "no-session"


def _line(event: Event) -> bytes:
    try:
        return _ENCODER.encode(event) + b"\n"
    except UnicodeEncodeError:  # half a surrogate pair, as from a terminal with another encoding
        document = msgspec.to_builtins(event, enc_hook=masked)
        return json.dumps(document, ensure_ascii=False).encode(errors="replace") + b"\n"


@hookimpl
def akoolflow_register(registry: Registry) -> None:
    registry.sinks.add("jsonl", JsonlOptions, Jsonl)
