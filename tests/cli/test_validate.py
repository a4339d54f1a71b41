from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from akoolflow.cli import main
from akoolflow.cli.exits import Exit

Run = Callable[..., "CompletedProcess[str]"]
Captured = pytest.CaptureFixture[str]

SOUND = """
[session]
api_key = "sk-1"
[transport]
use = "./parts.py:Wire"
[[brain]]
use = "./parts.py:Brain"
name = "first"
[[brain]]
use = "./parts.py:Brain"
"""
PARTS = """
class Wire:
    def open(self, session): ...

class Brain:
    async def respond(self, turn, say): ...
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parts.py").write_text(PARTS)
    (tmp_path / "sound.toml").write_text(SOUND)
    (tmp_path / "faulty.toml").write_text(SOUND + 'nmae = "x"\n[[sink]]\nuse = "nosuch-sink"\n')


def test_a_sound_file_is_summed_up_in_one_line(capsys: Captured) -> None:
    assert main(["validate", "sound.toml"]) == Exit.OK
    told = capsys.readouterr()
    assert told.out == (
        "sound.toml: ok: service simulator, transport ./parts.py:Wire, brains first + ./parts.py:Brain\n"
    )
    assert told.err == "sound.toml:3:11: warning: session.api_key: literal secret in the file (use ${NAME})\n"


def test_a_faulty_file_gets_a_line_for_each_complaint_and_their_number(capsys: Captured) -> None:
    assert main(["validate", "faulty.toml"]) == Exit.CONFIG
    told = capsys.readouterr()
    assert told.out == ""
    lines = told.err.splitlines()
    assert lines[0].startswith("faulty.toml:11:1: brain[1].nmae: unknown key")
    assert lines[1].startswith("faulty.toml:13:7: sink[0].use: no sink named 'nosuch-sink' (")
    assert lines[2:] == ["2 complaints"]


def test_one_complaint_is_not_two(capsys: Captured) -> None:
    assert main(["validate", "missing.toml"]) == Exit.CONFIG
    assert capsys.readouterr().err == "missing.toml:1:1: there is no such file\n1 complaint\n"


@pytest.mark.parametrize(("file", "code"), [("sound.toml", Exit.OK), ("faulty.toml", Exit.CONFIG)])
def test_json_holds_all_of_it_and_standard_error_nothing(file: str, code: Exit, capsys: Captured) -> None:
    assert main(["validate", "--json", file]) == code
    told = capsys.readouterr()
    report = json.loads(told.out)
    assert told.err == ""
    assert report["ok"] is (code == Exit.OK)
    assert len(report["complaints"]) == (0 if code == Exit.OK else 2)
    assert len(report["warnings"]) == (1 if code == Exit.OK else 0)
    for each in report["complaints"] + report["warnings"]:
        assert set(each) == {"file", "line", "column", "key", "message", "hint"}


def test_no_secret_is_printed(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AKOOLFLOW_TEST", "hunter2-and-more")
    Path("secret.toml").write_text(
        '[session]\nduration = "${AKOOLFLOW_TEST}"\napi_key = "literal-key"\napi_kye = "other-key"'
    )
    for arguments in (["validate", "secret.toml"], ["validate", "--json", "secret.toml"]):
        assert main(arguments) == Exit.CONFIG
        told = capsys.readouterr()
        for secret in ("hunter2", "literal-key", "other-key"):
            assert secret not in told.out + told.err


def test_nothing_is_imported_that_the_file_does_not_name_and_nothing_is_sent(akoolflow: Run, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import atexit, socket, sys\n"
        "def refuse(*args): raise SystemExit('the network was used')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "names = ('akoolflow_plugins.sinks', 'akoolflow_plugins.brains', 'openai', 'livekit')\n"
        "atexit.register(lambda: print([name for name in names if name in sys.modules]))\n"
    )
    done = akoolflow("validate", "sound.toml")
    assert done.stdout.endswith("parts.py:Brain\n[]\n")
    assert done.returncode == Exit.OK
