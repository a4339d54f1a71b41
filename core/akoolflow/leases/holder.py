"""Who holds a lease, and whether he is still alive.

Alive means: the lock on the holder's own file is taken. The kernel drops a `flock` with the process, whatever ends it,
and it cannot be mistaken, as a process id can: ids are used again, and are not seen from one container to the next,
though both may share the folder. fcntl's record locks would not do: two books in one process would pass each other's
test, and closing any descriptor of the file would drop the lock.
Death is for good, since no token is used twice. SQLite's WAL mode already demands a folder on this very machine.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
import weakref
from functools import cache
from pathlib import Path
from typing import Final

from msgspec import Struct

from akoolflow.errors import LeasesUnusable
from akoolflow.leases.clock import boot_id

__all__ = ["Claim", "Holder", "is_alive", "sweep"]


class Holder(Struct, frozen=True):
    """One open lease book of one process."""

    token: str
    pid: int
    started_ticks: int
    """When the process began, in clock ticks since boot: tells a process id from its next user. 0 if not known."""
    host: str
    boot_id: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


class Claim:
    """The holder that we are: alive until `release`, or until the process ends in whatever way."""

    def __init__(self, folder: Path) -> None:
        """:raises LeasesUnusable: the folder cannot be written, or its file system has no locks."""
        pid = os.getpid()
        token = secrets.token_hex(8)
        self.holder = Holder(token, pid, _started_ticks(pid), socket.gethostname(), boot_id())
        self._path = _lock_path(folder, token)
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._fd: int | None = _locked(self._path)
        except OSError as error:
            hint = "set AKOOLFLOW_STATE to a folder on a local disk"
            raise LeasesUnusable(str(folder), f"no lock can be had there: {error.strerror}", hint) from error
        _let_go_in_children()
        _CLAIMS.add(self)

    def release(self) -> None:
        """Close our copy of the lock: the last copy that is closed drops it, and the holder is dead.

        The file stays for `sweep`: while it is there, nobody falls back on the process id.
        """
        if self._fd is not None:
            fd, self._fd = self._fd, None
            os.close(fd)


_CLAIMS: Final[weakref.WeakSet[Claim]] = weakref.WeakSet()


def is_alive(folder: Path, holder: Holder) -> bool:
    """Whether the holder's process still has its book open. In doubt, yes."""
    try:
        fd = os.open(_lock_path(folder, holder.token), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        # Released, or somebody has tidied the folder; the process itself can still be asked for.
        return _runs(holder)
    except OSError:
        return True  # not ours to look at
    try:
        # Shared: two who test at once must not take each other for the holder.
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


def sweep(folder: Path, needed: frozenset[str]) -> None:
    """Remove the lock files of the dead, but for those tokens that unsettled leases name."""
    for path in folder.glob("*.lock"):
        if path.stem in needed:
            continue
        try:
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
        except OSError:
            pass
        finally:
            os.close(fd)


def _locked(path: Path) -> int:
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            # A sweep may have come between the two calls and unlinked what we locked.
            if path.exists() and os.fstat(fd).st_ino == path.stat().st_ino:
                return fd
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)


def _lock_path(folder: Path, token: str) -> Path:
    return folder / f"{token}.lock"


@cache
def _let_go_in_children() -> None:
    # A forked child has a copy of the descriptor, and would keep the lock after its parent's death.
    os.register_at_fork(after_in_child=_release_all)


def _release_all() -> None:
    for claim in _CLAIMS:
        claim.release()


def _runs(holder: Holder) -> bool:
    same_boot = bool(holder.boot_id) and holder.boot_id == boot_id()
    return same_boot and holder.started_ticks > 0 and _started_ticks(holder.pid) == holder.started_ticks


def _started_ticks(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        # The command's name, in parentheses, may hold spaces and parentheses itself: proc(5).
        return int(stat.rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return 0
