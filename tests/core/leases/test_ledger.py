"""Leases on disk: their states, their holders, and what a day's budget says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule
from tests.core.leases.fakes import OTHER_PAYER, PAYER, FakeClock, ask

from akoolflow.errors import LeasesUnusable
from akoolflow.leases.budget import DAY_S, Budget
from akoolflow.leases.lease import LONGEST_S, TRANSITIONS, UNSETTLED, Lease, State
from akoolflow.leases.ledger import Ledger

NO_LIMIT = Budget()


@pytest.fixture
def ledger(path: Path, clock: FakeClock) -> Iterator[Ledger]:
    ledger = Ledger(path, clock)
    yield ledger
    ledger.close()


@pytest.fixture
def other(path: Path, clock: FakeClock) -> Iterator[Ledger]:
    """Another book on the same file; as good as another process, since its lock is another."""
    ledger = Ledger(path, clock)
    yield ledger
    ledger.close()


def only(ledger: Ledger) -> Lease:
    [lease] = ledger.leases()
    return lease


# -- the life of a lease -----------------------------------------------------------------------


def test_a_lease_says_who_asks_for_what_and_when(ledger: Ledger, clock: FakeClock) -> None:
    wanted = ask(pipeline="concierge", before=frozenset({"a", "b"}))
    lease = ledger.ask("L", wanted, NO_LIMIT)
    assert (lease.state, lease.held, lease.ask, lease.asked) == ("asking", "here", wanted, clock())
    assert lease.opener == lease.holder
    assert lease == only(ledger)


def test_the_key_is_nowhere_in_the_book(ledger: Ledger, path: Path) -> None:
    from akoolflow.leases.lease import payer_of

    ledger.ask("L", ask(payer=payer_of("http://service.test", "s3cret-key-of-mine")), NO_LIMIT)
    assert not [file for file in path.parent.rglob("*") if file.is_file() and b"s3cret-key" in file.read_bytes()]


def test_an_opened_lease_knows_its_session_and_forgets_what_was_open_before(ledger: Ledger, clock: FakeClock) -> None:
    ledger.ask("L", ask(before=frozenset({"a"})), NO_LIMIT)
    clock.advance(2)
    lease = ledger.opened("L", "s1")
    assert (lease.state, lease.session_id, lease.opened, lease.ask.before) == ("open", "s1", clock(), None)


def test_a_closed_lease_costs_the_seconds_from_the_answer_on(ledger: Ledger, clock: FakeClock) -> None:
    ledger.ask("L", ask(duration_s=600), NO_LIMIT)
    clock.advance(2)
    ledger.opened("L", "s1")
    clock.advance(42)
    assert ledger.settle("L", "closed")
    lease = only(ledger)
    assert (lease.state, lease.cost_s, lease.settled_unix_s, lease.holder) == ("closed", 42.0, clock.unix_s, None)


def test_no_lease_costs_more_than_was_asked_for(ledger: Ledger, clock: FakeClock) -> None:
    ledger.ask("L", ask(duration_s=600), NO_LIMIT)
    ledger.opened("L", "s1")
    clock.advance(10_000)
    ledger.settle("L", "closed")
    assert only(ledger).cost_s == 600.0


def test_a_wall_clock_that_is_set_back_makes_no_session_free(ledger: Ledger, clock: FakeClock) -> None:
    ledger.ask("L", ask(duration_s=600), NO_LIMIT)
    ledger.opened("L", "s1")
    clock.advance(42)
    clock.unix_s -= 100_000
    ledger.settle("L", "closed")
    assert only(ledger).cost_s == 42.0


def test_a_refused_lease_costs_nothing_and_says_why(ledger: Ledger) -> None:
    ledger.ask("L", ask(), NO_LIMIT)
    assert ledger.settle("L", "refused", "busy")
    assert (only(ledger).state, only(ledger).cost_s, only(ledger).note) == ("refused", 0.0, "busy")


@pytest.mark.parametrize("end", ["closed", "refused"])
def test_what_is_settled_stays_as_it_is(ledger: Ledger, clock: FakeClock, end: State) -> None:
    ledger.ask("L", ask(), NO_LIMIT)
    ledger.settle("L", end)
    before = only(ledger)
    clock.advance(100)
    assert not ledger.settle("L", "closed", "again")
    ledger.release("L", "again")
    with pytest.raises(LeasesUnusable, match="was settled by another process"):
        ledger.opened("L", "s1")
    assert only(ledger) == before


def test_the_table_of_states_has_an_end_and_no_way_back() -> None:
    assert UNSETTLED == ("asking", "open")
    assert all(after == frozenset() for state, after in TRANSITIONS.items() if state not in UNSETTLED)
    assert "asking" not in frozenset().union(*TRANSITIONS.values())


# -- holders -----------------------------------------------------------------------------------


def test_another_live_book_sees_who_holds_a_lease_and_cannot_touch_it(ledger: Ledger, other: Ledger) -> None:
    ledger.ask("L", ask(), NO_LIMIT)
    lease = only(other)
    assert lease.held == "elsewhere"
    assert not other.take(lease)
    assert not other.settle("L", "closed")
    other.release("L", "mine")
    with pytest.raises(LeasesUnusable):
        other.opened("L", "s1")
    assert only(ledger) == ledger.leases()[0]
    assert (only(ledger).held, only(ledger).note) == ("here", "")


def test_a_lease_that_was_let_go_can_be_taken_once(ledger: Ledger, other: Ledger) -> None:
    ledger.ask("L", ask(), NO_LIMIT)
    ledger.release("L", "lost")
    lease = only(other)
    assert (lease.held, lease.note) == ("nobody", "lost")
    assert [other.take(lease), ledger.take(lease)] == [True, False]
    assert (only(ledger).held, only(other).held) == ("elsewhere", "here")
    assert only(other).opener == lease.opener


def test_a_book_that_is_closed_lets_go_of_its_leases(path: Path, clock: FakeClock, other: Ledger) -> None:
    ledger = Ledger(path, clock)
    ledger.ask("L", ask(), NO_LIMIT)
    ledger.close()
    for lock in path.with_suffix(".holders").iterdir():
        lock.unlink()  # or else the process, which goes on, would be asked for
    assert only(other).held == "nobody"


def test_taking_a_lost_create_may_name_its_session(ledger: Ledger, other: Ledger) -> None:
    ledger.ask("L", ask(before=frozenset("a")), NO_LIMIT)
    ledger.release("L")
    assert other.take(only(other), "s1")
    assert (only(other).state, only(other).session_id, only(other).opened) == ("open", "s1", None)


def test_a_session_that_another_lease_names_is_not_named_twice(ledger: Ledger, other: Ledger) -> None:
    ledger.ask("L1", ask(), NO_LIMIT)
    ledger.opened("L1", "s1")
    ledger.ask("L2", ask(), NO_LIMIT)
    ledger.release("L2")
    assert not other.take(other.find("L2")[0], "s1")


def test_a_lease_that_has_moved_on_since_it_was_read_is_not_taken(ledger: Ledger, other: Ledger) -> None:
    ledger.ask("L", ask(), NO_LIMIT)
    ledger.release("L")
    stale = only(other)
    ledger.take(stale, "s1")
    ledger.release("L")
    assert not other.take(stale, "s2")


def test_what_is_settled_is_not_taken(ledger: Ledger, other: Ledger) -> None:
    ledger.ask("L", ask(), NO_LIMIT)
    ledger.settle("L", "closed")
    assert not other.take(only(other), "s1")


def test_a_book_that_is_only_read_has_no_holder(ledger: Ledger, path: Path) -> None:
    ledger.leases()
    ledger.find("nothing")
    ledger.usage(PAYER, "")
    assert not path.with_suffix(".holders").exists()


def test_a_transaction_that_is_rolled_back_takes_no_holder_with_it(ledger: Ledger) -> None:
    with pytest.raises(LeasesUnusable, match="the disk is full"):
        _refuse_first(ledger)
    assert ledger.ask("L2", ask(), NO_LIMIT).held == "here"


def _refuse_first(ledger: Ledger) -> None:
    [pages] = ledger._db.execute("PRAGMA page_count").fetchone()
    ledger._db.execute(f"PRAGMA max_page_count = {pages}")
    try:
        ledger.ask("L1", ask(before=frozenset(map(str, range(10_000)))), NO_LIMIT)
    finally:
        ledger._db.execute("PRAGMA max_page_count = 1000000")


# -- reading -----------------------------------------------------------------------------------


def test_leases_are_found_by_id_session_or_the_beginning_of_either(ledger: Ledger) -> None:
    for lease_id, session_id in (("L111111aa", "5555550a"), ("L222222aa", "5555550b")):
        ledger.ask(lease_id, ask(), NO_LIMIT)
        ledger.opened(lease_id, session_id)
    found = {name: [lease.id for lease in ledger.find(name)] for name in ("L111111aa", "L11111", "L1111", "%", "")}
    assert found == {"L111111aa": ["L111111aa"], "L11111": ["L111111aa"], "L1111": [], "%": [], "": []}
    assert [lease.id for lease in ledger.find("555555")] == ["L111111aa", "L222222aa"]
    assert [lease.id for lease in ledger.find("5555550b")] == ["L222222aa"]


def test_each_payer_has_leases_of_its_own(ledger: Ledger) -> None:
    for lease_id, payer in (("L1", PAYER), ("L2", OTHER_PAYER)):
        ledger.ask(lease_id, ask(payer=payer), NO_LIMIT)
        ledger.opened(lease_id, f"session of {lease_id}")
    assert [lease.id for lease in ledger.leases(OTHER_PAYER)] == ["L2"]
    assert ledger.session_ids(PAYER) == {"session of L1"}


def test_settled_leases_are_forgotten_after_five_weeks_and_others_never(
    path: Path, clock: FakeClock, ledger: Ledger
) -> None:
    for lease_id in ("settled", "open", "asking"):
        ledger.ask(lease_id, ask(), NO_LIMIT)
    ledger.opened("open", "s1")
    ledger.settle("settled", "refused")
    clock.advance(34 * DAY_S)
    Ledger(path, clock).close()
    assert len(ledger.leases()) == 3
    clock.advance(2 * DAY_S)
    Ledger(path, clock).close()
    assert {lease.id for lease in ledger.leases()} == {"open", "asking"}


# -- the state machine, at random --------------------------------------------------------------


class Books(RuleBasedStateMachine):
    """Three books on one file, any of which may die, against a model of who holds what in which state."""

    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.clock = FakeClock()
        self.path = Path(self.folder.name) / "leases.sqlite3"
        self.books: dict[int, Ledger] = {}
        self.model: dict[str, tuple[State, int | None]] = {}

    def book(self, number: int) -> Ledger:
        if number not in self.books:
            self.books[number] = Ledger(self.path, self.clock)
        return self.books[number]

    def expect(self, lease: str, number: int, state: State) -> bool:
        """Whether the model lets this book take this step; if so, it is taken there."""
        now, holder = self.model[lease]
        allowed = holder == number and state in TRANSITIONS[now]
        if allowed:
            self.model[lease] = (state, number if state in UNSETTLED else None)
        return allowed

    @rule(target=leases, number=st.integers(0, 2))
    def ask(self, number: int) -> str:
        lease = f"L{len(self.model)}"
        self.book(number).ask(lease, ask(), NO_LIMIT)
        self.model[lease] = ("asking", number)
        return lease

    @rule(lease=leases, number=st.integers(0, 2))
    def opened(self, lease: str, number: int) -> None:
        if self.expect(lease, number, "open"):
            self.book(number).opened(lease, f"session of {lease}")
        else:
            with pytest.raises(LeasesUnusable):
                self.book(number).opened(lease, f"session of {lease}")

    @rule(lease=leases, number=st.integers(0, 2), end=st.sampled_from(["closed", "refused"]), whole=st.booleans())
    def settle(self, lease: str, number: int, end: State, whole: bool) -> None:  # noqa: FBT001 - hypothesis draws it
        assert self.book(number).settle(lease, end, whole=whole) == self.expect(lease, number, end)

    @rule(lease=leases, number=st.integers(0, 2))
    def release(self, lease: str, number: int) -> None:
        self.book(number).release(lease)
        if self.model[lease][1] == number:
            self.model[lease] = (self.model[lease][0], None)

    @rule(lease=leases, number=st.integers(0, 2), names=st.booleans())
    def take(self, lease: str, number: int, names: bool) -> None:  # noqa: FBT001 - hypothesis draws it
        state, holder = self.model[lease]
        [read] = self.book(number).find(lease)
        allowed = holder is None and state in UNSETTLED
        assert self.book(number).take(read, f"session of {lease}" if names else "") == allowed
        if allowed:
            self.model[lease] = ("open" if names else state, number)

    @rule(number=st.integers(0, 2))
    @precondition(lambda self: self.books)
    def die(self, number: int) -> None:
        book = self.books.pop(number, None)
        if book is None:
            return
        if book._claim is not None:
            book._claim.release()
        book._db.close()
        self.model = {
            lease: (state, None if holder == number else holder) for lease, (state, holder) in self.model.items()
        }

    @rule(seconds=st.floats(0, 5000), jump=st.floats(-1e6, 1e6))
    def time_passes(self, seconds: float, jump: float) -> None:
        self.clock.advance(seconds)
        self.clock.unix_s += jump

    @invariant()
    def the_books_agree_with_the_model(self) -> None:
        for number, book in self.books.items():
            seen = {lease.id: (lease.state, lease.held) for lease in book.leases()}
            expected = {
                lease: (state, "here" if holder == number else "nobody" if holder is None else "elsewhere")
                for lease, (state, holder) in self.model.items()
            }
            assert seen == expected

    @invariant()
    def nothing_costs_less_than_nothing_or_more_than_was_asked_for(self) -> None:
        for book in list(self.books.values())[:1]:
            for lease in book.leases():
                assert 0.0 <= lease.cost_s <= lease.ask.longest_s <= LONGEST_S

    def teardown(self) -> None:
        for book in self.books.values():
            book.close()
        self.folder.cleanup()


TestBooks = Books.TestCase
TestBooks.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)


# -- several processes -------------------------------------------------------------------------

RACE = """
import sys
from pathlib import Path
from akoolflow.errors import BudgetExceeded
from akoolflow.leases.budget import Budget
from akoolflow.leases.clock import now
from akoolflow.leases.lease import Ask, payer_of
from akoolflow.leases.ledger import Ledger, new_id
path, budget = Path(sys.argv[1]), Budget(**{sys.argv[2]: int(sys.argv[3])})
ledger = Ledger(path, now)
ask = Ask(payer=payer_of("http://service.test", "key"), avatar_id="a", stream_type="livekit", duration_s=60)
print("ready", flush=True)
sys.stdin.readline()
passed = 0
for _ in range(8):
    try:
        ledger.ask(new_id(), ask, budget)
        passed += 1
    except BudgetExceeded:
        pass
print(passed, flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize(("limit", "value"), [("sessions_per_day", 11), ("seconds_per_day", 60 * 11 + 59)])
def test_processes_that_race_for_a_budget_get_exactly_what_it_allows(path: Path, limit: str, value: int) -> None:
    command = [sys.executable, "-c", RACE, str(path), limit, str(value)]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    passed = [int(process.stdout.readline()) for process in processes if process.stdout is not None]
    for process in processes:
        process.communicate("end\n", timeout=60)
    assert sum(passed) == 11
