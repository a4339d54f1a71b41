"""A process that gives birth to programs which are to be killed: forked, since starting Python takes 100 times longer.

As a script it is that process. Each line on its input is the number of the traced line of `akoolflow/leases` on which
the next child kills itself; with 0 it lives until it is done, or is killed by somebody else.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

import anyio

from akoolflow.akool import Account, AkoolClient, AkoolService
from akoolflow.contracts import SessionRequest
from akoolflow.leases import LeaseBook, LeasedService, Terms, payer_of
from akoolflow.secret import Secret

KEY = "a-key"


def service_at(base_url: str) -> AkoolService:
    return AkoolService(AkoolClient(Account(api_key=Secret(KEY)), base_url=base_url))


async def life(base_url: str, path: Path) -> None:
    """Two sessions: one is closed, and one is open when the program ends."""
    terms = Terms(payer=payer_of(base_url, KEY), pipeline="nursery")
    async with LeasedService(service_at(base_url), LeaseBook(path), terms) as service:
        for avatar_id in ("first", "second"):
            wanted = SessionRequest(avatar_id=avatar_id, stream_type="livekit", duration=60)
            session = await service.create(wanted)
            if avatar_id == "first":
                await service.close(session.id)


def _die_at(line: int) -> Iterator[int]:
    """Counts the lines that are run in our files, and dies on one of them: no `finally` runs after it."""
    numbers, last = count(1), [0]

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if "akoolflow/leases/" not in frame.f_code.co_filename:
            return None
        if event == "line":
            last[0] = next(numbers)
            if last[0] == line:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    threading.settrace(trace)
    sys.settrace(trace)
    yield 0
    sys.settrace(None)
    yield last[0]


def main(base_url: str, path: Path) -> None:
    for order in sys.stdin:
        pid = os.fork()
        if pid == 0:
            lines = _die_at(int(order))
            next(lines)
            anyio.run(life, base_url, path)
            _tell("lines", next(lines))
            os._exit(0)
        _tell("born", pid)
        _tell("dead", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def _tell(word: str, number: int) -> None:
    sys.stdout.write(f"{word} {number}\n")
    sys.stdout.flush()


class Nursery:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def bear(self, dies_at: int = 0) -> int:
        """Start a child; its process id."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{dies_at}\n")
        self._process.stdin.flush()
        return self._read("born")[0]

    def bury(self) -> tuple[int, int]:
        """Wait for the child's end: its exit code, and the number of lines if it lived to tell."""
        *lines, code = self._read("dead")
        return code, lines[0] if lines else 0

    def _read(self, last: str) -> list[int]:
        assert self._process.stdout is not None
        numbers = []
        for line in self._process.stdout:
            word, number = line.split()
            numbers.append(int(number))
            if word == last:
                return numbers
        raise AssertionError("the nursery is dead")


@contextmanager
def nursery(base_url: str, path: Path) -> Iterator[Nursery]:
    command = [sys.executable, "-m", "tests.core.leases.nursery", base_url, str(path)]
    root = Path(__file__).parents[3]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        yield Nursery(process)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
