from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import jsonschema
import pytest

from akoolflow.cli import main
from akoolflow.cli.exits import Exit
from akoolflow.events import EVENT_TYPES

Run = Callable[..., "CompletedProcess[str]"]


def printed(what: str, capsys: pytest.CaptureFixture[str]) -> Any:
    assert main(["schema", what]) == Exit.OK
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("what", ["events", "pipeline"])
def test_what_is_printed_is_valid_json_schema(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    jsonschema.Draft202012Validator.check_schema(printed(what, capsys))


def test_every_event_is_in_the_schema_of_events(capsys: pytest.CaptureFixture[str]) -> None:
    assert {each.__name__ for each in EVENT_TYPES} <= set(printed("events", capsys)["$defs"])


def test_the_options_of_installed_plugins_are_in_the_schema_of_pipelines(capsys: pytest.CaptureFixture[str]) -> None:
    transports = printed("pipeline", capsys)["properties"]["transport"]["anyOf"]
    (local,) = (each for each in transports if each["properties"]["use"].get("const") == "local")
    assert "max_frame_bytes" in local["properties"]


def test_a_plugin_that_breaks_is_left_out_with_a_word(akoolflow: Run, tmp_path: Path) -> None:
    info = tmp_path / "site" / "acme-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[akoolflow]\nbomb = acme_bomb\n")
    (tmp_path / "site" / "acme_bomb.py").write_text("1 / 0")
    done = akoolflow("schema", "pipeline")
    assert done.returncode == Exit.OK
    assert "brain" in json.loads(done.stdout)["properties"]
    assert "left out: plugin 'bomb'" in done.stderr
