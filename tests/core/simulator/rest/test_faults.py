"""Trouble comes when it is told to, and the same seed brings the same."""

from __future__ import annotations

from typing import Any

import pytest

from akoolflow.errors import OptionInvalid
from akoolflow.simulator.rest.endpoints import check_faults
from akoolflow.simulator.rest.faults import Fault, Faults

CREATE = "v4/liveAvatar/session/create"


def struck(fault: Fault, calls: int, seed: int = 0) -> list[bool]:
    faults = Faults([fault], seed)
    return [faults.draw(CREATE).fault is not None for _ in range(calls)]


def test_a_fault_strikes_every_call_unless_told_otherwise() -> None:
    assert struck(Fault(does="drop"), 3) == [True] * 3


def test_a_fault_strikes_only_the_calls_that_it_names() -> None:
    faults = Faults([Fault(does="drop", endpoint="*/session/create")], 0)
    assert [faults.draw(name).fault is not None for name in (CREATE, "v4/knowledge/create")] == [True, False]


def test_a_fault_skips_and_stops_as_told() -> None:
    assert struck(Fault(does="drop", skip=1, times=2), 5) == [False, True, True, False, False]


def test_a_share_of_the_calls_is_struck_and_the_same_by_the_same_seed() -> None:
    fault = Fault(does="drop", share=0.3)
    assert 220 < sum(struck(fault, 1000)) < 380
    assert struck(fault, 100, seed=1) == struck(fault, 100, seed=1) != struck(fault, 100, seed=2)


def test_delays_add_up_and_the_first_other_fault_takes_the_answers_place() -> None:
    delays = [Fault(does="delay", delay_s=1), Fault(does="delay", delay_s=2)]
    drop, refuse = Fault(does="drop"), Fault(does="refuse", code=1215)
    trouble = Faults([*delays, drop, refuse], 0).draw(CREATE)
    assert (trouble.delay_s, trouble.fault) == (3, drop)


def test_a_fault_that_another_forestalled_has_not_struck() -> None:
    faults = Faults([Fault(does="drop", times=1), Fault(does="refuse", code=1215, times=1)], 0)
    drawn = [faults.draw(CREATE).fault for _ in range(3)]
    assert [fault and fault.does for fault in drawn] == ["drop", "refuse", None]


def test_jitter_spreads_a_delay_evenly() -> None:
    faults = Faults([Fault(does="delay", delay_s=1, jitter_s=2)], 0)
    waits = [faults.draw(CREATE).delay_s for _ in range(500)]
    assert (min(waits) < 1.1, 2.9 < max(waits) < 3, 1.9 < sum(waits) / 500 < 2.1) == (True, True, True)


def test_faults_do_not_disturb_each_others_luck() -> None:
    fault = Fault(does="drop", share=0.5, endpoint=CREATE)
    both = Faults([fault, Fault(does="delay", delay_s=1, share=0.5)], 0)
    assert [both.draw(CREATE).fault is not None for _ in range(50)] == struck(fault, 50)


def test_what_struck_is_counted() -> None:
    faults = Faults([Fault(does="drop", skip=1)], 0)
    for name in (CREATE, CREATE, CREATE):
        faults.draw(name)
    (firing,) = faults.firings()
    assert (firing.matched, firing.fired) == (3, 2)


@pytest.mark.parametrize(
    "fields",
    [
        {"does": "refuse"},
        {"does": "refuse", "code": 1000},
        {"does": "drop", "code": 1215},
        {"does": "delay"},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(OptionInvalid):
        Fault(**fields)


def test_a_fault_that_no_call_matches_is_refused_with_one_that_does() -> None:
    with pytest.raises(OptionInvalid, match=r"no call matches 'session/create' .*session/create"):
        check_faults([Fault(does="drop"), Fault(does="drop", endpoint="session/create")])
