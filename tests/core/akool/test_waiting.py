from __future__ import annotations

from random import Random

import hypothesis.strategies as st
import pytest
from hypothesis import given

from akoolflow.akool.waiting import Patience, asked_wait_s, pause_s

NOW = 1_700_000_000.0


@given(st.integers(1, 10_000), st.integers())
def test_a_pause_is_between_half_and_the_whole_of_its_step(failures: int, seed: int) -> None:
    patience = Patience(first_pause_s=0.5, longest_pause_s=8)
    pause = pause_s(patience, failures, None, Random(seed))
    step = min(0.5 * 2 ** min(failures - 1, 10), 8)
    assert pause is not None
    assert step / 2 <= pause <= step


@given(st.floats(0, 100), st.integers(1, 5), st.integers())
def test_a_wish_of_the_service_is_kept_or_nothing_is_asked(asked_s: float, failures: int, seed: int) -> None:
    pause = pause_s(Patience(longest_pause_s=20), failures, asked_s, Random(seed))
    assert (pause is None) == (asked_s > 20)
    assert pause is None or asked_s <= pause <= 21


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("0", 0),
        (" 120 ", 120),
        ("9" * 5000, 86_400),
        ("Tue, 14 Nov 2023 22:14:20 GMT", 60),
        ("Tue, 14 Nov 2023 22:00:00 GMT", 0),
        ("Tue, 14 Nov 2923 22:00:00 GMT", 86_400),
        ("Tue, 99 Nov 2023", None),
    ],
)
def test_retry_after_is_a_number_a_date_or_nothing(header: str | None, wait_s: float | None) -> None:
    assert asked_wait_s(header, NOW) == wait_s


@given(st.text())
def test_any_retry_after_can_be_read(header: str) -> None:
    wait_s = asked_wait_s(header, NOW)
    assert wait_s is None or 0 <= wait_s <= 86_400
