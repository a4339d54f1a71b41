"""`akoolflow run` as a user meets it: a process, its pipes, its terminal and its signals."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
HELLO = ROOT / "examples/hello/pipeline.toml"
AKOOLFLOW = [sys.executable, "-m", "akoolflow"]
FAST = """
[session]
mode_type = 1
{session}
[simulator]
speed = 100.0
{simulator}
[[brain]]
use = "{brain}"
{after}
"""


def pipeline(tmp_path: Path, **parts: str) -> Path:
    path = tmp_path / "pipeline.toml"
    path.write_text(FAST.format(**({"session": "", "simulator": "", "brain": "echo", "after": ""} | parts)))
    return path


def run(*arguments: object, text: str = "") -> subprocess.CompletedProcess[str]:
    command = [*AKOOLFLOW, "run", *map(str, arguments)]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)


def events(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


@contextmanager
def running(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A run whose standard input stays open, once its session is ready."""
    command = [*AKOOLFLOW, "run", *map(str, arguments), "--json"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if '"SessionReady"' in line:
                break
        yield process
        process.kill()


def last_event(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Read to the end of its output; its input stays open."""
    assert process.stdout is not None
    event: dict[str, Any] = json.loads(process.stdout.readlines()[-1])
    return event


def test_the_hello_pipeline_answers_both_lines_and_exits_with_0() -> None:
    done = run(HELLO, text="hello\nwhat are your opening hours?\n")
    assert done.returncode == 0, done.stderr
    said = [line.split(maxsplit=1)[1] for line in done.stdout.splitlines() if line.startswith(("you", "avatar"))]
    assert [text.split(".")[0].split("!")[0] for text in said] == [
        "hello",
        "Hello",
        "what are your opening hours?",
        "We open at nine and close at six, Monday to Saturday",
    ]
    assert done.stderr == ""


def test_an_empty_input_opens_and_closes_a_session(tmp_path: Path) -> None:
    done = run(pipeline(tmp_path), "--json")
    assert done.returncode == 0
    assert [e["type"] for e in events(done) if e["type"].startswith("Session")] == [
        "SessionCreated",
        "SessionReady",
        "SessionEnded",
    ]


def test_a_last_line_without_a_newline_is_said_and_blank_lines_are_not(tmp_path: Path) -> None:
    done = run(pipeline(tmp_path), "--json", text="one\n\n   \ntwo")
    assert [e["text"] for e in events(done) if e["type"] == "UserUtterance"] == ["one", "two"]
    assert [e["brain"] for e in events(done) if e["type"] == "TurnFinished"] == ["echo", "echo"]


def test_bytes_that_are_no_utf8_do_not_stop_the_conversation(tmp_path: Path) -> None:
    command = [*AKOOLFLOW, "run", str(pipeline(tmp_path)), "--json"]
    done = subprocess.run(command, input=b"caf\xe9\n", capture_output=True, timeout=60, check=False)
    assert done.returncode == 0
    assert "caf\N{REPLACEMENT CHARACTER}" in done.stdout.decode()


def test_lines_come_from_a_plain_file_too(tmp_path: Path) -> None:
    lines = tmp_path / "lines.txt"
    lines.write_text("one\ntwo\n")
    with lines.open() as file:
        command = [*AKOOLFLOW, "run", str(pipeline(tmp_path)), "--json"]
        done = subprocess.run(command, stdin=file, capture_output=True, text=True, timeout=60, check=False)
    assert [e["text"] for e in events(done) if e["type"] == "UserUtterance"] == ["one", "two"]


def test_quiet_prints_nothing(tmp_path: Path) -> None:
    done = run(pipeline(tmp_path), "--quiet", text="hello\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_event_is_one_json_line_in_sequence(tmp_path: Path) -> None:
    done = run(pipeline(tmp_path), "--json", text="hello\n")
    assert [event["seq"] for event in events(done)] == list(range(1, len(events(done)) + 1))


@pytest.mark.parametrize(
    ("number", "code", "reason"), [(signal.SIGINT, 130, "ctrl_c"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_signal_ends_the_session_in_order(tmp_path: Path, number: int, code: int, reason: str) -> None:
    with running(pipeline(tmp_path)) as process:
        process.send_signal(number)
        event = last_event(process)
        assert (event["type"], event["reason"], process.wait(30)) == ("SessionEnded", reason, code)


def test_a_signal_in_mid_answer_tells_the_turn_as_interrupted(tmp_path: Path) -> None:
    with running(pipeline(tmp_path, simulator="chars_per_s = 0.1")) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("hello\n")
        process.stdin.flush()
        for line in process.stdout:
            if '"SpeechStarted"' in line:
                break
        process.send_signal(signal.SIGTERM)
        types = [json.loads(line)["type"] for line in process.stdout]
        assert types[types.index("TurnInterrupted") :][-1] == "SessionEnded"
        assert process.wait(30) == 143


def test_the_end_of_the_duration_ends_the_run_though_input_is_open(tmp_path: Path) -> None:
    with running(pipeline(tmp_path, session="duration = 1")) as process:
        event = last_event(process)
        assert (event["type"], event["reason"], process.wait(30)) == ("SessionEnded", "duration", 0)


def test_a_refused_session_exits_with_1_and_one_line(tmp_path: Path) -> None:
    done = run(pipeline(tmp_path, session='avatar_id = "nobody"'), "--quiet")
    assert done.returncode == 1
    assert re.fullmatch(r"akoolflow: the service refused: code \d+, .*nobody.*\n", done.stderr)


def test_a_broken_pipeline_exits_with_78_and_its_complaints(tmp_path: Path) -> None:
    path = pipeline(tmp_path, brain="eccho")
    done = run(path)
    assert done.returncode == 78
    assert f"{path}:" in done.stderr
    assert "'echo'" in done.stderr or '"echo"' in done.stderr


def test_a_required_sink_that_keeps_failing_ends_the_session(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(
        "from akoolflow import hookimpl\n\nclass Bad:\n    @hookimpl\n    def on_event(self, event):\n"
        "        raise RuntimeError('disk on fire')\n"
    )
    done = run(pipeline(tmp_path, after='[[sink]]\nuse = "./bad.py:Bad"\nrequired = true'), "--quiet", text="hello\n")
    assert done.returncode == 1
    assert "disk on fire" in done.stderr


def test_a_sink_that_keeps_failing_does_not_stop_the_conversation(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(
        "from akoolflow import hookimpl\n\nclass Bad:\n    @hookimpl\n    def on_event(self, event):\n"
        "        raise RuntimeError('disk on fire')\n"
    )
    done = run(pipeline(tmp_path, after='[[sink]]\nuse = "./bad.py:Bad"'), "--json", text="hello\n")
    assert done.returncode == 0
    told = [e for e in events(done) if e["type"] == "PluginFailed"]
    assert told[-1]["put_aside"]
    assert [e["type"] for e in events(done)][-1] == "SessionEnded"


def test_a_reader_that_goes_away_ends_the_run_without_a_traceback(tmp_path: Path) -> None:
    command = f"printf 'one\\ntwo\\nthree\\n' | {' '.join(AKOOLFLOW)} run {pipeline(tmp_path)} --json | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr


class Terminal:
    """The program in a terminal of its own."""

    def __init__(self, *arguments: object) -> None:
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm"
            os.execv(sys.executable, [*AKOOLFLOW, "run", *map(str, arguments)])
        self.screen = ""

    def wait_for(self, text: str, timeout_s: float = 30.0) -> None:
        deadline = time.monotonic() + timeout_s
        while text not in self.plain:
            assert time.monotonic() < deadline, self.plain
            if select.select([self._fd], [], [], 0.2)[0]:
                try:
                    data = os.read(self._fd, 65536)
                except OSError:
                    data = b""
                assert data, f"ended without {text!r}: {self.plain}"
                self.screen += data.decode(errors="replace")
                if "\x1b[6n" in self.screen[-len(data) - 4 :]:  # prompt_toolkit asks where the cursor is
                    os.write(self._fd, b"\x1b[1;1R")

    @property
    def plain(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.screen)

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def exit_code(self, typing: str = "") -> int:
        """Type this until the program ends: a key that comes between two prompts is lost."""
        deadline = time.monotonic() + 30
        typed_at = 0.0
        while time.monotonic() < deadline:
            if typing and time.monotonic() > typed_at + 5:
                with suppress(OSError):
                    self.type(typing)
                typed_at = time.monotonic()
            if select.select([self._fd], [], [], 0.05)[0]:
                with suppress(OSError):
                    self.screen += os.read(self._fd, 65536).decode(errors="replace")
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self._fd)
                return os.waitstatus_to_exitcode(status)
        os.kill(self.pid, signal.SIGKILL)
        raise AssertionError(self.plain)


def test_in_a_terminal_a_typed_line_is_answered_and_ctrl_d_ends_the_session(tmp_path: Path) -> None:
    terminal = Terminal(pipeline(tmp_path))
    terminal.wait_for("/help")
    terminal.type("good day\r")
    terminal.wait_for("avatar  good day")
    assert terminal.exit_code(typing="\x04") == 0
    assert "Traceback" not in terminal.plain


def test_in_a_terminal_ctrl_c_ends_the_session_with_130(tmp_path: Path) -> None:
    terminal = Terminal(pipeline(tmp_path))
    terminal.wait_for(">")
    assert terminal.exit_code(typing="\x03") == 130


def test_in_a_terminal_help_history_say_and_interrupt_are_at_hand(tmp_path: Path) -> None:
    terminal = Terminal(pipeline(tmp_path))
    terminal.wait_for("/help")
    terminal.type("/help\r")
    terminal.wait_for("/interrupt")
    terminal.type("/say By the book.\r")
    terminal.wait_for("avatar  By the book.")
    terminal.type("/interrupt\r/history\r")
    assert terminal.exit_code(typing="/quit\r") == 0
