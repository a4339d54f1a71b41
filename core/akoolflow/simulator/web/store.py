"""What the simulator remembers, on disk: one SQLite file, written before each answer leaves."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from akoolflow.errors import OptionInvalid
from akoolflow.simulator.rest.backend import Shelves
from akoolflow.simulator.web.clock import Clock

__all__ = ["Store"]

_FORMAT: Final = "1"
_OURS: Final = 0x616B6F6F
"""`application_id` of our files."""
_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS record (kind TEXT, id TEXT, body BLOB NOT NULL, UNIQUE (kind, id))",
    "CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
)
_PUT: Final = "INSERT INTO record VALUES (?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body"
"""A record keeps its place when it changes: the order of the rows is that of their entry."""
_NOTE: Final = "INSERT INTO note VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"


class Store:
    """Use it in `with`. While it is open, no other simulator can open the same file.

    It holds no key and no token of the service; tokens that clients brought for rooms of their own are in it, and so
    only the user may read it.
    """

    def __init__(self, path: Path) -> None:
        """:raises OptionInvalid: the file cannot be used."""
        self._path = path
        try:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._db = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(str(error)) from error
        try:
            self._open()
        except BaseException:
            self._db.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._db.close()

    def load(self) -> tuple[Shelves, Clock]:
        """What was saved last; empty shelves at first."""
        shelves = Shelves()
        for shelf in shelves:
            rows = self._db.execute("SELECT id, body FROM record WHERE kind = ? ORDER BY rowid", (shelf.kind,))
            for key, body in rows:
                shelf[key] = msgspec.json.decode(body, type=shelf.record_type)
            shelf.take_changes()
        notes = dict(self._db.execute("SELECT name, value FROM note"))
        return shelves, Clock(float(notes.get("ahead_s", 0)), float(notes.get("now_s", 0)))

    def save(self, shelves: Shelves, clock: Clock) -> None:
        """On disk when it returns; a process that is killed afterwards loses nothing."""
        changes = [(shelf.kind, key, record) for shelf in shelves for key, record in shelf.take_changes()]
        self._db.execute("BEGIN")
        gone = [(kind, key) for kind, key, record in changes if record is None]
        self._db.executemany("DELETE FROM record WHERE kind = ? AND id = ?", gone)
        kept = [(kind, key, msgspec.json.encode(record)) for kind, key, record in changes if record is not None]
        self._db.executemany(_PUT, kept)
        notes = [("format", _FORMAT), ("ahead_s", repr(clock.ahead_s)), ("now_s", repr(clock.now()))]
        self._db.executemany(_NOTE, notes)
        self._db.execute("COMMIT")

    def _open(self) -> None:
        try:
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute("BEGIN EXCLUSIVE")
            (owner,) = self._db.execute("PRAGMA application_id").fetchone()
            (tables,) = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if owner != _OURS and tables:
                raise self._unusable("it is the database of another program")
            self._db.execute(f"PRAGMA application_id = {_OURS}")
            for table in _TABLES:
                self._db.execute(table)
            notes = dict(self._db.execute("SELECT name, value FROM note"))
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            busy = getattr(error, "sqlite_errorname", "") in {"SQLITE_BUSY", "SQLITE_LOCKED"}
            raise self._unusable("another simulator is using it" if busy else str(error)) from error
        if notes.get("format", _FORMAT) != _FORMAT:
            raise self._unusable(f"it was written in format {notes['format']}, this version reads {_FORMAT}")

    def _unusable(self, why: str) -> OptionInvalid:
        return OptionInvalid("state", f"cannot use {self._path} as state: {why}", "name another file")
