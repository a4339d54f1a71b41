"""Runs cells in fresh processes, the peers of a cell by turns, so that noise falls on all alike."""

from __future__ import annotations

import itertools
import os
import signal
import statistics
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import msgspec
from interpreters import Interpreters
from noise import Noise
from plan import Cell
from startup import Case, clean_environment
from startup import run as run_case

__all__ = ["Row", "run_all"]

_HERE: Final = Path(__file__).resolve().parent
_LIMIT_S: Final = 600.0
_STARTS_A_ROUND: Final = 3


class Row(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One cell of one peer in one round, as it stands in the JSON lines."""

    cell: str
    peer: str
    round: int
    figures: dict[str, float] = {}
    error: str = ""
    python: str = ""
    version: str = ""
    others_cores: float | None = None
    """What other processes took of the machine meanwhile."""
    spec: dict[str, Any] = {}


def run_all(
    work: Sequence[Cell | Case], rounds: int, interpreters: Interpreters, note: Callable[[str], None]
) -> Iterator[Row]:
    """One row for each run; `note` is told what is left out and what is under way. `work` is sorted by name."""
    found = {(item.peer, item.needs): interpreters.find(item.peer, item.needs) for item in work}
    for (peer, needs), python in found.items():
        if python is None:
            note(f"left out: {peer}, since no interpreter was found that has {needs} and msgspec")
    for name, group in itertools.groupby(work, key=attrgetter("name")):
        there = [(item, python) for item in group if (python := found[item.peer, item.needs]) is not None]
        for number in range(1, rounds + 1):
            note(f"{name}: round {number} of {rounds}")
            yield from _round(there, number)


def _round(there: Iterable[tuple[Cell | Case, str]], number: int) -> Iterator[Row]:
    for item, python in there:
        if isinstance(item, Case):
            yield _start(item, python, number)
        elif number <= item.most_rounds:
            yield _measure(item, python, number)


def _start(case: Case, python: str, number: int) -> Row:
    row = Row(cell=case.name, peer=case.peer, round=number)
    noise = Noise()
    try:
        with noise:
            seconds = [run_case(case, python) for _ in range(_STARTS_A_ROUND)]
    except (OSError, RuntimeError) as error:
        row.error = str(error)
    else:
        row.figures = {"ms": statistics.median(seconds) * 1e3}
    row.others_cores = noise.cores
    return row


def _measure(cell: Cell, python: str, number: int) -> Row:
    spec = msgspec.json.encode(cell.spec).decode()
    command = [python, "-m", f"peers.{cell.script}", spec]
    row = Row(cell=cell.name, peer=cell.peer, round=number, spec=msgspec.to_builtins(cell.spec))
    try:
        code, output, errors = _run(command)
    except subprocess.TimeoutExpired:
        row.error = f"not done in {_LIMIT_S:g} s"
        return row
    try:
        told = msgspec.json.decode(output.splitlines()[-1])
    except (IndexError, msgspec.DecodeError):
        last = errors.decode(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
        row.error = f"exit code {code}: {last[0]}"[:300]
        return row
    return msgspec.convert(msgspec.to_builtins(row) | told, Row)


def _run(command: Sequence[str]) -> tuple[int, bytes, bytes]:
    process = subprocess.Popen(
        command,
        cwd=_HERE,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=_LIMIT_S)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)  # its whole session: it and what it has started
        process.communicate()
        raise
    return process.returncode, output, errors
