"""What machines check of the code: floors, types, style. Each check is the tool itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOP_LEVEL = {"README.md", "core", "docs", "examples", "plugins", "pyproject.toml", "tests"}


def _run(*command: str) -> None:
    tool = Path(sys.executable).with_name(command[0])
    done = subprocess.run([str(tool), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_arrow_between_rooms_points_up() -> None:
    _run("lint-imports")


def test_style_is_clean() -> None:
    _run("ruff", "check")


def test_layout_is_the_formatters() -> None:
    _run("ruff", "format", "--check")


@pytest.mark.timeout(600)
def test_types_are_sound_in_source_and_tests() -> None:
    _run("mypy")


def test_the_top_level_holds_nothing_else() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    top = {line.split("/")[0] for line in tracked.splitlines()}
    assert {name for name in top if not name.startswith(".")} == TOP_LEVEL
