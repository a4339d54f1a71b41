"""Which Python runs which peer: they cannot all be installed together."""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

__all__ = ["Interpreters"]

_PROBE: Final = "import importlib.util, sys; sys.exit(not all(map(importlib.util.find_spec, sys.argv[1:])))"
_TIMEOUT_S: Final = 30.0


class Interpreters:
    """Looks in what was named for a peer, then in this interpreter, then in each virtual environment of a folder."""

    def __init__(self, named: Mapping[str, str], venvs: Path | None) -> None:
        """:param named: peers, or the packages they need, and their interpreters."""
        self._named = dict(named)
        self._venvs = venvs

    def find(self, peer: str, needs: str) -> str | None:
        """An interpreter that has the module, and msgspec; None if there is none."""
        if not needs:
            return sys.executable
        folder = needs.partition(".")[0]
        if python := self._named.get(peer) or self._named.get(folder):
            return python if _has(python, needs) else None
        return next((python for python in self._candidates(folder) if _has(python, needs)), None)

    def _candidates(self, folder: str) -> Iterable[str]:
        yield sys.executable
        if self._venvs is not None:
            own = self._venvs / folder / "bin" / "python"
            for python in (own, *sorted(self._venvs.glob("*/bin/python"))):
                if python.exists():
                    yield str(python)


@functools.cache
def _has(python: str, module: str) -> bool:
    try:
        probe = subprocess.run(
            [python, "-c", _PROBE, "msgspec", module], capture_output=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return probe.returncode == 0
