from __future__ import annotations

import os
from pathlib import Path

import pytest

from akoolflow.errors import LeasesUnusable
from akoolflow.leases.folder import book_path, state_folder


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"AKOOLFLOW_STATE": "/a", "XDG_STATE_HOME": "/b", "HOME": "/c"}, "/a"),
        ({"XDG_STATE_HOME": "/b", "HOME": "/c"}, "/b/akoolflow"),
        ({"AKOOLFLOW_STATE": "", "XDG_STATE_HOME": ""}, "~/.local/state/akoolflow"),
        ({"XDG_STATE_HOME": "relative"}, "~/.local/state/akoolflow"),
    ],
)
def test_the_folder_is_the_first_that_the_environment_names(environ: dict[str, str], folder: str) -> None:
    assert state_folder(environ) == Path(folder).expanduser()


def test_a_relative_folder_of_our_own_is_taken_from_where_the_program_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert book_path({"AKOOLFLOW_STATE": "state"}) == tmp_path / "state" / "leases.sqlite3"


def test_a_user_without_a_home_is_told_which_variable_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless(_: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", homeless)
    with pytest.raises(LeasesUnusable, match="set AKOOLFLOW_STATE"):
        state_folder({})


def test_without_a_mapping_the_process_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AKOOLFLOW_STATE", "/somewhere")
    assert state_folder() == Path("/somewhere")
    assert "AKOOLFLOW_STATE" in os.environ
