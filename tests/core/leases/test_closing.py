"""Closing one session by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.core.leases.fakes import OTHER_PAYER, PAYER, FakeClock, FakeService, Listed, ask

from akoolflow.errors import ServiceRefused
from akoolflow.leases.book import LeaseBook
from akoolflow.leases.closing import Closing, Hand, close_by_hand

pytestmark = pytest.mark.anyio


class Table:
    """A session held by a live process, one left behind, and one of a stranger."""

    def __init__(self, book: LeaseBook, theirs: LeaseBook) -> None:
        self.book, self.theirs, self.service = book, theirs, FakeService()
        self.held, self.left, self.strange = (self.service.open_one() for _ in range(3))

    async def close(self, name: str, **how: Any) -> Closing:
        return await close_by_hand(Hand(self.book, self.service, PAYER, **how), name)

    async def states(self) -> dict[str, str]:
        return {lease.id: lease.state for lease in await self.book.leases()}


@asynccontextmanager
async def table(path: Path, clock: FakeClock) -> AsyncIterator[Table]:
    async with LeaseBook(path, clock=clock) as book, LeaseBook(path, clock=clock) as theirs:
        made = Table(book, theirs)
        for lease, session in (("Lheld00", made.held), ("Lleft00", made.left)):
            await theirs.ask(lease, ask())
            await theirs.opened(lease, session)
        await theirs.release("Lleft00")
        yield made


async def test_what_was_left_behind_is_closed_and_settled(path: Path, clock: FakeClock) -> None:
    async with table(path, clock) as here:
        closing = await here.close(here.left)
        assert (closing.ending, closing.done, closing.lease) == ("closed", True, "Lleft00")
        assert (here.service.closed, (await here.states())["Lleft00"]) == ([here.left], "closed")


@pytest.mark.parametrize("name", ["Lleft00", "Lleft0"])
async def test_a_lease_names_its_session(path: Path, clock: FakeClock, name: str) -> None:
    async with table(path, clock) as here:
        assert (await here.close(name)).session == here.left


async def test_what_a_live_process_holds_is_not_closed(path: Path, clock: FakeClock) -> None:
    async with table(path, clock) as here:
        closing = await here.close(here.held)
        assert (closing.ending, closing.done) == ("held", False)
        assert "is alive and holds it; --force" in closing.detail
        assert here.service.closed == []


async def test_by_force_it_is_closed_and_its_lease_left_to_its_holder(path: Path, clock: FakeClock) -> None:
    async with table(path, clock) as here:
        assert (await here.close(here.held, force=True)).ending == "closed"
        assert (here.service.closed, (await here.states())["Lheld00"]) == ([here.held], "open")


async def test_a_strangers_session_is_closed_by_its_id(path: Path, clock: FakeClock) -> None:
    async with table(path, clock) as here:
        closing = await here.close(here.strange[:6])
        assert (closing.ending, closing.session, closing.lease) == ("closed", here.strange, "")


@pytest.mark.parametrize("name", ["nobody", "", "L"])
async def test_a_name_that_nobody_has_is_told(path: Path, clock: FakeClock, name: str) -> None:
    async with table(path, clock) as here:
        assert (await here.close(name)).ending == "unknown"
        assert here.service.closed == []


async def test_a_name_that_fits_several_is_told(path: Path, clock: FakeClock) -> None:
    async with table(path, clock) as here:
        for session in ("abcdef01", "abcdef02"):
            here.service.open[session] = Listed(session)
        closing = await here.close("abcdef")
        assert (closing.ending, closing.detail) == ("unclear", "it may be abcdef01 or abcdef02; give more of the id")
        assert here.service.closed == []


async def test_a_session_that_is_over_is_settled_without_a_call(path: Path, clock: FakeClock) -> None:
    async with table(path, clock) as here:
        del here.service.open[here.left]
        assert (await here.close(here.left)).ending == "over"
        assert (here.service.closed, (await here.states())["Lleft00"]) == ([], "closed")


async def test_a_create_without_its_answer_has_nothing_to_close(path: Path, clock: FakeClock) -> None:
    async with table(path, clock) as here:
        await here.theirs.ask("Lasking", ask())
        closing = await here.close("Lasking")
        assert (closing.ending, closing.lease) == ("pending", "Lasking")


async def test_another_payers_lease_is_not_this_ones_business(path: Path, clock: FakeClock) -> None:
    async with table(path, clock) as here:
        await here.theirs.ask("Lother0", ask(payer=OTHER_PAYER))
        await here.theirs.opened("Lother0", "s-other")
        assert (await here.close("s-other")).ending == "unknown"


async def test_a_dry_run_does_nothing(path: Path, clock: FakeClock) -> None:
    async with table(path, clock) as here:
        assert (await here.close(here.left, dry_run=True)).ending == "closed"
        assert (here.service.closed, (await here.states())["Lleft00"]) == ([], "open")


async def test_a_close_that_is_refused_is_told_and_the_lease_stays_free(path: Path, clock: FakeClock) -> None:
    async with table(path, clock) as here:
        here.service.close_fault = ServiceRefused(1009, "permission denied")
        closing = await here.close(here.left)
        assert (closing.ending, closing.done) == ("failed", False)
        assert "permission denied" in closing.detail
        [lease] = await here.book.find("Lleft00")
        assert (lease.state, lease.held) == ("open", "nobody")


@pytest.mark.parametrize("call", ["close", "open_sessions"])
async def test_a_service_that_is_silent_is_told(
    path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.setattr("akoolflow.leases.closing._CALL_TIMEOUT_S", 0.01)

    async def hang(*_: object) -> None:
        await anyio.sleep_forever()

    async with table(path, clock) as here:
        setattr(here.service, call, hang)
        closing = await here.close(here.left)
        assert (closing.ending, "did not answer session/" in closing.detail) == ("failed", True)
