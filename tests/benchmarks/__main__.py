"""`python tests/benchmarks`: akoolflow beside its peers, as JSON lines and as Markdown tables.

Each cell runs in a process of its own, the peers of a cell by turns. A peer that is not installed is left out with a
note. The figures are for reading: nothing here passes or fails by them.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path
from typing import TextIO

import msgspec
from interpreters import Interpreters
from plan import FLOORS, Cell, Size, cells, rounds
from report import markdown
from runner import Row, run_all
from startup import CASES, Case

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the cell under way is ended, too
    options = _parser().parse_args(arguments)
    if options.show is not None:
        decoder = msgspec.json.Decoder(Row)
        rows = [decoder.decode(line) for line in options.show.read_bytes().splitlines()]
        sys.stdout.write(markdown(rows) + "\n")
        return 0
    size: Size = "tiny" if options.tiny else "quick" if options.quick else "full"
    everything: list[Cell | Case] = [*cells(size), *CASES]
    everything.sort(key=attrgetter("name"))
    work = [item for item in everything if _is_wanted(item, options.only, options.peers)]
    if not work:
        sys.stderr.write("nothing to run: no cell has such a workload and such a peer\n")
        return 2
    venvs = options.venvs or os.environ.get("BENCH_VENVS")
    interpreters = Interpreters(dict(options.python), Path(venvs) if venvs else None)
    rows = []
    with contextlib.ExitStack() as stack:
        lines = stack.enter_context(options.json.open("w", encoding="utf-8")) if options.json else sys.stdout
        for row in run_all(work, options.rounds or rounds(size), interpreters, _note):
            _write(row, lines)
            rows.append(row)
    sys.stdout.write(markdown(rows) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python tests/benchmarks", description=__doc__)
    parser.add_argument("--only", type=_names, default=(), metavar="W1,W4", help="these workloads only")
    parser.add_argument("--peers", type=_names, default=(), metavar="floor,akoolflow", help="these peers only")
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--quick", action="store_true", help="smaller and fewer: some minutes, for a first look")
    sizes.add_argument("--tiny", action="store_true", help="does it run at all? The figures mean nothing")
    parser.add_argument("--rounds", type=int, metavar="N", help="fresh processes for each cell")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="where the JSON lines go; standard output if not given"
    )
    parser.add_argument("--show", type=Path, metavar="FILE", help="run nothing; print the tables of such a file")
    parser.add_argument(
        "--python", type=_named, action="append", default=[], metavar="PEER=PATH", help="the interpreter of a peer"
    )
    parser.add_argument(
        "--venvs", metavar="DIR", help="virtual environments, DIR/NAME/bin/python each; also BENCH_VENVS"
    )
    return parser


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


def _named(text: str) -> tuple[str, str]:
    peer, equals, path = text.partition("=")
    if not (peer and equals and path):
        raise argparse.ArgumentTypeError(f"expected PEER=PATH, found {text!r}")
    return peer, path


def _is_wanted(item: Cell | Case, workloads: Sequence[str], peers: Sequence[str]) -> bool:
    names = {item.peer, item.peer.partition(",")[0], "floor" if item.peer in FLOORS else ""}
    return (not workloads or not {item.name, item.name.partition("/")[0]}.isdisjoint(workloads)) and (
        not peers or not names.isdisjoint(peers)
    )


def _write(row: Row, lines: TextIO) -> None:
    lines.write(msgspec.json.encode(row).decode() + "\n")
    lines.flush()


def _note(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
