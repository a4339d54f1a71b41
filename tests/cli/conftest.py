from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def akoolflow(tmp_path: Path) -> Run:
    """Run a command in a process of its own, in `tmp_path`, where Python also finds what lies in `tmp_path/site`."""

    def run(*arguments: str, text: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "akoolflow", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), **env}
        return subprocess.run(
            command,
            cwd=tmp_path,
            env=environment,
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run
