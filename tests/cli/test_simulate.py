"""`akoolflow simulate`, run as a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import httpx
import msgspec
import pytest

from akoolflow.cli.simulate import switches_of
from akoolflow.simulator.web.server import listen

Run = Callable[..., "subprocess.CompletedProcess[str]"]
SESSION = "/api/open/v4/liveAvatar/session"
ASKED = {"avatar_id": "dvp_Emma_agora", "duration": 60}


@contextmanager
def simulating(*arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    command = [sys.executable, "-m", "akoolflow", "simulate", "--port", "0", "--json", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield process, msgspec.json.decode(process.stdout.readline())
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)


def test_it_prints_where_it_is_and_what_to_export_and_ends_by_ctrl_c() -> None:
    command = [sys.executable, "-m", "akoolflow", "simulate", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first, exports = process.stdout.readline(), process.stdout.readline()
        told = dict(each.split("=", 1) for each in exports.removeprefix("export ").split())
        headers = {"x-api-key": told["AKOOL_API_KEY"]}
        response = httpx.get(f"{told['AKOOL_BASE_URL']}{SESSION}/list", headers=headers).json()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert (response["code"], process.returncode, errors) == (1000, 130, "")
    assert [each in first for each in (told["AKOOL_BASE_URL"], told["AKOOL_API_KEY"])] == [True, True]
    assert set(told) == {"AKOOL_BASE_URL", "AKOOL_API_KEY", "AKOOL_CLIENT_ID", "AKOOL_CLIENT_SECRET"}


def test_every_account_of_a_file_is_told_and_let_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRST_KEY", "key-of-the-first")
    file = tmp_path / "switches.toml"
    file.write_text(
        """
        [service]
        close_data = false

        [[account]]
        uid = 1
        client_secret = "${FIRST_KEY}"

        [[account]]
        uid = 2
        name = "poor"
        credits = 0

        [[fault]]
        does = "refuse"
        code = 1005
        endpoint = "v3/language/list"
        """
    )
    with simulating("--option", str(file)) as (_, told):
        answers = []
        for account in told["accounts"]:
            headers = {"x-api-key": account["api_key"]}
            answers.append(
                httpx.post(f"{told['base_url']}{SESSION}/create", json=ASKED, headers=headers).json()["code"]
            )
        language = httpx.get(f"{told['base_url']}/api/open/v3/language/list").json()["code"]
    assert [account["uid"] for account in told["accounts"]] == [1, 2]
    assert (told["accounts"][0]["api_key"], answers, language) == ("key-of-the-first", [1000, 1215], 1005)


def test_the_log_goes_to_a_file_line_by_line(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    with simulating("--log", str(log)) as (_, told):
        key = told["accounts"][0]["api_key"]
        httpx.post(f"{told['base_url']}{SESSION}/create", json=ASKED, headers={"x-api-key": key})
        (line,) = log.read_bytes().splitlines()
    entry = msgspec.json.decode(line)
    assert (entry["endpoint"], entry["code"], key in line.decode()) == ("v4/liveAvatar/session/create", 1000, False)


def test_sessions_survive_a_restart_with_state(tmp_path: Path) -> None:
    state = str(tmp_path / "state.db")
    seen = []
    for _ in range(2):
        with simulating("--state", state) as (_, told):
            headers = {"x-api-key": told["accounts"][0]["api_key"]}
            httpx.post(f"{told['base_url']}{SESSION}/create", json=ASKED, headers=headers)
            listed = httpx.get(f"{told['base_url']}{SESSION}/list", headers=headers).json()["data"]["result"]
            seen.append([session["_id"] for session in listed])
    assert seen[0] == seen[1] != []


def test_a_port_that_is_taken_gets_one_line(akoolflow: Run) -> None:
    with listen("127.0.0.1", 0) as listener:
        done = akoolflow("simulate", "--port", str(listener.getsockname()[1]))
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot listen on 127.0.0.1" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--option", "speeed=2"), 2, "unknown switch; did you mean"),
        (("--option", "speed=fast"), 2, "--option speed: "),
        (("--option", "busy_code=1"), 2, "--option busy_code: "),
        (("--option", "nowhere.toml"), 78, "nowhere.toml"),
        (("--option", "a.toml", "--option", "b.toml"), 2, "one file at most"),
        (("--state", "no/folder/state.db"), 78, "cannot use no/folder/state.db as state"),
        (("--log", "no/folder/log"), 1, "cannot write no/folder/log"),
        (("--host", "no.such.host.invalid"), 1, "cannot listen on no.such.host.invalid"),
    ],
)
def test_what_cannot_be_done_is_said_at_once(akoolflow: Run, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = akoolflow("simulate", "--port", "0", *arguments)
    assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (code, True, False)


def test_a_file_of_switches_is_checked_with_every_fault_at_its_line(tmp_path: Path, akoolflow: Run) -> None:
    (tmp_path / "switches.toml").write_text('[service]\nclosed_code = 7\n\n[[fault]]\ndoes = "dance"\n')
    done = akoolflow("simulate", "--option", "switches.toml")
    assert (done.returncode, [line.split(" ")[0] for line in done.stderr.splitlines()]) == (
        78,
        ["switches.toml:2:15:", "switches.toml:5:8:"],
    )


def test_a_fault_that_no_call_matches_is_refused(tmp_path: Path, akoolflow: Run) -> None:
    (tmp_path / "switches.toml").write_text('[[fault]]\ndoes = "drop"\nendpoint = "nowhere"\n')
    done = akoolflow("simulate", "--option", "switches.toml")
    assert (done.returncode, "no call matches 'nowhere'" in done.stderr) == (78, True)


def test_a_missing_extra_is_named_with_the_command_that_installs_it(tmp_path: Path, akoolflow: Run) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "starlette.py").write_text("raise ModuleNotFoundError(\"no\", name='starlette')")
    done = akoolflow("simulate")
    assert (done.returncode, "pip install 'akoolflow[simulator]'" in done.stderr) == (1, True)


def test_single_switches_go_before_those_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "switches.toml"
    file.write_text("[simulator]\nspeed = 2\nchars_per_s = 20\n\n[service]\nclose_data = false\n")
    switches = switches_of((str(file), "speed=3.5", "trtc_names=documented", "avatars=['one']"))
    simulator, service = switches.simulator, switches.service
    assert (simulator.speed, simulator.chars_per_s, simulator.avatars) == (3.5, 20.0, ("one",))
    assert (service.close_data, service.trtc_names) == (False, "documented")


def test_all_wrong_switches_are_told_at_once() -> None:
    with pytest.raises(click.UsageError) as caught:
        switches_of(("nothing=1", "speed=0", "close_data=maybe"))
    assert len(caught.value.message.splitlines()) == 3
