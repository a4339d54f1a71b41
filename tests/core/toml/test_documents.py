from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import Struct

from akoolflow.errors import ConfigInvalid
from akoolflow.toml.checking import check
from akoolflow.toml.documents import load_struct, open_document
from akoolflow.toml.faults import Fault


class Sheet(Struct, frozen=True, forbid_unknown_fields=True):
    rules: tuple[str, ...] = ()
    file: Path | None = None


class Owner(Struct, frozen=True, forbid_unknown_fields=True):
    file: Path

    def __post_init__(self) -> None:
        load_struct(self.file, Sheet)


def test_a_file_becomes_a_struct_with_references_filled_and_paths_beside_it(tmp_path: Path) -> None:
    (tmp_path / "sheet.toml").write_text('rules = ["${A}"]\nfile = "x"')
    sheet = load_struct(tmp_path / "sheet.toml", Sheet, env={"A": "b"})
    assert sheet == Sheet(("b",), tmp_path / "x")


def test_the_process_environment_is_asked_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AKOOLFLOW_TEST", "b")
    (tmp_path / "sheet.toml").write_text('rules = ["${AKOOLFLOW_TEST}"]')
    assert load_struct(tmp_path / "sheet.toml", Sheet).rules == ("b",)


def test_faults_of_references_and_of_types_are_told_together_at_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "sheet.toml"
    path.write_text('rules = [1, "x ${A}"]\nfiel = "x"')
    with pytest.raises(ConfigInvalid) as caught:
        load_struct(path, Sheet, env={})
    places = [(each.file, each.line, each.column, each.key) for each in caught.value.complaints]
    assert places == [(str(path), 1, 10, "rules[0]"), (str(path), 1, 16, "rules[1]"), (str(path), 2, 1, "fiel")]


def test_a_fault_in_a_file_that_an_option_names_keeps_its_own_place(tmp_path: Path) -> None:
    (tmp_path / "sheet.toml").write_text("\n  rulse = []")
    (tmp_path / "owner.toml").write_text('file = "sheet.toml"')
    with pytest.raises(ConfigInvalid) as caught:
        load_struct(tmp_path / "owner.toml", Owner)
    (complaint,) = caught.value.complaints
    assert (complaint.file, complaint.line, complaint.column) == (str(tmp_path / "sheet.toml"), 2, 3)


def test_a_name_with_a_line_break_cannot_break_the_complaint_into_two_lines(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        load_struct(tmp_path / "a\nb.toml", Sheet)
    assert "\n" not in str(caught.value)


def test_relative_paths_stay_right_when_the_process_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sheet.toml").write_text('file = "x"')
    document = open_document(Path("sheet.toml"))
    monkeypatch.chdir("/")
    assert check(document.values, Sheet, folder=document.folder).value.file == tmp_path / "x"


def test_faults_are_placed_by_the_file_they_are_about(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[t]\nk = 1")
    source = open_document(tmp_path / "a.toml").source
    (complaint,) = source.complaints([Fault(path=("t", "missing"), message="missing")])
    assert (complaint.line, complaint.column, complaint.key) == (1, 2, "t.missing")
