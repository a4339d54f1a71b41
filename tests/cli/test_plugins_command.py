from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from akoolflow.cli import main
from akoolflow.cli.exits import Exit

Captured = pytest.CaptureFixture[str]

PARROT = '''
from msgspec import Struct
from akoolflow.hookspecs import hookimpl

class ParrotOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Says it again."""

    loud: bool = False
    """Whether it shouts."""
    model: str

@hookimpl
def akoolflow_register(registry):
    registry.brains.add("acme-parrot", ParrotOptions, print, stability="beta")
'''


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for distribution, points in {
        "acme": "acme-parrot = acme_listed_parrot\nacme-bomb = acme_listed_bomb\nacme-both = acme_listed_parrot",
        "rival": "acme-both = acme_listed_parrot",
    }.items():
        info = tmp_path / f"{distribution}-1.5.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.5\n")
        (info / "entry_points.txt").write_text(f"[akoolflow]\n{points}\n")
    (tmp_path / "acme_listed_parrot.py").write_text(PARROT)
    (tmp_path / "acme_listed_bomb.py").write_text("raise RuntimeError('boom')")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("acme_listed_parrot", None)


def listed(capsys: Captured, *names: str) -> dict[str, list[dict[str, Any]]]:
    main(["plugins", "--json", *names])
    found: dict[str, list[dict[str, Any]]] = {}
    for each in json.loads(capsys.readouterr().out):
        found.setdefault(each["name"], []).append(each)
    return found


def test_the_list_tells_everything_and_imports_nothing(capsys: Captured) -> None:
    (parrot,) = listed(capsys)["acme-parrot"]
    assert parrot == {
        "name": "acme-parrot",
        "kind": "brain",
        "version": "1.5",
        "distribution": "acme",
        "stability": "beta",
        "module": "acme_listed_parrot",
    }
    assert "acme_listed_parrot" not in sys.modules


def test_a_plugin_that_would_break_is_listed_and_harms_nobody(capsys: Captured) -> None:
    (bomb,) = listed(capsys)["acme-bomb"]
    assert (bomb["kind"], bomb["stability"]) == ("?", "?")


def test_a_name_that_is_claimed_twice_is_flagged_on_both_lines(capsys: Captured) -> None:
    mine, theirs = listed(capsys)["acme-both"]
    assert {mine["distribution"], theirs["distribution"]} == {"acme", "rival"}
    assert "claimed by" in mine["problem"]
    assert "claimed by" in theirs["problem"]


def test_our_own_plugins_are_listed_like_a_strangers(capsys: Captured) -> None:
    (local,) = listed(capsys)["local"]
    assert (local["kind"], local["distribution"], local["stability"]) == ("transport", "akoolflow", "stable")


def test_the_table_has_a_line_for_each_plugin_under_its_headings(capsys: Captured) -> None:
    assert main(["plugins"]) == Exit.OK
    heading, *lines = capsys.readouterr().out.splitlines()
    assert heading.split() == ["name", "kind", "version", "distribution", "stability"]
    assert ["acme-parrot", "brain", "1.5", "acme", "beta"] in [line.split() for line in lines]


def test_a_named_plugin_is_shown_with_its_options(capsys: Captured) -> None:
    assert main(["plugins", "acme-parrot"]) == Exit.OK
    assert capsys.readouterr().out.splitlines() == [
        "acme-parrot (brain, acme 1.5, beta)",
        "  Says it again.",
        "  loud: true or false, default false",
        "      Whether it shouts.",
        "  model: a string, required",
    ]


def test_the_options_are_in_the_json_too(capsys: Captured) -> None:
    (parrot,) = listed(capsys, "acme-parrot")["acme-parrot"]
    assert parrot["options"] == [
        {"key": "loud", "type": "true or false", "default": False, "doc": "Whether it shouts."},
        {"key": "model", "type": "a string", "required": True},
    ]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("acme-bomb", "RuntimeError: boom (line 1 of acme_listed_bomb.py)"),
        ("acme-both", "the name 'acme-both' is claimed by"),
        ("acme-parrto", "did you mean 'acme-parrot'?"),
    ],
)
def test_a_plugin_that_cannot_be_used_is_told_and_fails_the_command(name: str, problem: str, capsys: Captured) -> None:
    assert main(["plugins", name, "acme-parrot"]) == Exit.FAILED
    told = capsys.readouterr().out
    assert f"{name}: cannot be used: " in told
    assert problem in told
    assert "acme-parrot (brain" in told
