from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest

_Run: TypeAlias = tuple[Sequence[Mapping[str, Any]], str]
"""The JSON lines, and the tables."""
_FOLDER: Final = Path(__file__).parent
_FIGURES: Final[dict[tuple[str, str], set[str]]] = {
    **{(f"W1/{subscribers}", "akoolflow"): {"us_per_event"} for subscribers in (1, 3, 10)},
    **{
        ("W2/latency", peer): {"first_p50_us", "first_p99_us", "each_p50_us", "each_p99_us", "kept_turns_per_s"}
        for peer in ("akoolflow", "akoolflow, session")
    },
    **{("W2/most", peer): {"turns_per_s"} for peer in ("akoolflow", "akoolflow, session")},
    **{
        ("W3", peer): {"idle_kb", "used_kb", "set_up_us", "idle_cores", "turn_us"}
        for peer in ("akoolflow", "akoolflow, session")
    },
    **{
        ("W4", peer): {"stopped_p50_us", "stopped_p99_us", "last_p99_us", "leaky_share", "most_leaked"}
        for peer in ("akoolflow", "akoolflow, session")
    },
    **{(f"W5/{start}", "akoolflow"): {"ms"} for start in ("import", "first", "help")},
    **{("W6", peer): {"per_s"} for peer in ("akoolflow", "akoolflow, reassembly")},
}


def _benchmarks(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(_FOLDER), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> _Run:
    file = tmp_path_factory.mktemp("benchmarks") / "rows.jsonl"
    done = _benchmarks("--tiny", "--peers", "akoolflow", "--json", str(file))
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in file.read_text().splitlines()], done.stdout


def test_every_cell_of_akoolflow_runs_without_an_error(run: _Run) -> None:
    rows, _ = run
    assert {(row["cell"], row["peer"]): row["error"] for row in rows if "error" in row} == {}


def test_every_cell_tells_its_figures_as_finite_numbers(run: _Run) -> None:
    rows, _ = run
    assert {(row["cell"], row["peer"]): set(row["figures"]) for row in rows} == _FIGURES
    assert all(math.isfinite(figure) for row in rows for figure in row["figures"].values())


def test_no_chunk_leaves_after_an_interrupt(run: _Run) -> None:
    rows, _ = run
    leaked = [row["figures"]["most_leaked"] for row in rows if row["cell"] == "W4"]
    assert leaked == [0, 0]


def test_the_tables_have_a_row_for_akoolflow_under_every_workload(
    run: _Run,
) -> None:
    _, tables = run
    sections = tables.split("\n### ")[1:]
    by_workload = {section.split()[0]: section for section in sections}
    assert {"W1", "W2", "W3", "W4", "W5", "W6"} <= set(by_workload)
    assert all("| akoolflow" in by_workload[f"W{number}"] for number in range(1, 7))


def test_a_peer_that_is_not_installed_is_left_out_with_a_note() -> None:
    done = _benchmarks("--tiny", "--only", "W1/1", "--peers", "floor,pyee", "--python", "pyee=/nowhere/python")
    assert done.returncode == 0
    assert "left out: pyee" in done.stderr
    assert "| floor | " in done.stdout
    assert "| pyee | " not in done.stdout


def test_json_lines_come_before_the_tables_where_no_file_is_named() -> None:
    done = _benchmarks("--tiny", "--only", "W1/1", "--peers", "floor")
    first = json.loads(done.stdout.splitlines()[0])
    assert (first["cell"], first["peer"], first["round"]) == ("W1/1", "floor", 1)
