from __future__ import annotations

from pathlib import Path

import pytest
from tests.core.leases.fakes import FakeClock


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits between two looks at the service."""
    monkeypatch.setattr("akoolflow.leases.reaping._PAUSE_S", 0.0)
    monkeypatch.setattr("akoolflow.leases.service._PAUSES_S", (0.0,))
    monkeypatch.setattr("akoolflow.leases.service._LAST_PATIENCE_S", 0.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "leases.sqlite3"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
