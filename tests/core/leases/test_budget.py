"""What a pipeline may spend in a day."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.core.leases.fakes import NOON, OTHER_PAYER, PAYER, FakeClock, ask

from akoolflow.errors import BudgetExceeded
from akoolflow.leases.budget import DAY_S, Budget, Usage
from akoolflow.leases.ledger import Ledger

TWO_SESSIONS = Budget(sessions_per_day=2)
HOUR = Budget(seconds_per_day=3600)


@pytest.fixture
def ledger(path: Path, clock: FakeClock) -> Iterator[Ledger]:
    ledger = Ledger(path, clock)
    yield ledger
    ledger.close()


def refused(ledger: Ledger, budget: Budget, duration_s: float | None = 600, pipeline: str = "") -> BudgetExceeded:
    with pytest.raises(BudgetExceeded) as caught:
        ledger.ask("refused", ask(duration_s=duration_s, pipeline=pipeline), budget)
    return caught.value


def spend(ledger: Ledger, lease_id: str, duration_s: float | None = 600, **changes: Any) -> None:
    ledger.ask(lease_id, ask(duration_s=duration_s, **changes), Budget())


def test_a_session_more_than_the_day_allows_is_refused_and_leaves_no_lease(ledger: Ledger) -> None:
    for lease_id in ("L1", "L2"):
        ledger.ask(lease_id, ask(), TWO_SESSIONS)
    error = refused(ledger, TWO_SESSIONS)
    assert (error.unit, error.spent.limit, error.spent.used, error.spent.wanted) == ("sessions", 2, 2, 1)
    assert len(ledger.leases()) == 2


def test_an_open_session_counts_with_its_whole_duration(ledger: Ledger, clock: FakeClock) -> None:
    spend(ledger, "L1", 3000)
    clock.advance(100)
    assert ledger.usage(PAYER, "") == Usage(seconds=3000, sessions=1, reserved_s=2900)
    error = refused(ledger, HOUR, 601)
    assert (error.unit, error.spent.used, error.spent.wanted, error.spent.reserved) == ("seconds", 3000, 601, 2900)


def test_a_budget_can_be_used_up_to_the_last_second(ledger: Ledger) -> None:
    spend(ledger, "L1", 3000)
    assert ledger.ask("L2", ask(duration_s=600), HOUR).state == "asking"


def test_what_a_closed_session_has_not_used_is_free_again(ledger: Ledger, clock: FakeClock) -> None:
    spend(ledger, "L1", 3600)
    ledger.opened("L1", "s1")
    clock.advance(100)
    refused(ledger, HOUR, 3500)
    ledger.settle("L1", "closed")
    assert ledger.usage(PAYER, "") == Usage(seconds=100, sessions=1)
    ledger.ask("L2", ask(duration_s=3500), HOUR)


def test_a_refused_create_takes_nothing_of_the_budget(ledger: Ledger) -> None:
    spend(ledger, "L1")
    ledger.settle("L1", "refused")
    assert ledger.usage(PAYER, "") == Usage()


def test_a_create_whose_answer_is_lost_counts_until_it_is_known(ledger: Ledger) -> None:
    spend(ledger, "L1")
    ledger.release("L1")
    assert ledger.usage(PAYER, "").seconds == 600


def test_a_session_without_a_duration_counts_as_the_longest_there_is(ledger: Ledger) -> None:
    assert refused(ledger, Budget(seconds_per_day=3599), None).spent.wanted == 3600


def test_each_pipeline_and_each_payer_has_a_budget_of_its_own(ledger: Ledger) -> None:
    spend(ledger, "L1", pipeline="a")
    spend(ledger, "L2", pipeline="b")
    spend(ledger, "L3", pipeline="a", payer=OTHER_PAYER)
    assert ledger.usage(PAYER, "a") == Usage(seconds=600, sessions=1, reserved_s=600)


def test_the_day_ends_at_midnight_utc(ledger: Ledger, clock: FakeClock) -> None:
    spend(ledger, "L1", 3600)
    assert refused(ledger, HOUR).spent.frees_in_s == DAY_S / 2
    clock.advance(DAY_S / 2 - 1)
    refused(ledger, HOUR)
    clock.advance(1.5)
    ledger.ask("L2", ask(), HOUR)


def test_a_session_counts_on_the_day_on_which_it_was_asked_for(ledger: Ledger, clock: FakeClock) -> None:
    clock.advance(DAY_S / 2 - 10)
    spend(ledger, "L1", 600)
    clock.advance(20)
    assert ledger.usage(PAYER, "") == Usage()


@pytest.mark.parametrize("back_s", [3600.0, 12 * 3600.0, 40 * DAY_S])
def test_setting_the_clock_back_brings_no_new_budget(ledger: Ledger, clock: FakeClock, back_s: float) -> None:
    spend(ledger, "L1", 3600)
    clock.advance(60)
    clock.unix_s -= back_s
    if clock.unix_s % DAY_S < 60:
        clock.advance(60)
    refused(ledger, HOUR)


def test_a_clock_set_back_over_a_reboot_brings_no_new_budget(ledger: Ledger, clock: FakeClock) -> None:
    spend(ledger, "L1", 3600)
    clock.reboot(after_s=-3600)
    refused(ledger, HOUR)


def test_a_reboot_does_not_hide_what_was_spent_before_it(ledger: Ledger, clock: FakeClock) -> None:
    spend(ledger, "L1", 3600)
    clock.reboot(after_s=60)
    refused(ledger, HOUR)


def test_a_clock_that_once_was_years_ahead_does_not_lock_the_budget_for_years(ledger: Ledger, clock: FakeClock) -> None:
    clock.unix_s = NOON + 3650 * DAY_S
    spend(ledger, "L1", 3600)
    clock.reboot(after_s=-3650 * DAY_S)
    ledger.ask("L2", ask(), HOUR)


def test_a_clock_that_was_years_ahead_in_this_boot_does_not_lock_the_budget_beyond_a_day(
    ledger: Ledger, clock: FakeClock
) -> None:
    clock.unix_s = NOON + 3650 * DAY_S
    spend(ledger, "L1", 3600)
    clock.unix_s = NOON
    clock.advance(60)
    refused(ledger, HOUR)
    clock.advance(DAY_S)
    ledger.ask("L2", ask(), HOUR)


def test_the_refusal_says_what_was_used_what_is_wanted_and_when_there_is_more(ledger: Ledger, clock: FakeClock) -> None:
    spend(ledger, "L1", 3000, pipeline="concierge")
    clock.advance(120)
    assert str(refused(ledger, HOUR, 900, "concierge")) == (
        "pipeline 'concierge' may use 3600 seconds a day; used so far: 3000 (of which open sessions may give back 2880)"
        ", and this session wants 900; the next day begins at 00:00 UTC, in 11 h 58 min; to have more now, shorten "
        "session.duration or raise session.budget.seconds_per_day"
    )
    assert str(refused(ledger, Budget(sessions_per_day=1), 1, "concierge")) == (
        "pipeline 'concierge' may use 1 session a day; used so far: 1, and this session wants 1; the next day begins at"
        " 00:00 UTC, in 11 h 58 min; to have more now, raise session.budget.sessions_per_day"
    )


@pytest.mark.parametrize("table", [{"seconds_per_day": 0}, {"sessions_per_day": 0}, {"second_per_day": 1}])
def test_a_budget_of_nothing_or_of_something_unknown_is_no_budget(table: dict[str, int]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(table, Budget)
