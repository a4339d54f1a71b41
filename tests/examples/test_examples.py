"""Every example, run as its own comment says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
PIPELINES = sorted(EXAMPLES.glob("*/pipeline.toml"))


def _run(*arguments: object, text: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.parent.name)
def test_every_example_pipeline_is_valid(path: Path) -> None:
    done = _run("-m", "akoolflow", "validate", path)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_example_has_a_pipeline() -> None:
    assert {path.parent.name for path in PIPELINES} == {path.name for path in EXAMPLES.iterdir() if path.is_dir()}


def test_the_embedded_flow_talks() -> None:
    done = _run(EXAMPLES / "embed/talk.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, "rules answered: At nine.\n", "")


def test_the_plugin_in_a_file_answers_and_counts() -> None:
    done = _run("-m", "akoolflow", "run", EXAMPLES / "file_plugin/pipeline.toml", text="hello\n")
    assert done.returncode == 0, done.stderr
    assert "hello hello hello" in done.stdout
    assert "turn 1: " in done.stdout
