from __future__ import annotations

import importlib
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import click
import pytest

from akoolflow.cli import COMMANDS, main
from akoolflow.cli.exits import Exit
from akoolflow.errors import Complaint, ConfigInvalid, LinkFailed, PluginNotFound

HEAVY = (
    "msgspec",
    "anyio",
    "pluggy",
    "tree_sitter",
    "httpx",
    "prompt_toolkit",
    "akoolflow.errors",
    "akoolflow_plugins",
)


def replaced_by(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    @click.command()
    def broken() -> None:
        raise error

    monkeypatch.setattr("akoolflow.cli.importlib.import_module", lambda _: type("M", (), {"validate": broken}))


def test_help_lists_every_command_and_imports_none_of_what_they_need() -> None:
    code = f"""
import sys
from akoolflow.cli import main
main(["--help"])
loaded = [name for name in {HEAVY} if name in sys.modules]
assert not loaded, loaded
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    for name, (_, line) in COMMANDS.items():
        assert f"  {name} " in done.stdout
        assert line in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_names_commands_that_are_there_and_says_what_their_own_help_says(name: str) -> None:
    module, _, attribute = COMMANDS[name][0].partition(":")
    command: click.Command = getattr(importlib.import_module(module), attribute)
    assert command.name == name
    assert (command.help or "").splitlines()[0] == COMMANDS[name][1]


def test_the_version_is_the_distributions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == Exit.OK
    assert capsys.readouterr().out == f"akoolflow {version('akoolflow')}\n"


@pytest.mark.parametrize(
    "arguments", [["nosuch"], ["validate"], ["validate", "a", "b"], ["schema", "nosuch"], ["--nosuch"]]
)
def test_a_wrong_command_line_is_a_usage_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == Exit.USAGE
    assert "Usage:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (LinkFailed("local", "no room"), Exit.FAILED, "akoolflow: transport local: no room\n"),
        (PluginNotFound("x"), Exit.CONFIG, "akoolflow: no plugin named 'x'\n"),
        (
            ConfigInvalid((Complaint(file="f", message="one"), Complaint(file="f", line=2, message="two"))),
            Exit.CONFIG,
            "f:1:1: one\nf:2:1: two\n",
        ),
        (KeyboardInterrupt(), Exit.INTERRUPTED, ""),
        (click.Abort(), Exit.INTERRUPTED, ""),
        (SystemExit(143), Exit.TERMINATED, ""),
        (SystemExit(None), Exit.OK, ""),
    ],
)
def test_what_fails_on_purpose_becomes_a_line_and_a_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: Exit,
    told: str,
) -> None:
    replaced_by(monkeypatch, error)
    assert main(["validate"]) == code
    assert capsys.readouterr().err == told


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    replaced_by(monkeypatch, ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        main(["validate"])


def test_a_reader_that_has_gone_is_no_news(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    command = [sys.executable, "-m", "akoolflow", "schema", "events"]
    done = subprocess.run(command, stdout=write_end, stderr=subprocess.PIPE, cwd=tmp_path, timeout=60, check=False)
    os.close(write_end)
    assert (done.returncode, done.stderr) == (Exit.PIPE_CLOSED, b"")


def test_a_character_that_the_terminal_cannot_show_becomes_its_escape(tmp_path: Path) -> None:
    (tmp_path / "日.toml").write_text("日 = 1")
    env = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    command = [sys.executable, "-m", "akoolflow", "validate", "日.toml"]
    done = subprocess.run(command, capture_output=True, cwd=tmp_path, env=env, timeout=60, check=False)
    assert done.returncode == Exit.CONFIG
    assert rb"\u65e5.toml:1:1: not TOML" in done.stderr


def test_shell_completion_offers_the_commands_without_importing_them(tmp_path: Path) -> None:
    words = {"_AKOOLFLOW_COMPLETE": "bash_complete", "COMP_WORDS": "akoolflow v", "COMP_CWORD": "1"}
    command = [sys.executable, "-X", "importtime", "-m", "akoolflow"]
    done = subprocess.run(
        command, env=os.environ | words, capture_output=True, cwd=tmp_path, text=True, timeout=60, check=False
    )
    assert done.stdout == "plain,validate\n"
    assert "msgspec" not in done.stderr
