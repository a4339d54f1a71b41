"""The file of the lease book: made, checked and brought up to date. Written by SQLite alone, never removed by us."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from akoolflow.errors import LeasesUnusable

__all__ = ["APPLICATION_ID", "BUSY_TIMEOUT_S", "MIGRATIONS", "connect", "unusable"]

APPLICATION_ID: Final = 0x616B6F6C
"""`akol`, in the file's header: tells a lease book from any other SQLite file."""
BUSY_TIMEOUT_S: Final = 10.0
"""How long one process waits for another's transaction, each of which takes milliseconds."""

_INSTANT: Final = "{0}_unix_s REAL, {0}_boot_s REAL, {0}_boot_id TEXT"
MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """CREATE TABLE holders (
            token TEXT PRIMARY KEY,
            pid INTEGER NOT NULL,
            started_ticks INTEGER NOT NULL,
            host TEXT NOT NULL,
            boot_id TEXT NOT NULL
        ) WITHOUT ROWID""",
        f"""CREATE TABLE leases (
            id TEXT PRIMARY KEY,
            state TEXT NOT NULL CHECK (state IN ('asking', 'open', 'closed', 'refused')),
            base_url TEXT NOT NULL,
            key_print TEXT NOT NULL,
            pipeline TEXT NOT NULL,
            avatar_id TEXT NOT NULL,
            stream_type TEXT NOT NULL,
            duration_s REAL,
            before TEXT,
            {_INSTANT.format("asked")},
            {_INSTANT.format("opened")},
            settled_unix_s REAL,
            session_id TEXT NOT NULL DEFAULT '',
            cost_s REAL NOT NULL,
            note TEXT NOT NULL DEFAULT '',
            suspects TEXT NOT NULL DEFAULT '[]',
            opener TEXT NOT NULL REFERENCES holders,
            holder TEXT REFERENCES holders,
            CHECK (state != 'open' OR session_id != '')
        )""",
        "CREATE INDEX unsettled ON leases (state) WHERE state IN ('asking', 'open')",
        "CREATE INDEX spending ON leases (base_url, key_print, pipeline, asked_unix_s)",
        "CREATE INDEX by_session ON leases (session_id)",
    ),
)
"""What takes a book from each version, counted from 0, to the next. Only ever appended to."""

_WHY: Final[dict[int, tuple[str, str]]] = {
    sqlite3.SQLITE_FULL: ("the disk is full", "free some space there, or set AKOOLFLOW_STATE to another folder"),
    sqlite3.SQLITE_READONLY: (
        "it is read-only",
        "make the file and its folder writable, or set AKOOLFLOW_STATE to another folder",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "it cannot be opened",
        "it must be a file, and writable, in a writable folder; or set AKOOLFLOW_STATE to another folder",
    ),
    sqlite3.SQLITE_BUSY: (
        f"another process has kept it locked for {BUSY_TIMEOUT_S:g} s",
        "try again; if it stays so, see which process has the file open",
    ),
    sqlite3.SQLITE_IOERR: ("it cannot be read or written", "check the disk"),
}
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def connect(path: Path) -> sqlite3.Connection:
    """Open the book, made or brought up to date if need be. Blocks; may be used in any one thread at a time.

    :raises LeasesUnusable: and the file is as it was.
    """
    try:
        _make(path)
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise unusable(path, error) from error
    try:
        connection.row_factory = sqlite3.Row
        _configure(connection)
        _check(connection, path)
        _migrate(connection, path)
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.Error):
            raise unusable(path, error) from error
        raise
    return connection


def unusable(path: Path, error: OSError | sqlite3.Error) -> LeasesUnusable:
    """What went wrong, in words that say what to do."""
    if isinstance(error, OSError):
        hint = "make its folder writable, or set AKOOLFLOW_STATE to another one"
        return LeasesUnusable(str(path), f"it cannot be made: {error.strerror or error}", hint)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _DAMAGED:
        return _damaged(path, str(error))
    why, hint = _WHY.get(code, (str(error), ""))
    return LeasesUnusable(str(path), f"{why} ({error})" if hint else why, hint)


def _damaged(path: Path, why: str) -> LeasesUnusable:
    hint = (
        f"it is left as it is; to begin a new one, move it away: mv '{path}' '{path}.damaged'. Sessions that it lists "
        "may still be open and cost: `akoolflow sessions list` then shows what the service has open"
    )
    return LeasesUnusable(str(path), f"the file is damaged: {why}", hint)


def _make(path: Path) -> None:
    """An empty file that only its owner can read: SQLite gives its side files the same mode."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists():
        if path.is_file() and path.stat().st_mode & 0o077:
            path.chmod(0o600)
        return
    # Made elsewhere and linked: closing a descriptor of the book itself would drop the locks that another connection of
    # this process has on it (https://www.sqlite.org/howtocorrupt.html, 2.2).
    fd, blank = tempfile.mkstemp(dir=path.parent)
    try:
        os.close(fd)
        with suppress(FileExistsError):
            os.link(blank, path)
    finally:
        Path(blank).unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)  # a power cut must not take the file with the lease
    finally:
        os.close(folder)


def _configure(connection: sqlite3.Connection) -> None:
    give_up_at = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            break
        except sqlite3.OperationalError as error:
            # SQLite does not wait for a lock while it changes the mode, which happens once in a book's life.
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                raise
            time.sleep(0.01)
    if mode != "wal":
        raise sqlite3.OperationalError(f"its file system has no shared memory (journal mode {mode})")
    connection.execute("PRAGMA synchronous = FULL")  # a commit is on the disk when it returns
    connection.execute("PRAGMA foreign_keys = ON")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    # In this order: whoever makes the book in this moment commits both at once.
    [tables] = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    [application] = connection.execute("PRAGMA application_id").fetchone()
    if tables and application != APPLICATION_ID:
        hint = f"move it away: mv '{path}' '{path}.other', or set AKOOLFLOW_STATE to another folder"
        raise LeasesUnusable(str(path), "it is a database of some other program", hint)
    [finding] = connection.execute("PRAGMA quick_check(1)").fetchone()
    if finding != "ok":
        raise _damaged(path, finding)


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    if _version(connection, path) == len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Read again: another process may have done it while we waited for the lock.
        for statements in MIGRATIONS[_version(connection, path) :]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection, path: Path) -> int:
    [version] = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        hint = "upgrade akoolflow here as well, or set AKOOLFLOW_STATE to another folder"
        why = f"it was written by a newer akoolflow (version {version} of the book; this one knows {len(MIGRATIONS)})"
        raise LeasesUnusable(str(path), why, hint)
    return int(version)
