"""State on disk: a simulator that was stopped, or killed, goes on where it was."""

from __future__ import annotations

import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec
import pytest

from akoolflow.errors import OptionInvalid
from akoolflow.simulator.options import STOCK_AVATARS
from akoolflow.simulator.rest.options import Switches
from akoolflow.simulator.web.host import Host
from akoolflow.simulator.web.server import running_simulator
from akoolflow.simulator.web.store import Store

Start = Callable[..., httpx.Client]
SESSION = "/api/open/v4/liveAvatar/session"
ASKED = {"avatar_id": STOCK_AVATARS[0], "duration": 600}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "simulator.db"


def test_sessions_credits_uploads_knowledge_and_time_survive_a_restart(file: Path) -> None:
    video = {"url": "https://x/y.mp4", "avatar_id": "Me1", "name": "Me", "type": 2, "url_from": 1}
    told = []
    for round_ in range(2):
        with running_simulator(state=file) as simulator:
            client = httpx.Client(base_url=simulator.base_url, headers={"x-api-key": simulator.api_key})
            if round_ == 0:
                client.post(f"{SESSION}/create", json=ASKED)
                client.post("/api/open/v3/avatar/create", json=video)
                client.post("/api/open/v4/knowledge/create", json={"name": "KB", "docs": []})
                client.post("/simulator/clock", json={"advance_s": 100})
            told.append(client.get("/simulator/state").json())
            client.close()
    before, after = told
    assert after["time"]["now_s"] >= before["time"]["now_s"]
    assert {**after, "time": None} == {**before, "time": None}
    assert (len(after["sessions"]), after["uploads"], after["knowledge"]) == (1, 1, 1)


def test_a_token_of_before_the_restart_is_still_good(file: Path) -> None:
    with running_simulator(state=file) as simulator:
        header = {"Authorization": f"Bearer {simulator.token}"}
    with running_simulator(state=file) as simulator:
        assert httpx.get(f"{simulator.base_url}{SESSION}/list", headers=header).json()["code"] == 1000


def test_what_was_answered_is_on_disk_even_if_the_process_is_killed(file: Path) -> None:
    command = [sys.executable, "-m", "akoolflow", "simulate", "--port", "0", "--json", "--state", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        told = msgspec.json.decode(process.stdout.readline())
        url, headers = told["base_url"], {"x-api-key": told["accounts"][0]["api_key"]}
        session = httpx.post(f"{url}{SESSION}/create", json=ASKED, headers=headers).json()["data"]["_id"]
        process.send_signal(signal.SIGKILL)
    with Store(file) as store:
        host = Host(Switches(), store=store)
        (record,) = host.backend.all_sessions(host.clock.now())
    assert (record.id, record.status in {1, 2}) == (session, True)


def test_deleted_records_stay_deleted_and_the_order_is_kept(file: Path) -> None:
    with Store(file) as store:
        host = Host(Switches(), store=store)
        knowledge = host.backend.knowledge
        from akoolflow.simulator.rest.knowledge import Contents

        made = [knowledge.create(1, Contents(name=name), host.clock.now()) for name in "abc"]
        host.save()
        knowledge.update(1, made[0].id, Contents(prompt="changed"), host.clock.now())
        knowledge.delete(1, made[1].id)
        host.save()
    with Store(file) as store:
        assert [base.name for base in Host(Switches(), store=store).backend.knowledge.of(1)] == ["c", "a"]


def test_only_the_user_may_read_the_file(file: Path) -> None:
    with Store(file):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_one_file_serves_one_simulator_at_a_time(file: Path) -> None:
    with Store(file), pytest.raises(OptionInvalid, match="another simulator is using it"):
        Store(file)
    with Store(file):
        pass


def test_a_file_that_is_none_of_ours_is_left_alone(file: Path) -> None:
    file.write_bytes(b"dear diary " * 1000)
    with pytest.raises(OptionInvalid, match=r"cannot use .* as state"):
        Store(file)
    assert file.read_bytes() == b"dear diary " * 1000


def test_another_programs_database_is_left_alone(file: Path) -> None:
    with sqlite3.connect(file) as db:
        db.execute("CREATE TABLE theirs (a)")
    db.close()
    with pytest.raises(OptionInvalid, match="the database of another program"):
        Store(file)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OptionInvalid, match="No such file or directory"):
        Store(tmp_path / "nowhere" / "simulator.db")


def test_a_later_format_is_refused(file: Path) -> None:
    with Store(file) as store:
        Host(Switches(), store=store).save()
    with sqlite3.connect(file) as db:
        db.execute("UPDATE note SET value = '9' WHERE name = 'format'")
    db.close()
    with pytest.raises(OptionInvalid, match="written in format 9"):
        Store(file)
