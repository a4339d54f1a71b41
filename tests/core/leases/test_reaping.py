"""Reaping what dead processes have left."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from tests.core.leases.fakes import OTHER_PAYER, PAYER, FakeClock, FakeService, ask, die

from akoolflow.errors import LeasesUnusable, ServiceRefused, ServiceUnreachable
from akoolflow.leases.book import LeaseBook
from akoolflow.leases.lease import Lease
from akoolflow.leases.reaping import Outcome, Rules, reap

pytestmark = pytest.mark.anyio


async def leave_open(path: Path, clock: FakeClock, service: FakeService, lease_id: str = "L") -> str:
    """A process opens a session and is killed."""
    book = await LeaseBook(path, clock=clock).__aenter__()
    await book.ask(lease_id, ask())
    session = service.open_one()
    await book.opened(lease_id, session)
    die(book)
    return session


async def lose_create(
    path: Path, clock: FakeClock, service: FakeService, *, opens: bool = True, looks: bool = True
) -> str:
    """A process is killed while it waits for the answer to a create."""
    book = await LeaseBook(path, clock=clock).__aenter__()
    await book.ask("L", ask(before=frozenset(service.open) if looks else None))
    session = service.open_one() if opens else ""
    die(book)
    return session


async def only(book: LeaseBook) -> Lease:
    [lease] = await book.leases()
    return lease


def deeds(outcomes: list[Outcome]) -> list[str]:
    return [outcome.deed for outcome in outcomes]


async def test_with_nothing_left_behind_the_service_is_not_asked(path: Path, clock: FakeClock) -> None:
    service = FakeService()
    async with LeaseBook(path, clock=clock) as book:
        await book.ask("mine", ask())
        assert await reap(book, service, PAYER) == []
    assert service.lists == 0


async def test_a_session_left_open_is_closed_and_its_seconds_are_counted(path: Path, clock: FakeClock) -> None:
    service = FakeService()
    session = await leave_open(path, clock, service)
    stranger = service.open_one()
    clock.advance(100)
    async with LeaseBook(path, clock=clock) as book:
        [outcome] = await reap(book, service, PAYER)
        assert (outcome.lease, outcome.deed, outcome.session, outcome.done) == ("L", "closed", session, True)
        assert f"left open by process {(await only(book)).opener.pid}" in outcome.detail
        assert ((await only(book)).state, (await only(book)).cost_s) == ("closed", 100.0)
    assert (service.closed, list(service.open)) == ([session], [stranger])


async def test_reaping_again_does_nothing_more(path: Path, clock: FakeClock) -> None:
    service = FakeService()
    await leave_open(path, clock, service)
    async with LeaseBook(path, clock=clock) as book:
        await reap(book, service, PAYER)
        lists = service.lists
        assert await reap(book, service, PAYER) == []
    assert (len(service.closed), service.lists) == (1, lists)


async def test_a_dry_run_tells_the_same_and_changes_nothing(path: Path, clock: FakeClock) -> None:
    service = FakeService()
    await leave_open(path, clock, service)
    async with LeaseBook(path, clock=clock) as book:
        before = await book.leases()
        told = await reap(book, service, PAYER, dry_run=True)
        assert (await book.leases(), service.closed) == (before, [])
        assert told == await reap(book, service, PAYER)


async def test_a_session_that_has_ended_by_itself_is_not_closed_again(path: Path, clock: FakeClock) -> None:
    service = FakeService()
    service.open.pop(await leave_open(path, clock, service))
    async with LeaseBook(path, clock=clock) as book:
        assert deeds(await reap(book, service, PAYER)) == ["over"]
        assert (await only(book)).state == "closed"
    assert (service.closed, service.lists) == ([], 2)  # looked for twice


async def test_a_live_processs_sessions_are_not_touched(path: Path, clock: FakeClock) -> None:
    service = FakeService()
    async with LeaseBook(path, clock=clock) as theirs, LeaseBook(path, clock=clock) as book:
        await theirs.ask("open", ask())
        await theirs.opened("open", service.open_one())
        await theirs.ask("asking", ask(before=frozenset(service.open)))
        service.open_one()
        clock.advance(100_000)
        assert await reap(book, service, PAYER, Rules(sole_user=True)) == []
    assert service.closed == []


async def test_another_payers_leases_are_left_alone(path: Path, clock: FakeClock) -> None:
    service = FakeService()
    await leave_open(path, clock, service)
    async with LeaseBook(path, clock=clock) as book:
        assert await reap(book, service, OTHER_PAYER) == []
        assert (await only(book)).state == "open"


async def test_what_came_of_a_lost_create_is_closed(path: Path, clock: FakeClock) -> None:
    service = FakeService()
    stranger = service.open_one()
    session = await lose_create(path, clock, service)
    clock.advance(3)
    async with LeaseBook(path, clock=clock) as book:
        [outcome] = await reap(book, service, PAYER)
        assert (outcome.deed, outcome.session) == ("closed", session)
        lease = await only(book)
        assert (lease.state, lease.session_id, lease.cost_s) == ("closed", session, 3.0)
    assert list(service.open) == [stranger]


async def test_a_lost_create_is_waited_for_until_it_is_certain_that_nothing_came_of_it(
    path: Path, clock: FakeClock
) -> None:
    service = FakeService()
    await lose_create(path, clock, service, opens=False)
    async with LeaseBook(path, clock=clock) as book:
        assert deeds(await reap(book, service, PAYER)) == ["waiting"]
        clock.advance(31)
        assert deeds(await reap(book, service, PAYER)) == ["nothing"]
        assert ((await only(book)).state, (await only(book)).cost_s) == ("refused", 0.0)


async def test_a_session_that_comes_late_is_found_by_one_with_patience(
    path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = FakeService()
    await lose_create(path, clock, service, opens=False)
    looks = 0

    async def pause(_: float) -> None:
        nonlocal looks
        looks += 1
        clock.advance(2)
        if looks == 3:
            service.open_one()

    monkeypatch.setattr(anyio, "sleep", pause)
    async with LeaseBook(path, clock=clock) as book:
        assert deeds(await reap(book, service, PAYER, Rules(patience_s=60))) == ["closed"]
    assert service.open == {}


async def test_a_lost_create_that_nobody_can_tell_is_reported_and_its_time_waited_out(
    path: Path, clock: FakeClock
) -> None:
    service = FakeService()
    session = await lose_create(path, clock, service, looks=False)
    async with LeaseBook(path, clock=clock) as book:
        [outcome] = await reap(book, service, PAYER)
        assert (outcome.deed, outcome.done) == ("ambiguous", False)
        assert session in outcome.detail
        assert (await only(book)).suspects == (session,)
        assert deeds(await reap(book, service, PAYER, Rules(sole_user=True))) == ["ambiguous"]
        clock.advance(700)
        assert deeds(await reap(book, service, PAYER)) == ["unknown"]
        assert ((await only(book)).state, (await only(book)).cost_s) == ("closed", 600.0)
    assert service.closed == []


async def test_ids_that_tell_the_time_make_a_late_reap_as_sure_as_an_early_one(path: Path, clock: FakeClock) -> None:
    service = FakeService(id_time=lambda: clock.unix_s)
    async with LeaseBook(path, clock=clock) as book:
        await book.ask("earlier", ask())
        await book.opened("earlier", service.open_one())
        await book.settle("earlier", "closed")
        service.open.clear()
    clock.advance(100)
    session = await lose_create(path, clock, service, looks=False)
    clock.advance(300)
    stranger = service.open_one()
    clock.reboot()
    async with LeaseBook(path, clock=clock) as book:
        assert deeds(await reap(book, service, PAYER)) == ["closed"]
    assert (service.closed, list(service.open)) == ([session], [stranger])


async def test_a_close_that_fails_is_told_and_done_by_the_next(path: Path, clock: FakeClock) -> None:
    service = FakeService()
    session = await leave_open(path, clock, service)
    service.close_fault = ServiceRefused(1102, "token empty")
    async with LeaseBook(path, clock=clock) as book:
        [outcome] = await reap(book, service, PAYER)
        assert (outcome.deed, outcome.done) == ("failed", False)
        assert outcome.detail == "session/close: the service refused: code 1102, token empty"
        assert ((await only(book)).held, (await only(book)).note) == ("nobody", outcome.detail)
        service.close_fault = None
        assert deeds(await reap(book, service, PAYER)) == ["closed"]
    assert service.closed == [session]


async def test_one_close_that_fails_does_not_keep_the_others_open(path: Path, clock: FakeClock) -> None:
    service = FakeService()
    sessions = [await leave_open(path, clock, service, lease_id) for lease_id in ("L1", "L2", "L3")]
    close = service.close

    async def sometimes(session_id: str) -> None:
        if session_id == sessions[1]:
            raise RuntimeError("a bug")
        await close(session_id)

    service.close = sometimes  # type: ignore[method-assign]
    async with LeaseBook(path, clock=clock) as book:
        outcomes = await reap(book, service, PAYER)
    assert sorted(deeds(outcomes)) == ["closed", "closed", "failed"]
    assert [one.detail for one in outcomes if one.deed == "failed"] == ["session/close: RuntimeError: a bug"]


async def test_sessions_are_closed_side_by_side(path: Path, clock: FakeClock) -> None:
    service = FakeService()
    sessions = [await leave_open(path, clock, service, f"L{number}") for number in range(5)]
    closing: set[str] = set()
    together = anyio.Event()

    async def close(session_id: str) -> None:
        closing.add(session_id)
        if len(closing) == 5:
            together.set()
        await together.wait()

    service.close = close  # type: ignore[method-assign]
    async with LeaseBook(path, clock=clock) as book:
        assert deeds(await reap(book, service, PAYER)) == ["closed"] * 5
    assert closing == set(sessions)


async def test_a_list_that_fails_is_told_for_each_lease(path: Path, clock: FakeClock) -> None:
    service = FakeService()
    await leave_open(path, clock, service)
    service.list_fault = ServiceUnreachable("session/list", "no route")
    async with LeaseBook(path, clock=clock) as book:
        [outcome] = await reap(book, service, PAYER)
        assert outcome.deed == "failed"
        assert "session/list: the service is out of reach" in outcome.detail
        assert (await only(book)).state == "open"


async def test_without_a_list_what_must_be_over_is_settled_all_the_same(path: Path, clock: FakeClock) -> None:
    service = FakeService()
    await leave_open(path, clock, service)
    service.list_fault = ServiceUnreachable("session/list", "no route")
    clock.advance(10_000)
    async with LeaseBook(path, clock=clock) as book:
        assert deeds(await reap(book, service, PAYER)) == ["over"]


async def test_a_service_that_never_answers_has_a_deadline(
    path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("akoolflow.leases.reaping._CALL_TIMEOUT_S", 0.01)
    service = FakeService()
    await leave_open(path, clock, service)
    service.close = lambda session_id: anyio.sleep_forever()  # type: ignore[method-assign]
    async with LeaseBook(path, clock=clock) as book:
        [outcome] = await reap(book, service, PAYER)
        assert outcome.detail == "session/close: no answer within 0.01 s"
        assert (await only(book)).held == "nobody"


async def test_a_reaper_that_is_cancelled_lets_go_of_what_it_had_taken(path: Path, clock: FakeClock) -> None:
    service = FakeService()
    await leave_open(path, clock, service)
    closing = anyio.Event()

    async def hang(session_id: str) -> None:
        closing.set()
        await anyio.sleep_forever()

    service.close = hang  # type: ignore[method-assign]
    async with LeaseBook(path, clock=clock) as book:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(reap, book, service, PAYER)
            await closing.wait()
            assert (await only(book)).held == "here"
            tasks.cancel_scope.cancel()
        assert (await only(book)).held == "nobody"


async def test_a_reaper_that_is_killed_leaves_the_rest_to_the_next(path: Path, clock: FakeClock) -> None:
    service = FakeService()
    session = await leave_open(path, clock, service)
    first = await LeaseBook(path, clock=clock).__aenter__()
    assert await first.take(await only(first))
    async with LeaseBook(path, clock=clock) as book:
        assert await reap(book, service, PAYER) == []
        die(first)
        assert deeds(await reap(book, service, PAYER)) == ["closed"]
    assert service.closed == [session]


async def test_two_reapers_at_once_close_each_session_once(path: Path, clock: FakeClock) -> None:
    service = FakeService()
    sessions = [await leave_open(path, clock, service, f"L{number}") for number in range(6)]
    found: list[Outcome] = []

    async def run(book: LeaseBook) -> None:
        found.extend(await reap(book, service, PAYER))

    async with LeaseBook(path, clock=clock) as one, LeaseBook(path, clock=clock) as two:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run, one)
            tasks.start_soon(run, two)
        assert {lease.state for lease in await one.leases()} == {"closed"}
    assert sorted(service.closed) == sorted(sessions)
    assert sorted(outcome.session for outcome in found) == sorted(sessions)


async def test_a_session_that_a_live_process_opens_while_the_list_is_read_is_not_taken_for_a_lost_one(
    path: Path, clock: FakeClock
) -> None:
    service = FakeService()
    await lose_create(path, clock, service, opens=False)
    clock.advance(1)
    async with LeaseBook(path, clock=clock) as theirs, LeaseBook(path, clock=clock) as book:
        listed = service.open_sessions

        async def meanwhile() -> list[object]:
            await theirs.ask("theirs", ask())
            service.open_one()
            return list(await listed())

        service.open_sessions = meanwhile  # type: ignore[method-assign, assignment]
        [outcome] = await reap(book, service, PAYER, Rules(sole_user=True))
        assert outcome.deed == "waiting"
    assert service.closed == []


async def test_a_book_that_breaks_is_an_error_and_not_an_outcome(path: Path, clock: FakeClock) -> None:
    service = FakeService()
    await leave_open(path, clock, service)
    async with LeaseBook(path, clock=clock) as book:
        book._open._db.execute("PRAGMA query_only = ON")
        with pytest.raises(LeasesUnusable, match="read-only"):
            await reap(book, service, PAYER)
    assert service.closed == []


async def test_an_outcome_reads_as_one_line(path: Path, clock: FakeClock) -> None:
    service = FakeService()
    session = await leave_open(path, clock, service)
    async with LeaseBook(path, clock=clock) as book:
        [outcome] = await reap(book, service, PAYER)
    assert str(outcome).startswith(f"session {session} (lease L): closed: left open by process ")
    assert str(Outcome(lease="L", deed="waiting", avatar="a", detail="…")) == "a session of a (lease L): waiting: …"
