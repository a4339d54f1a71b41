"""Who is alive."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from akoolflow.errors import LeasesUnusable
from akoolflow.leases.holder import Claim, Holder, is_alive, sweep

HOLD = """
import sys
from pathlib import Path
from akoolflow.leases.holder import Claim
claim = Claim(Path(sys.argv[1]))
holder = claim.holder
print(holder.token, holder.pid, holder.started_ticks, holder.host, holder.boot_id, flush=True)
{then}
sys.stdin.read()
"""
FORK = """
import os
if os.fork() == 0:
    print("forked", os.getpid(), flush=True)
    sys.stdin.read()
    os._exit(0)
"""


@pytest.fixture
def claim(tmp_path: Path) -> Iterator[Claim]:
    claim = Claim(tmp_path)
    yield claim
    claim.release()


def elsewhere(folder: Path, then: str = "") -> tuple[subprocess.Popen[str], Holder]:
    """A holder in a process of its own, which lives until its input is closed or it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD.format(then=then), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    token, pid, started, host, boot = process.stdout.readline().rstrip("\n").split(" ")
    return process, Holder(token, int(pid), int(started), host, boot)


def test_a_holder_is_alive_until_it_lets_go(tmp_path: Path, claim: Claim) -> None:
    assert is_alive(tmp_path, claim.holder)
    claim.release()
    assert not is_alive(tmp_path, claim.holder)


def test_one_holder_of_a_process_does_not_keep_another_alive(tmp_path: Path, claim: Claim) -> None:
    other = Claim(tmp_path)
    other.release()
    assert (is_alive(tmp_path, claim.holder), is_alive(tmp_path, other.holder)) == (True, False)


def test_asking_does_not_drop_the_lock(tmp_path: Path, claim: Claim) -> None:
    assert [is_alive(tmp_path, claim.holder) for _ in range(3)] == [True] * 3


def test_a_killed_process_is_dead(tmp_path: Path) -> None:
    process, holder = elsewhere(tmp_path)
    with process:
        assert is_alive(tmp_path, holder)
        process.kill()
        process.wait()
        assert not is_alive(tmp_path, holder)


def test_a_stopped_process_is_alive(tmp_path: Path) -> None:
    import signal

    process, holder = elsewhere(tmp_path)
    with process:
        process.send_signal(signal.SIGSTOP)
        assert is_alive(tmp_path, holder)
        process.kill()


def test_a_forked_child_does_not_keep_its_dead_parent_alive(tmp_path: Path) -> None:
    process, holder = elsewhere(tmp_path, FORK)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("forked")
        assert is_alive(tmp_path, holder)
        process.kill()
        process.wait()
        assert not is_alive(tmp_path, holder)


def test_a_live_process_whose_lock_file_was_tidied_away_is_found_by_its_id(tmp_path: Path, claim: Claim) -> None:
    for path in tmp_path.glob("*.lock"):
        path.unlink()
    assert is_alive(tmp_path, claim.holder) == Path("/proc/self/stat").exists()


@pytest.mark.parametrize(
    "change", [{"started_ticks": 1}, {"boot_id": "another"}, {"boot_id": ""}, {"started_ticks": 0}, {"pid": 2**22 + 1}]
)
def test_without_a_lock_file_another_process_with_the_same_id_is_not_taken_for_it(
    tmp_path: Path, change: dict[str, object]
) -> None:
    gone = Claim(tmp_path / "elsewhere")
    gone.release()
    assert not is_alive(tmp_path, replace(gone.holder, **change))


def test_in_doubt_a_holder_is_alive(tmp_path: Path, claim: Claim) -> None:
    (tmp_path / "no.lock").symlink_to("no.lock")  # cannot be opened, by root either
    assert is_alive(tmp_path, replace(claim.holder, token="no"))


def test_two_who_ask_at_once_do_not_take_each_other_for_the_holder(tmp_path: Path) -> None:
    import fcntl

    dead = Claim(tmp_path)
    dead.release()
    with (tmp_path / f"{dead.holder.token}.lock").open("rb") as asking:
        fcntl.flock(asking, fcntl.LOCK_SH)
        assert not is_alive(tmp_path, dead.holder)


def test_lock_files_of_the_dead_are_swept_but_for_those_that_are_needed(tmp_path: Path, claim: Claim) -> None:
    dead, needed = Claim(tmp_path), Claim(tmp_path)
    dead.release()
    needed.release()
    sweep(tmp_path, frozenset({needed.holder.token}))
    left = {path.stem for path in tmp_path.glob("*.lock")}
    assert left == {claim.holder.token, needed.holder.token}
    assert is_alive(tmp_path, claim.holder)


def test_lock_files_are_their_owners_alone(tmp_path: Path) -> None:
    claim = Claim(tmp_path / "new")
    [path] = (tmp_path / "new").iterdir()
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    claim.release()


def test_a_folder_that_cannot_be_made_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LeasesUnusable, match="set AKOOLFLOW_STATE"):
        Claim(tmp_path / "file" / "folder")


def test_the_start_of_a_process_is_read_past_any_command_name(tmp_path: Path) -> None:
    odd = tmp_path / "a ) 1 2 (b"
    odd.symlink_to(sys.executable)
    code = "import os; from akoolflow.leases.holder import _started_ticks as t; print(t(os.getpid()))"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([str(odd), "-c", code], capture_output=True, text=True, check=True, env=env)
    assert int(done.stdout) > 0


def test_a_lock_file_that_is_swept_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    flock, calls = fcntl.flock, 0

    def swept(fd: int, operation: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            [path] = tmp_path.glob("*.lock")
            path.unlink()
        flock(fd, operation)

    monkeypatch.setattr(fcntl, "flock", swept)
    claim = Claim(tmp_path)
    monkeypatch.undo()
    assert [path.stem for path in tmp_path.glob("*.lock")] == [claim.holder.token]
    assert is_alive(tmp_path, claim.holder)
    claim.release()
