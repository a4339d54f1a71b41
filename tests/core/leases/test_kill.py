"""kill -9 at every kind of moment: afterwards nothing of the dead is open, and nothing of anybody else's is closed."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from tests.core.leases.fakes import ask
from tests.core.leases.loopback import Loopback, Point, loopback
from tests.core.leases.nursery import KEY, Nursery, nursery, service_at

from akoolflow.leases import LeaseBook, Outcome, Rules, payer_of, reap
from akoolflow.leases.budget import Budget
from akoolflow.leases.clock import now
from akoolflow.leases.ledger import Ledger

RULES = Rules(settle_s=1.5, patience_s=20.0)
"""The service on this machine opens a session within 0.05 s, or never."""


class Scene:
    """A service with a stranger's session, a living neighbour of ours with one, and a nursery for those who die."""

    def __init__(self, service: Loopback, path: Path, children: Nursery) -> None:
        self.service, self.path, self.children = service, path, children
        self.stranger = service.open_one("stranger")
        self.neighbour = service.open_one("neighbour")
        self.payer = payer_of(service.base_url, KEY)
        self._book = Ledger(path, now)
        self._book.ask("neighbour", ask("neighbour", payer=self.payer), Budget())
        self._book.opened("neighbour", self.neighbour)

    def close(self) -> None:
        self._book.close()

    def leave_open(self, avatar_id: str) -> str:
        """What a process leaves that was killed in the middle of a session."""
        book, session_id = Ledger(self.path, now), self.service.open_one(avatar_id)
        book.ask(avatar_id, ask(avatar_id, payer=self.payer), Budget())
        book.opened(avatar_id, session_id)
        assert book._claim is not None
        book._claim.release()
        book._db.close()
        return session_id

    def reap(self, rules: Rules = RULES) -> list[Outcome]:
        async def run() -> list[Outcome]:
            async with LeaseBook(self.path) as book, service_at(self.service.base_url) as service:
                return await reap(book, service, self.payer, rules)

        return anyio.run(run)

    def check(self) -> None:
        """What has to be true after every reap."""
        leases = {lease.id: lease for lease in self._book.leases()}
        neighbour = leases.pop("neighbour")
        assert self.service.open == {self.stranger: "stranger", self.neighbour: "neighbour"}
        assert (neighbour.state, neighbour.held) == ("open", "here")
        assert {lease.state for lease in leases.values()} <= {"closed", "refused"}
        assert max(self.service.closes.values(), default=1) == 1


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    path = tmp_path_factory.mktemp("kill") / "leases.sqlite3"
    with loopback() as service, nursery(service.base_url, path) as children:
        made = Scene(service, path, children)
        yield made
        made.close()


@pytest.fixture(autouse=True)
def _patience(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("akoolflow.leases.reaping._PAUSE_S", 0.02)
    yield
    scene.service.on.clear()
    scene.service.open_after_s = 0.0


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def test_a_program_that_is_not_killed_leaves_nothing_to_reap(scene: Scene) -> None:
    scene.children.bear()
    code, _ = scene.children.bury()
    assert (code, scene.reap()) == (0, [])
    scene.check()


@pytest.mark.parametrize("avatar", ["first", "second"])
@pytest.mark.parametrize(
    "point", ["asked", "opened", "told", "asked to close", "closed", "told closed", "listed"], ids=str
)
def test_killed_while_the_service_works_for_it(scene: Scene, point: Point, avatar: str) -> None:
    """At `asked` the session comes into being only after its client's death."""
    born = threading.Event()
    pid = 0

    def hook(whose: str) -> None:
        if whose in {avatar, ""} or len(whose) == 24:
            born.wait(10)
            kill(pid)

    scene.service.on[point] = hook
    scene.service.open_after_s = 0.05
    pid = scene.children.bear()
    born.set()
    code, _ = scene.children.bury()
    scene.service.on.clear()
    scene.reap()
    assert code == -signal.SIGKILL
    scene.check()


@pytest.fixture(scope="module")
def lines(scene: Scene) -> int:
    """How many of ours a life takes; some fewer if it goes quickly."""
    scene.children.bear()
    code, lines = scene.children.bury()
    assert code == 0
    return lines


@pytest.mark.parametrize("seed", range(20))
def test_killed_at_any_line_of_the_code_that_keeps_leases(scene: Scene, lines: int, seed: int) -> None:
    scene.children.bear(dies_at=random.Random(seed).randint(1, lines * 9 // 10))
    code, _ = scene.children.bury()
    scene.reap()
    assert code == -signal.SIGKILL
    scene.check()


@pytest.mark.parametrize("seed", range(12))
def test_killed_at_any_time_while_others_are_reaping(scene: Scene, seed: int) -> None:
    pid = scene.children.bear()
    reapers = [threading.Thread(target=scene.reap) for _ in range(2)]
    timer = threading.Timer(random.Random(seed).uniform(0.0, 0.25), lambda: kill(pid))
    for thread in (timer, *reapers):
        thread.start()
    code, _ = scene.children.bury()
    timer.cancel()
    for thread in (timer, *reapers):
        thread.join()
    scene.reap()
    assert code in {0, -signal.SIGKILL}
    scene.check()


def test_a_session_whose_answer_a_live_process_waits_for_is_not_taken_for_a_dead_ones(scene: Scene) -> None:
    """The dead one asked first and got nothing; the live one asked after it, and its session is in no lease yet."""
    asked, killed, opened, reaped = (threading.Event() for _ in range(4))

    def hold_the_first(_: str) -> None:
        if not asked.is_set():
            asked.set()
            killed.wait(30)
            raise ConnectionError

    def hold_the_second(_: str) -> None:
        opened.set()
        reaped.wait(30)

    scene.service.on |= {"asked": hold_the_first, "opened": hold_the_second}
    with nursery(scene.service.base_url, scene.path) as others:
        doomed = scene.children.bear()
        assert asked.wait(30)
        others.bear()
        assert opened.wait(30)
        kill(doomed)
        scene.children.bury()
        killed.set()
        outcomes = scene.reap(Rules(settle_s=60))
        reaped.set()
        assert ([outcome.deed for outcome in outcomes], others.bury()[0]) == (["waiting"], 0)
    scene.reap()
    scene.check()


def test_two_reapers_in_the_wake_of_many_deaths_close_each_session_once(scene: Scene) -> None:
    sessions = {scene.leave_open(f"dead {number}") for number in range(10)}
    told: list[Outcome] = []
    reapers = [threading.Thread(target=lambda: told.extend(scene.reap())) for _ in range(2)]
    for thread in reapers:
        thread.start()
    for thread in reapers:
        thread.join()
    closed = [outcome.session for outcome in told if outcome.deed == "closed"]
    assert (len(closed), set(closed)) == (10, sessions)
    scene.check()
