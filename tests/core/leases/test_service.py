"""A service whose every session has its lease on disk."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType

import anyio
import anyio.lowlevel
import pytest
from anyio import to_thread
from tests.core.leases.fakes import PAYER, Answer, FakeClock, FakeService, die, request

from akoolflow.contracts import AvatarService, AvatarSession, SessionRequest
from akoolflow.errors import AnswerLost, BudgetExceeded, LeasesUnusable, ServiceRefused, ServiceUnreachable
from akoolflow.leases.book import LeaseBook
from akoolflow.leases.budget import Budget, Usage
from akoolflow.leases.lease import Ask, Lease
from akoolflow.leases.reaping import Rules
from akoolflow.leases.service import LeasedService, Terms

pytestmark = pytest.mark.anyio
TERMS = Terms(payer=PAYER, pipeline="concierge")


class Desk:
    """A leased service, and a second book to look over its shoulder."""

    def __init__(self, path: Path, clock: FakeClock, *answers: Answer, terms: Terms = TERMS) -> None:
        self.inner = FakeService(*answers)
        self.own = LeaseBook(path, clock=clock)
        self.book = LeaseBook(path, clock=clock)
        self.service = LeasedService(self.inner, self.own, terms)

    async def leases(self) -> list[Lease]:
        return await self.book.leases()

    async def only(self) -> Lease:
        [lease] = await self.leases()
        return lease

    async def until(self, state: str) -> Lease:
        """Wait for the work in the background."""
        with anyio.fail_after(10):
            while (lease := await self.only()).state != state:
                await anyio.lowlevel.checkpoint()
        return lease


@asynccontextmanager
async def desk(path: Path, clock: FakeClock, *answers: Answer, terms: Terms = TERMS) -> AsyncIterator[Desk]:
    made = Desk(path, clock, *answers, terms=terms)
    async with made.book, made.service:
        yield made


def left(path: Path, clock: FakeClock) -> LeaseBook:
    return LeaseBook(path, clock=clock)


# -- create and close --------------------------------------------------------------------------


async def test_the_lease_is_on_disk_before_the_request_leaves(path: Path, clock: FakeClock) -> None:
    async with desk(path, clock) as here:
        seen: list[Lease] = []
        create = here.inner.create

        async def watched(request: SessionRequest) -> AvatarSession:
            seen.append(await here.only())
            return await create(request)

        here.inner.create = watched  # type: ignore[method-assign]
        session = await here.service.create(request())
        opened = await here.only()
    [asking] = seen
    assert (asking.state, asking.held, asking.session_id) == ("asking", "elsewhere", "")
    assert (asking.ask.avatar_id, asking.ask.pipeline, asking.ask.duration_s) == ("avatar", "concierge", 600)
    assert (opened.state, opened.session_id) == ("open", session.id)


async def test_it_is_an_avatar_service(path: Path, clock: FakeClock) -> None:
    service: AvatarService = Desk(path, clock).service
    assert callable(service.create)


async def test_a_closed_session_is_settled_with_the_seconds_used(path: Path, clock: FakeClock) -> None:
    async with desk(path, clock) as here:
        session = await here.service.create(request())
        clock.advance(42)
        await here.service.close(session.id)
        lease = await here.only()
        assert (lease.state, lease.cost_s) == ("closed", 42.0)
        assert await here.service.usage() == Usage(seconds=42, sessions=1)


async def test_a_session_is_closed_at_the_service_before_its_lease_is_settled(path: Path, clock: FakeClock) -> None:
    async with desk(path, clock) as here:
        session = await here.service.create(request())
        seen: list[str] = []
        close = here.inner.close

        async def watched(session_id: str) -> None:
            seen.append((await here.only()).state)
            await close(session_id)

        here.inner.close = watched  # type: ignore[method-assign]
        await here.service.close(session.id)
    assert seen == ["open"]


async def test_closing_twice_is_the_services_own_affair(path: Path, clock: FakeClock) -> None:
    async with desk(path, clock) as here:
        session = await here.service.create(request())
        await here.service.close(session.id)
        await here.service.close(session.id)
        assert (await here.only()).state == "closed"


async def test_a_session_that_it_did_not_open_is_closed_without_a_lease(path: Path, clock: FakeClock) -> None:
    async with desk(path, clock) as here:
        await here.service.close(here.inner.open_one())
        assert (await here.leases(), here.inner.open) == ([], {})


# -- what goes wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize(("answer", "error"), [("no", ServiceRefused), ("unsent", ServiceUnreachable)])
async def test_a_create_that_surely_opened_nothing_is_settled_at_once(
    path: Path, clock: FakeClock, answer: Answer, error: type[Exception]
) -> None:
    async with desk(path, clock, answer) as here:
        with pytest.raises(error) as caught:
            await here.service.create(request())
        lease = await here.only()
        assert (lease.state, lease.note, await here.service.usage()) == ("refused", str(caught.value), Usage())


async def test_a_refusal_after_which_a_session_may_be_open_all_the_same_is_a_lost_answer(
    path: Path, clock: FakeClock
) -> None:
    async with desk(path, clock) as here:

        async def gateway(request: SessionRequest) -> AvatarSession:
            here.inner.open_one()
            error = ServiceRefused(1003, "bad gateway")
            error.may_have_happened = True
            raise error

        here.inner.create = gateway  # type: ignore[method-assign]
        with pytest.raises(ServiceRefused):
            await here.service.create(request())
        await here.until("closed")
        assert here.inner.open == {}


@pytest.mark.parametrize("answer", ["lost", "bug"])
async def test_a_create_whose_answer_is_lost_is_not_repeated(path: Path, clock: FakeClock, answer: Answer) -> None:
    async with desk(path, clock, answer) as here:
        with pytest.raises((AnswerLost, RuntimeError)):
            await here.service.create(request())
        assert len(await here.leases()) == 1
    assert len(here.inner.created) <= 1


async def test_what_a_lost_create_opened_is_closed_in_the_background(path: Path, clock: FakeClock) -> None:
    async with desk(path, clock, "lost") as here:
        stranger = here.inner.open_one()
        with pytest.raises(AnswerLost):
            await here.service.create(request())
        lease = await here.until("closed")
        assert (here.inner.closed, list(here.inner.open)) == ([lease.session_id], [stranger])


async def test_a_lost_create_that_opened_nothing_is_found_out_in_the_background(path: Path, clock: FakeClock) -> None:
    async with desk(path, clock, "lost, nothing opened") as here:
        with pytest.raises(AnswerLost):
            await here.service.create(request())
        clock.advance(31)
        assert (await here.until("refused")).cost_s == 0.0


@pytest.mark.parametrize("shielded", [True, False])
async def test_a_create_that_is_cancelled_leaves_nothing_open(path: Path, clock: FakeClock, *, shielded: bool) -> None:
    async with desk(path, clock, "never") as here:
        async with anyio.create_task_group() as tasks:

            async def create() -> None:
                with anyio.CancelScope(shield=shielded) as scope:
                    scopes.append(scope)
                    await here.service.create(request())

            scopes: list[anyio.CancelScope] = []
            tasks.start_soon(create)
            await here.inner.waiting.wait()
            (scopes[0] if shielded else tasks.cancel_scope).cancel()
        await here.until("closed")
        assert here.inner.open == {}


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_asyncios_own_cancel_leaves_nothing_open_either(path: Path, clock: FakeClock) -> None:
    async with desk(path, clock, "never") as here:
        task = asyncio.ensure_future(here.service.create(request()))
        await here.inner.waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await here.until("closed")
        assert here.inner.open == {}


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_session_whose_caller_asyncio_cancels_while_its_id_is_written_is_closed(
    path: Path, clock: FakeClock
) -> None:
    async with desk(path, clock) as here:
        writing, go_on = threading.Event(), threading.Event()
        write = here.own._open.opened

        def slowly(lease_id: str, session_id: str) -> Lease:
            writing.set()
            go_on.wait(10)
            return write(lease_id, session_id)

        here.own._open.opened = slowly  # type: ignore[method-assign]
        task = asyncio.ensure_future(here.service.create(request()))
        await to_thread.run_sync(writing.wait)
        task.cancel()
        await asyncio.sleep(0)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        await here.until("closed")
        assert here.inner.open == {}


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_lease_whose_writing_is_cancelled_by_asyncio_itself_is_settled(path: Path, clock: FakeClock) -> None:
    async with desk(path, clock) as here:
        writing, go_on = threading.Event(), threading.Event()
        ledger = here.own._open
        write = ledger.ask

        def slowly(lease_id: str, ask: Ask, budget: Budget) -> Lease:
            writing.set()
            go_on.wait(10)
            return write(lease_id, ask, budget)

        ledger.ask = slowly  # type: ignore[method-assign]
        task = asyncio.ensure_future(here.service.create(request()))
        await to_thread.run_sync(writing.wait)
        task.cancel()
        await asyncio.wait({task}, timeout=0.05)
        assert not task.done()  # it waits for the thread, whatever happens
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ((await here.until("refused")).note, here.inner.created) == ("it was not asked for", [])


async def test_an_answer_that_comes_with_the_cancel_is_kept(path: Path, clock: FakeClock) -> None:
    """The caller gets his session, and with it the duty to close it."""
    async with desk(path, clock) as here:
        sessions = []
        with anyio.CancelScope() as scope:
            create = here.inner.create

            async def late(request: SessionRequest) -> AvatarSession:
                session = await create(request)
                scope.cancel()
                return session

            here.inner.create = late  # type: ignore[method-assign]
            sessions.append(await here.service.create(request()))
        assert [session.id for session in sessions] == [(await here.only()).session_id]
        assert (await here.only()).state == "open"


async def test_a_close_that_fails_is_told_and_tried_again_in_the_background(path: Path, clock: FakeClock) -> None:
    async with desk(path, clock) as here:
        session = await here.service.create(request())
        here.inner.close_fault = ServiceUnreachable("session/close", "no route")
        with pytest.raises(ServiceUnreachable):
            await here.service.close(session.id)
        assert (await here.only()).state == "open"
        here.inner.close_fault = None
        await here.until("closed")
        assert here.inner.closed == [session.id]


async def test_a_close_that_is_cancelled_is_done_in_the_background(path: Path, clock: FakeClock) -> None:
    async with desk(path, clock) as here:
        session = await here.service.create(request())
        close, started = here.inner.close, anyio.Event()

        async def hang(_: str) -> None:
            started.set()
            await anyio.sleep_forever()

        here.inner.close = hang  # type: ignore[method-assign, assignment]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(here.service.close, session.id)
            await started.wait()
            tasks.cancel_scope.cancel()
            here.inner.close = close  # type: ignore[method-assign]
        await here.until("closed")
        assert here.inner.closed == [session.id]


# -- the book breaks ---------------------------------------------------------------------------


def read_only(book: LeaseBook, *, on: bool = True) -> None:
    book._open._db.execute(f"PRAGMA query_only = {int(on)}")


async def test_without_a_lease_nothing_is_asked_for(path: Path, clock: FakeClock) -> None:
    async with desk(path, clock) as here:
        read_only(here.own)
        with pytest.raises(LeasesUnusable, match="read-only"):
            await here.service.create(request())
        read_only(here.own, on=False)
        assert (here.inner.created, await here.leases()) == ([], [])


async def test_a_session_whose_id_cannot_be_written_down_is_given_back(path: Path, clock: FakeClock) -> None:
    async with desk(path, clock) as here:
        create = here.inner.create

        async def breaks(request: SessionRequest) -> AvatarSession:
            read_only(here.own)
            return await create(request)

        here.inner.create = breaks  # type: ignore[method-assign]
        with pytest.raises(LeasesUnusable, match="read-only"):
            await here.service.create(request())
        assert here.inner.closed == here.inner.created
        read_only(here.own, on=False)


async def test_a_session_that_was_closed_is_closed_though_the_book_cannot_say_so(
    path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with desk(path, clock) as here:
        session = await here.service.create(request())
        read_only(here.own)
        await here.service.close(session.id)
        read_only(here.own, on=False)
        assert "read-only" in caplog.text
        assert (await here.only()).state == "open"
    async with left(path, clock) as book:
        assert [lease.state for lease in await book.leases()] == ["closed"]
    assert here.inner.closed == [session.id]


async def test_a_book_that_cannot_be_opened_stops_everything(path: Path, clock: FakeClock) -> None:
    broken = LeasedService(FakeService(), LeaseBook(Path("/proc/no/folder/of/mine"), clock=clock), TERMS)
    with pytest.raises(LeasesUnusable):
        await broken.__aenter__()


# -- in and out --------------------------------------------------------------------------------


async def test_what_earlier_runs_left_open_is_closed_before_the_first_create(path: Path, clock: FakeClock) -> None:
    first = Desk(path, clock)
    dead = await first.own.__aenter__()
    first.service._book = dead
    session = await first.service.create(request())
    die(dead)
    second = Desk(path, clock)
    second.inner.open = first.inner.open
    async with second.book, second.service:
        assert second.inner.closed == [session.id]
        assert [lease.state for lease in await second.leases()] == ["closed"]


async def test_a_service_that_is_out_of_reach_at_the_start_keeps_nobody_from_starting(
    path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    first = Desk(path, clock)
    first.service._book = await first.own.__aenter__()
    await first.service.create(request())
    die(first.own)
    second = Desk(path, clock)
    second.inner.list_fault = ServiceUnreachable("session/list", "no route")
    async with second.book, second.service:
        assert "failed: session/list" in caplog.text


async def test_what_is_still_open_on_the_way_out_is_closed(path: Path, clock: FakeClock) -> None:
    async with desk(path, clock) as here:
        sessions = [(await here.service.create(request(f"avatar {number}"))).id for number in range(3)]
    async with left(path, clock) as book:
        assert [lease.state for lease in await book.leases()] == ["closed"] * 3
    assert sorted(here.inner.closed) == sorted(sessions)


async def test_the_way_out_under_cancellation_closes_as_well(path: Path, clock: FakeClock) -> None:
    with anyio.CancelScope() as scope:
        async with desk(path, clock) as here:
            await here.service.create(request())
            scope.cancel()
            await anyio.lowlevel.checkpoint()
    assert here.inner.open == {}


async def test_the_way_out_has_a_deadline(
    path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("akoolflow.leases.service._LAST_REAP_TIMEOUT_S", 0.05)
    async with desk(path, clock) as here:
        await here.service.create(request())
        here.inner.close = lambda session_id: anyio.sleep_forever()  # type: ignore[method-assign]
    assert "`akoolflow sessions reap` will" in caplog.text
    async with left(path, clock) as book:
        [lease] = await book.leases()
        assert (lease.state, lease.held) == ("open", "nobody")


async def test_a_book_that_breaks_on_the_way_out_is_told_and_hides_no_other_error(
    path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    here = Desk(path, clock)

    async def body() -> None:
        async with here.service:
            await here.service.create(request())
            read_only(here.own)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await body()
    assert "read-only" in caplog.text
    async with left(path, clock) as book:
        [lease] = await book.leases()
        assert (lease.state, lease.held) == ("open", "nobody")


async def test_the_inner_service_is_opened_before_and_closed_after_it_is_needed(path: Path, clock: FakeClock) -> None:
    order: list[str] = []

    class Managed(FakeService):
        async def __aenter__(self) -> None:
            order.append("enter")

        async def __aexit__(
            self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
        ) -> None:
            order.append("exit")

        async def close(self, session_id: str) -> None:
            order.append("close")

    async with LeasedService(Managed(), LeaseBook(path, clock=clock), TERMS) as service:
        await service.create(request())
    assert order == ["enter", "close", "exit"]


async def test_an_error_in_the_body_comes_out_as_it_was(path: Path, clock: FakeClock) -> None:
    here = Desk(path, clock)

    async def body() -> None:
        async with here.service:
            await here.service.create(request())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await body()
    assert here.inner.open == {}


# -- the look before ---------------------------------------------------------------------------


async def test_what_was_open_before_is_noted_while_ids_tell_nothing(path: Path, clock: FakeClock) -> None:
    async with desk(path, clock, "no", "yes", "no") as here:
        stranger = here.inner.open_one()
        seen: list[set[str]] = []
        write = here.own._open.ask

        def watched(lease_id: str, ask: Ask, budget: Budget) -> Lease:
            seen.append(set(ask.before or ()))
            return write(lease_id, ask, budget)

        here.own._open.ask = watched  # type: ignore[method-assign]
        for number in range(3):
            try:
                await here.service.create(request(f"avatar {number}"))
            except ServiceRefused:
                clock.advance(10)
    assert seen == [{stranger}, {stranger}, {stranger, here.inner.created[1]}]


async def test_where_ids_tell_the_time_nobody_looks_before_a_create(path: Path, clock: FakeClock) -> None:
    async with desk(path, clock) as here:
        here.inner._id_time = lambda: clock.unix_s
        for number in range(5):
            await here.service.create(request(f"avatar {number}"))
            clock.advance(100)
        assert here.inner.lists == 1


async def test_a_look_that_fails_does_not_keep_a_session_from_being_opened(
    path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with desk(path, clock) as here:
        here.inner.list_fault = ServiceUnreachable("session/list", "no route")
        await here.service.create(request())
        here.inner.list_fault = None
        assert "open sessions could not be listed" in caplog.text
        assert (await here.only()).state == "open"


# -- budget ------------------------------------------------------------------------------------


async def test_a_budget_is_checked_before_anything_is_asked_for(path: Path, clock: FakeClock) -> None:
    terms = Terms(payer=PAYER, pipeline="concierge", budget=Budget(seconds_per_day=1000))
    async with desk(path, clock, terms=terms) as here:
        session = await here.service.create(request())
        with pytest.raises(BudgetExceeded, match="pipeline 'concierge' may use 1000 seconds a day"):
            await here.service.create(request("another"))
        assert len(here.inner.created) == 1
        clock.advance(10)
        await here.service.close(session.id)
        await here.service.create(request())


async def test_many_creates_at_once_get_exactly_what_the_budget_allows(path: Path, clock: FakeClock) -> None:
    terms = Terms(payer=PAYER, budget=Budget(sessions_per_day=4))
    refused = 0
    async with desk(path, clock, terms=terms) as here:

        async def create(number: int) -> None:
            nonlocal refused
            try:
                await here.service.create(request(f"avatar {number}"))
            except BudgetExceeded:
                refused += 1

        async with anyio.create_task_group() as tasks:
            for number in range(10):
                tasks.start_soon(create, number)
    assert (len(here.inner.created), refused) == (4, 6)


# -- the loop ----------------------------------------------------------------------------------


async def test_the_event_loop_never_waits_for_the_disk(path: Path, clock: FakeClock) -> None:
    """Every statement runs in a worker thread."""
    here = Desk(path, clock, "yes", "no", "lost")
    threads: set[int] = set()
    async with here.service:
        here.own._open._db.set_trace_callback(lambda _: threads.add(threading.get_ident()))
        session = await here.service.create(request())
        for error in (ServiceRefused, AnswerLost):
            with pytest.raises(error):
                await here.service.create(request("another"))
        await here.service.close(session.id)
        await here.service.usage()
        ledger = here.own._open
        await to_thread.run_sync(ledger._db.set_trace_callback, None)
    assert threads
    assert threading.get_ident() not in threads


async def test_secrets_of_a_request_are_not_in_the_book(path: Path, clock: FakeClock) -> None:
    from msgspec.structs import replace

    async with desk(path, clock) as here:
        wanted = replace(request(), credentials={"livekit_token": "t0ken"}, voice_params={"api_key": "k3y"})
        await here.service.create(wanted)
        content = b"".join(file.read_bytes() for file in path.parent.glob("leases.sqlite3*"))
    assert b"avatar" in content
    assert not any(secret in content for secret in (b"t0ken", b"k3y"))


async def test_what_was_left_behind_is_told_in_the_log(
    path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with desk(path, clock) as here:
        session = await here.service.create(request())
        lease = await here.only()
    [line] = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert line.startswith(f"session {session.id} (lease {lease.id}): closed: left open by process ")


async def test_rules_are_those_of_the_terms(path: Path, clock: FakeClock) -> None:
    terms = Terms(payer=PAYER, rules=Rules(settle_s=5))
    async with desk(path, clock, "lost, nothing opened", terms=terms) as here:
        with pytest.raises(AnswerLost):
            await here.service.create(request())
        clock.advance(6)
        await here.until("refused")
