"""Credits: nothing is lost, nothing is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akoolflow.simulator.rest.accounts import NOBODY
from akoolflow.simulator.rest.ledger import Balance, Hold, Ledger
from akoolflow.simulator.rest.options import ServiceOptions
from akoolflow.simulator.rest.shelf import Shelf

Make = Callable[..., Any]
CLOSE = "v4/liveAvatar/session/close"


def test_the_whole_duration_is_charged_at_once(world: Make) -> None:
    one = world(credits_per_minute=6.0)
    one.create(duration=600)
    assert one.credits == 940


def test_what_was_not_used_comes_back_at_close(world: Make) -> None:
    one = world(credits_per_minute=6.0)
    session = one.create(duration=600).data.id
    one.now += 60
    one.ask(CLOSE, {"id": session})
    assert one.credits == 994


def test_a_session_that_runs_out_costs_all_of_it(world: Make) -> None:
    one = world(credits_per_minute=6.0)
    one.create(duration=600)
    one.now += 601
    one.backend.settle(one.now)
    assert one.credits == 940


def test_a_session_that_fails_costs_what_it_lasted(world: Make) -> None:
    one = world(credits_per_minute=6.0)
    session = one.create(duration=600).data.id
    one.backend.fail(session, one.now + 30)
    assert one.credits == 997


def test_closing_twice_refunds_once(world: Make) -> None:
    one = world(closed_code=1000)
    session = one.create(duration=600).data.id
    assert [one.ask(CLOSE, {"id": session}).code for _ in range(2)] == [1000, 1000]
    assert one.credits == 1000


@pytest.mark.parametrize("code", [1104, 1006])
def test_who_cannot_pay_the_whole_duration_is_refused_and_pays_nothing(world: Make, code: int) -> None:
    one = world(credits_per_minute=60.0, no_credit_code=code)
    assert (one.create(duration=1001).code, one.credits, one.create(duration=1000).code) == (code, 1000, 1000)


def test_one_accounts_sessions_do_not_cost_another(world: Make) -> None:
    one = world()
    one.create(duration=600)
    assert one.backend.ledger.credits(one.caller_of(100011).account) == 1000


def test_a_refused_session_costs_nothing_and_takes_no_avatar(world: Make) -> None:
    one = world()
    one.create(duration=60)
    assert one.create(duration=60).code == 1215
    assert one.credits == 994


@given(
    rate=st.floats(0, 10_000),
    lives=st.lists(st.tuples(st.floats(1, 3600), st.floats(0, 1)), max_size=20),
    epoch_s=st.floats(0, 2e9),
)
def test_the_balance_is_what_was_there_less_what_was_used(
    rate: float, lives: list[tuple[float, float]], epoch_s: float
) -> None:
    ledger = Ledger(ServiceOptions(credits_per_minute=rate), Shelf("balance", Balance), Shelf("hold", Hold))
    used = 0.0
    for n, (duration_s, share) in enumerate(lives):
        ledger.charge(NOBODY, str(n), duration_s)
        used_s = (epoch_s + duration_s * share) - epoch_s
        ledger.settle(str(n), used_s)
        ledger.settle(str(n), 0.0)
        used += min(ledger.price(used_s), ledger.price(duration_s))
    assert -ledger.credits(NOBODY) == pytest.approx(used, abs=1e-6)


@given(st.integers(1, 3600), st.floats(1.7e9, 1.9e9))
def test_whole_seconds_cost_the_same_at_any_time(duration_s: int, epoch_s: float) -> None:
    ledger = Ledger(ServiceOptions(), Shelf("balance", Balance), Shelf("hold", Hold))
    assert ledger.price((epoch_s + duration_s) - epoch_s) == ledger.price(duration_s) == duration_s / 10
