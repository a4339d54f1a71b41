"""`akoolflow sessions` against a service on this machine, over HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.core.leases.loopback import Loopback, loopback

from akoolflow.cli import main
from akoolflow.leases import Ask, Budget, payer_of
from akoolflow.leases.clock import now
from akoolflow.leases.ledger import Ledger

KEY = "a-key"
HOLD = """
import sys
from pathlib import Path
from akoolflow.leases import Ask, Budget, payer_of
from akoolflow.leases.clock import now
from akoolflow.leases.ledger import Ledger
book, url, lease, session = sys.argv[1:]
ledger = Ledger(Path(book), now)
ledger.ask(lease, Ask(payer=payer_of(url, "a-key"), pipeline="p", avatar_id="a", stream_type="livekit"), Budget())
if session:
    ledger.opened(lease, session)
print("held", flush=True)
sys.stdin.read()
"""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def service() -> Iterator[Loopback]:
    with loopback() as made:
        yield made


@pytest.fixture
def book(tmp_path: Path, service: Loopback, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AKOOLFLOW_STATE", str(tmp_path))
    monkeypatch.setenv("AKOOL_BASE_URL", service.base_url)
    monkeypatch.setenv("AKOOL_API_KEY", KEY)
    monkeypatch.setattr("akoolflow.leases.reaping._PAUSE_S", 0.0)
    return tmp_path / "leases.sqlite3"


@pytest.fixture
def run(book: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["sessions", *arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


@pytest.fixture
def hold(book: Path, service: Loopback) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Another process that holds a lease until it is killed."""
    processes: list[subprocess.Popen[str]] = []

    def hold(lease: str, session: str = "") -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HOLD, str(book), service.base_url, lease, session]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        return process

    yield hold
    for process in processes:
        process.kill()
        process.communicate()


def leave(book: Path, base_url: str, lease: str, session: str, key: str = KEY) -> None:
    """A lease that nobody holds."""
    ledger = Ledger(book, now)
    ask = Ask(payer=payer_of(base_url, key), pipeline="p", avatar_id="a", stream_type="livekit", before=frozenset())
    ledger.ask(lease, ask, Budget())
    if session:
        ledger.opened(lease, session)
    ledger.close()


def rows(text: str) -> dict[str, dict[str, Any]]:
    return {row.get("lease", ""): row for row in json.loads(text)}


# -- list and show -----------------------------------------------------------------------------


def test_without_a_book_nothing_is_listed_and_none_is_made(
    run: Run, book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AKOOL_API_KEY")
    assert run("list") == (0, "no sessions are open\n", "")
    assert run("list", "--json") == (0, "[]\n", "")
    assert not book.exists()


def test_the_list_tells_what_is_held_left_behind_and_strange(
    run: Run, service: Loopback, book: Path, hold: Callable[..., subprocess.Popen[str]]
) -> None:
    held, left, gone, strange = (service.open_one(name) for name in ("a", "a", "a", "b"))
    process = hold("Lheld", held)
    leave(book, service.base_url, "Lleft", left)
    leave(book, service.base_url, "Lgone", gone)
    del service.open[gone]
    code, out, err = run("list", "--json")
    found = rows(out)
    assert (code, err) == (0, "")
    assert {name: (row.get("state"), row.get("service", "?")) for name, row in found.items()} == {
        "Lheld": ("open", "open"),
        "Lleft": ("open", "open"),
        "Lgone": ("open", "over"),
        "": ("no lease", "open"),
    }
    assert found[""]["session"] == strange
    assert found["Lheld"]["holder"].startswith(f"process {process.pid} on ")
    assert found["Lheld"]["held"] is True
    assert found["Lleft"]["holder"] == "left behind"
    table = run("list")[1]
    assert table.splitlines()[0].split()[:5] == ["session", "lease", "state", "service", "holder"]
    assert len(table.splitlines()) == 5


def test_what_is_over_is_listed_on_demand(run: Run, service: Loopback, book: Path) -> None:
    leave(book, service.base_url, "Lleft", service.open_one("a"))
    run("reap")
    assert run("list")[1] == "no sessions are open\n"
    assert rows(run("list", "--all", "--json")[1])["Lleft"]["state"] == "closed"


def test_a_session_that_is_settled_here_and_open_there_is_listed(run: Run, service: Loopback, book: Path) -> None:
    session = service.open_one("a")
    leave(book, service.base_url, "Lleft", session)
    run("reap")
    service.open[session] = "a"
    assert rows(run("list", "--json")[1])["Lleft"]["service"] == "open"


def test_a_service_that_is_out_of_reach_leaves_the_book_to_be_read(
    run: Run, service: Loopback, book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(book, service.base_url, "Lleft", "s1")
    monkeypatch.setattr("akoolflow.cli.sessions._LIST_TIMEOUT_S", 2.0)
    code, out, err = run("list", "--json", "--base-url", "http://127.0.0.1:9")
    assert (code, rows(out)["Lleft"].get("service", "?")) == (0, "?")
    assert "what the service has open is not known" in err


@pytest.mark.parametrize("name", ["Lleft000", "Lleft0", "s1234567", "s12345"])
def test_show_tells_all_of_one(run: Run, service: Loopback, book: Path, name: str) -> None:
    leave(book, service.base_url, "Lleft000", "s1234567")
    leave(book, service.base_url, "Lother00", "s7654321")
    code, out, _ = run("show", name)
    lines = dict(line.split(None, 1) for line in out.splitlines())
    assert code == 0
    assert (lines["session"], lines["lease"], lines["holder"]) == ("s1234567", "Lleft000", "left behind")
    assert lines["base_url"] == service.base_url
    assert [row["lease"] for row in json.loads(run("show", name, "--json")[1])] == ["Lleft000"]


def test_show_says_so_if_there_is_none(run: Run) -> None:
    code, out, err = run("show", "nobody")
    assert (code, out) == (1, "")
    assert "no session or lease 'nobody'; `akoolflow sessions list --all`" in err


def test_the_key_is_in_no_output(run: Run, service: Loopback, book: Path) -> None:
    leave(book, service.base_url, "Lleft00", service.open_one("a"))
    commands = (["list"], ["list", "--json"], ["show", "Lleft00"], ["reap"])
    told = "".join(text for command in commands for text in run(*command)[1:])
    assert "Lleft00" in told
    assert KEY not in told


# -- close -------------------------------------------------------------------------------------


def test_close_ends_what_was_left_and_what_is_strange(run: Run, service: Loopback, book: Path) -> None:
    left, strange = service.open_one("a"), service.open_one("b")
    leave(book, service.base_url, "Lleft", left)
    code, out, _ = run("close", left, strange)
    assert (code, service.open) == (0, {})
    assert out == f"{left}: closed: by hand\n{strange}: closed: by hand\n"
    assert rows(run("list", "--all", "--json")[1])["Lleft"]["state"] == "closed"


def test_close_spares_what_a_live_process_holds_unless_forced(
    run: Run, service: Loopback, hold: Callable[..., subprocess.Popen[str]]
) -> None:
    held = service.open_one("a")
    hold("Lheld", held)
    code, out, _ = run("close", held)
    assert (code, list(service.open)) == (1, [held])
    assert "is alive and holds it; --force" in out
    assert run("close", held, "--force")[0] == 0
    assert service.open == {}


def test_close_goes_on_after_a_name_that_nobody_has(run: Run, service: Loopback) -> None:
    session = service.open_one("a")
    code, out, _ = run("close", "nobody", session, "--json")
    assert (code, service.open) == (1, {})
    assert [each["ending"] for each in json.loads(out)] == ["unknown", "closed"]


def test_close_can_be_tried_dry(run: Run, service: Loopback) -> None:
    session = service.open_one("a")
    assert run("close", session, "--dry-run") == (0, f"{session}: would be closed: by hand\n", "")
    assert list(service.open) == [session]


# -- reap --------------------------------------------------------------------------------------


def test_reap_closes_what_a_killed_process_left_and_nothing_else(
    run: Run, service: Loopback, hold: Callable[..., subprocess.Popen[str]]
) -> None:
    left, held, strange = (service.open_one(name) for name in "abc")
    process = hold("Lleft", left)
    hold("Lheld", held)
    assert run("reap") == (0, "nothing was left behind\n", "")
    process.kill()
    process.wait()
    code, out, err = run("reap")
    assert (code, err, list(service.open)) == (0, "", [held, strange])
    assert out.startswith(f"session {left} (lease Lleft): closed: left open by process {process.pid} on ")
    assert run("reap") == (0, "nothing was left behind\n", "")


def test_reap_can_be_tried_dry(run: Run, service: Loopback, book: Path) -> None:
    left = service.open_one("a")
    leave(book, service.base_url, "Lleft", left)
    code, out, _ = run("reap", "--dry-run")
    assert (code, list(service.open)) == (0, [left])
    assert out.startswith(f"session {left} (lease Lleft): would be closed: left open by ")
    assert [each["deed"] for each in json.loads(run("reap", "--dry-run", "--json")[1])] == ["closed"]


def test_reap_waits_for_what_a_lost_create_may_bring(
    run: Run, service: Loopback, book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(book, service.base_url, "Llost", "")
    looks = 0

    def late(_: str) -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            service.open_one("a")

    service.on["listed"] = late
    monkeypatch.setattr("akoolflow.leases.reaping._PAUSE_S", 0.01)
    code, out, err = run("reap")
    assert (code, service.open) == (0, {})
    assert "waiting for what may come" in err
    assert "(lease Llost): closed: left open by " in out


def test_reap_that_does_not_wait_says_that_something_is_left(run: Run, service: Loopback, book: Path) -> None:
    leave(book, service.base_url, "Llost", "")
    code, out, _ = run("reap", "--no-wait")
    assert code == 1
    assert out.startswith("a session of a (lease Llost): waiting: too early to tell")


def test_reap_takes_the_users_word_that_nobody_else_is_there(run: Run, service: Loopback, book: Path) -> None:
    ledger = Ledger(book, now)
    ask = Ask(payer=payer_of(service.base_url, KEY), avatar_id="a", stream_type="livekit")
    for lease in ("Llost1", "Llost2"):
        ledger.ask(lease, ask, Budget())
    ledger.close()
    service.open_one("a")
    assert run("reap", "--no-wait", "--sole-user")[1].count("closed: left open by ") == 1
    assert service.open == {}


def test_reap_tells_of_what_its_key_does_not_reach(run: Run, service: Loopback, book: Path) -> None:
    leave(book, service.base_url, "Lother", "s1", key="another-key")
    code, out, err = run("reap")
    assert (code, out) == (0, "nothing was left behind\n")
    assert f"something is left behind that this key does not reach: {service.base_url}, key print " in err
    assert "another-key" not in err


# -- what goes wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["reap"], ["close", "s1"]])
def test_without_a_key_the_variable_is_named(run: Run, monkeypatch: pytest.MonkeyPatch, command: list[str]) -> None:
    monkeypatch.delenv("AKOOL_API_KEY")
    code, _, err = run(*command)
    assert (code, "set AKOOL_API_KEY" in err) == (2, True)


@pytest.mark.parametrize("url", ["ftp://service", "no url", "http://user:word@host"])
def test_a_base_url_that_is_none_is_told(run: Run, url: str) -> None:
    code, _, err = run("reap", "--base-url", url)
    assert (code, "base_url: " in err) == (2, True)


def test_a_damaged_book_is_one_line(run: Run, book: Path) -> None:
    book.write_text("shopping list" * 100)
    code, out, err = run("reap")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(f"akoolflow: the session leases in {book}: the file is damaged")
    assert "shopping list" in book.read_text()


def test_help_names_the_four_verbs(run: Run) -> None:
    out = run("--help")[1]
    assert all(verb in out for verb in ("list", "show", "close", "reap"))
