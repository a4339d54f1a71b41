"""The file of the book, in good and bad condition."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from tests.core.leases.fakes import PAYER, FakeClock, ask

from akoolflow.errors import LeasesUnusable
from akoolflow.leases import schema
from akoolflow.leases.budget import Budget
from akoolflow.leases.ledger import Ledger

OPEN = """
import sys
from pathlib import Path
from akoolflow.leases.clock import now
from akoolflow.leases.ledger import Ledger
sys.stdin.readline()
Ledger(Path(sys.argv[1]), now).close()
"""


def told(path: Path) -> str:
    with pytest.raises(LeasesUnusable) as caught:
        Ledger(path, FakeClock())
    return str(caught.value)


def filled(path: Path) -> None:
    ledger = Ledger(path, FakeClock())
    for number in range(200):
        ledger.ask(f"L{number}", ask(), Budget())
    ledger.close()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_book_and_its_side_files_are_their_owners_alone(path: Path) -> None:
    ledger = Ledger(path, FakeClock())
    ledger.ask("L", ask(), Budget())
    modes = {each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()}
    ledger.close()
    names = {"leases.sqlite3", "leases.sqlite3-wal", "leases.sqlite3-shm"}
    assert modes == {"leases.holders": 0o700} | dict.fromkeys(names, 0o600)
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_book_that_others_could_read_is_closed_to_them(path: Path) -> None:
    Ledger(path, FakeClock()).close()
    path.chmod(0o644)
    Ledger(path, FakeClock()).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_was_written_is_there_when_the_book_is_opened_again(path: Path) -> None:
    filled(path)
    ledger = Ledger(path, FakeClock())
    assert len(ledger.leases(PAYER)) == 200
    ledger.close()


def test_a_commit_is_on_the_disk_when_it_returns(path: Path) -> None:
    connection = schema.connect(path)
    [mode], [level] = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("journal_mode", "synchronous"))
    connection.close()
    assert (mode, level) == ("wal", 2)


@pytest.mark.parametrize("where", ["header", "middle", "all"])
def test_a_damaged_book_is_told_and_left_as_it_is(path: Path, where: str) -> None:
    filled(path)
    content = bytearray(path.read_bytes())
    start, end = {"header": (0, 100), "middle": (4096, 12288), "all": (0, len(content))}[where]
    content[start:end] = b"\xa5" * (end - start)
    path.write_bytes(content)
    before = digest(path)
    message = told(path)
    assert "the file is damaged" in message
    assert f"mv '{path}' '{path}.damaged'" in message
    assert "akoolflow sessions list" in message
    assert digest(path) == before


def test_damage_that_shows_only_later_is_told_in_the_same_words(path: Path) -> None:
    filled(path)
    ledger = Ledger(path, FakeClock())
    ledger._db.execute("PRAGMA shrink_memory")  # what has been read is forgotten
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (path.stat().st_size - 4096))
    with pytest.raises(LeasesUnusable, match="the file is damaged"):
        ledger.leases()
    ledger._db.close()


def test_a_text_file_is_told_and_left_as_it_is(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("shopping list\n" * 100)
    assert "the file is damaged: file is not a database" in told(path)
    assert path.read_text() == "shopping list\n" * 100


def test_another_programs_database_is_told_and_left_as_it_is(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()
    assert "it is a database of some other program" in told(path)
    with sqlite3.connect(path) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
    connection.close()
    assert tables == [("bookmarks",)]


def test_a_book_of_a_newer_version_is_told_and_left_as_it_is(path: Path) -> None:
    filled(path)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    assert "written by a newer akoolflow (version 99 of the book; this one knows 1); upgrade akoolflow" in told(path)


def test_an_older_book_is_brought_up_to_date_with_its_leases(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(path)
    step = ("ALTER TABLE leases ADD COLUMN mood TEXT", "UPDATE leases SET mood = 'calm'")
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, step))
    ledger = Ledger(path, FakeClock())
    moods = ledger._db.execute("SELECT DISTINCT mood FROM leases").fetchall()
    [version] = ledger._db.execute("PRAGMA user_version").fetchone()
    assert (len(ledger.leases()), [row["mood"] for row in moods], version) == (200, ["calm"], 2)
    ledger.close()


def test_a_migration_that_fails_leaves_the_book_in_its_old_version(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(path)
    step = ("ALTER TABLE leases ADD COLUMN mood TEXT", "UPDATE moods SET mood = 'calm'")
    with monkeypatch.context() as patched:
        patched.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, step))
        assert "no such table: moods" in told(path)
    ledger = Ledger(path, FakeClock())
    assert "mood" not in ledger._db.execute("SELECT * FROM leases").fetchone().keys()  # noqa: SIM118 - a Row is no dict
    ledger.close()


def test_a_folder_in_its_place_is_told(path: Path) -> None:
    path.mkdir(parents=True)
    assert "it cannot be opened (unable to open database file); it must be a file" in told(path)


def test_a_file_in_place_of_its_folder_is_told(path: Path) -> None:
    path.parent.touch()
    assert "it cannot be made: " in told(path)
    assert "set AKOOLFLOW_STATE" in told(path)


def test_a_disk_that_is_full_is_told_and_nothing_is_half_written(path: Path) -> None:
    ledger = Ledger(path, FakeClock())
    ledger.ask("L1", ask(), Budget())
    [pages] = ledger._db.execute("PRAGMA page_count").fetchone()
    ledger._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LeasesUnusable, match=r"the disk is full .*; free some space"):
        ledger.ask("L2", ask(before=frozenset(map(str, range(10_000)))), Budget())
    assert [lease.id for lease in ledger.leases()] == ["L1"]
    ledger._db.execute("PRAGMA max_page_count = 1000000")
    ledger.ask("L2", ask(), Budget())
    ledger.close()


def test_a_book_that_is_read_only_is_told(path: Path) -> None:
    ledger = Ledger(path, FakeClock())
    ledger._db.execute("PRAGMA query_only = ON")
    with pytest.raises(LeasesUnusable, match=r"it is read-only .*; make the file and its folder writable"):
        ledger.ask("L", ask(), Budget())
    ledger._db.close()


def test_a_book_that_somebody_keeps_locked_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "BUSY_TIMEOUT_S", 0.01)
    first, second = Ledger(path, FakeClock()), Ledger(path, FakeClock())
    first._db.execute("BEGIN IMMEDIATE")
    with pytest.raises(LeasesUnusable, match="another process has kept it locked"):
        second.ask("L", ask(), Budget())
    first._db.execute("ROLLBACK")
    second.ask("L", ask(), Budget())
    first.close()
    second.close()


def test_many_processes_may_make_the_book_at_once(path: Path) -> None:
    command = [sys.executable, "-c", OPEN, str(path)]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(6)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert errors == [""] * 6
    assert {each.name for each in path.parent.iterdir()} == {"leases.sqlite3"}


def test_opening_a_book_keeps_the_locks_of_another_that_is_open_in_this_process(path: Path) -> None:
    first = Ledger(path, FakeClock())
    first._db.execute("BEGIN IMMEDIATE")
    schema._make(path)
    code = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert "database is locked" in done.stderr
    first._db.execute("ROLLBACK")
    first.close()


def test_a_process_that_is_forked_may_end_without_harm_to_its_parents_book(path: Path) -> None:
    code = f"""
import os
from pathlib import Path
from akoolflow.leases.clock import now
from akoolflow.leases.budget import Budget
from akoolflow.leases.lease import Ask, payer_of
from akoolflow.leases.ledger import Ledger
ask = Ask(payer=payer_of("http://x", "k"), avatar_id="a", stream_type="livekit")
ledger = Ledger(Path({str(path)!r}), now)
ledger.ask("L1", ask, Budget())
if os.fork() == 0:
    os._exit(0)
os.wait()
print([lease.held for lease in ledger.leases()], ledger.ask("L2", ask, Budget()).state)
print([lease.held for lease in Ledger(Path({str(path)!r}), now).leases()])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ})
    assert done.stdout == "['here'] asking\n['elsewhere', 'elsewhere']\n"
