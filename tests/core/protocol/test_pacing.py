from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akoolflow.protocol.pacing import Limits, Pacer

INTERRUPT_BYTES = 75


def leave(pacer: Pacer, size_bytes: int, now: float, *, urgent: bool = False) -> float:
    """Wait as told, send; returns when."""
    while delay_s := pacer.delay_s(size_bytes, now, urgent=urgent):
        assert now + delay_s > now
        now += delay_s
    pacer.sent(size_bytes, now)
    return now


def leave_all(limits: Limits, sizes: list[int], now: float = 0.0) -> list[float]:
    pacer = Pacer(limits)
    times: list[float] = []
    for size_bytes in sizes:
        now = leave(pacer, size_bytes, now)
        times.append(now)
    return times


def most_in_any_second(times: list[float], weights: list[int]) -> int:
    """Both ends of the second included."""
    left = list(zip(times, weights, strict=True))
    return max(sum(weight for at, weight in left if 0 <= at - begin <= 1.0) for begin in times)


def test_without_limits_nothing_waits() -> None:
    assert leave_all(Limits(), [10**9] * 1000) == [0.0] * 1000


def test_a_link_without_limits_keeps_no_log() -> None:
    pacer = Pacer(Limits())
    for now in range(1000):
        pacer.sent(10**6, float(now))
    assert not pacer._left


def test_frames_leave_at_once_until_the_second_is_full() -> None:
    assert leave_all(Limits(frames_per_s=5), [1] * 6) == [0.0] * 5 + [pytest.approx(1.0, abs=1e-5)]


def test_a_frame_sent_exactly_one_second_ago_still_counts() -> None:
    pacer = Pacer(Limits(bytes_per_s=1000))
    pacer.sent(1000, 0.0)
    assert pacer.delay_s(1, 1.0) > 0
    assert pacer.delay_s(1, math.nextafter(1.0, 2.0)) == 0.0


def test_a_wait_ends_as_soon_as_enough_has_left_the_second() -> None:
    pacer = Pacer(Limits(bytes_per_s=1000))
    pacer.sent(400, 0.0)
    pacer.sent(300, 0.25)
    pacer.sent(300, 0.5)
    assert pacer.delay_s(401, 0.5) == pytest.approx(0.75, abs=1e-5)
    assert pacer.delay_s(400, 0.5) == pytest.approx(0.5, abs=1e-5)


def test_both_limits_hold_at_once() -> None:
    pacer = Pacer(Limits(bytes_per_s=1000, frames_per_s=3))
    for at_s, size_bytes in ((0.0, 10), (0.25, 900), (0.5, 10)):
        pacer.sent(size_bytes, at_s)
    assert pacer.delay_s(10, 0.5) == pytest.approx(0.5, abs=1e-5)
    assert pacer.delay_s(100, 0.5) == pytest.approx(0.75, abs=1e-5)


def test_a_frame_bigger_than_the_limit_leaves_when_the_second_before_is_empty() -> None:
    pacer = Pacer(Limits(bytes_per_s=100))
    pacer.sent(1, 5.0)
    assert pacer.delay_s(5000, 5.5) == pytest.approx(0.5, abs=1e-5)
    assert pacer.delay_s(5000, 6.5) == 0.0


@pytest.mark.parametrize("limits", [Limits(bytes_per_s=0), Limits(frames_per_s=0), Limits(frames_per_s=0.5)])
def test_a_limit_below_one_frame_lets_one_frame_leave_each_second(limits: Limits) -> None:
    assert leave_all(limits, [10] * 3) == pytest.approx([0.0, 1.0, 2.0], abs=1e-4)


# -- the reserve -------------------------------------------------------------------------------


def test_an_interrupt_need_not_wait_for_speech() -> None:
    pacer = Pacer(Limits(bytes_per_s=6000, frames_per_s=30))
    now = 0.0
    for _ in range(200):
        now = leave(pacer, 200, now)
        assert pacer.delay_s(INTERRUPT_BYTES, now, urgent=True) == 0.0


def test_speech_uses_all_but_the_reserve() -> None:
    pacer = Pacer(Limits(bytes_per_s=6000))
    pacer.sent(5000, 0.0)
    assert pacer.delay_s(872, 0.0) == 0.0
    assert pacer.delay_s(873, 0.0) > 0


@pytest.mark.parametrize("limits", [Limits(bytes_per_s=1279), Limits(frames_per_s=9)])
def test_a_small_limit_has_no_reserve(limits: Limits) -> None:
    whole = int(min(limits.bytes_per_s, 10_000))
    sizes = [whole] if math.isinf(limits.frames_per_s) else [1] * int(limits.frames_per_s)
    assert leave_all(limits, sizes) == [0.0] * len(sizes)


def test_one_frame_of_thirty_is_kept_for_commands() -> None:
    assert leave_all(Limits(frames_per_s=30), [1] * 30)[28:] == [0.0, pytest.approx(1.0, abs=1e-5)]


# -- properties --------------------------------------------------------------------------------

sends = st.lists(
    st.tuples(st.integers(1, 1024), st.sampled_from([0.0, 1e-9, 0.001, 0.1, 0.3333333, 0.5, 1.0, 1.7]), st.booleans()),
    min_size=1,
    max_size=80,
)


@given(
    sends,
    st.sampled_from([1024.0, 6000.0, 8000.5, math.inf]),
    st.sampled_from([1.0, 7.0, 30.0, math.inf]),
    st.floats(0, 1e9),
)
@settings(max_examples=300)
def test_no_second_holds_more_than_the_limits(
    frames: list[tuple[int, float, bool]], bytes_per_s: float, frames_per_s: float, began: float
) -> None:
    pacer = Pacer(Limits(bytes_per_s=bytes_per_s, frames_per_s=frames_per_s))
    now, times = began, list[float]()
    for size_bytes, pause_s, urgent in frames:
        now = leave(pacer, size_bytes, now + pause_s, urgent=urgent)
        times.append(now)
    assert most_in_any_second(times, [size_bytes for size_bytes, _, _ in frames]) <= bytes_per_s
    assert most_in_any_second(times, [1] * len(frames)) <= frames_per_s


@pytest.mark.parametrize(
    ("limits", "size_bytes", "ideal_in_a_second"),
    [
        (Limits(bytes_per_s=6000), 950, (6000 - 128) // 950),
        (Limits(bytes_per_s=5760), 960, (5760 - 128) // 960),
        (Limits(bytes_per_s=8000, frames_per_s=30), 1000, (8000 - 128) // 1000),
        (Limits(bytes_per_s=8000, frames_per_s=30), 100, 29),
        (Limits(frames_per_s=5), 100, 5),
    ],
)
def test_full_frames_leave_at_the_full_rate(limits: Limits, size_bytes: int, ideal_in_a_second: int) -> None:
    times = leave_all(limits, [size_bytes] * 500)
    ideal_s = (500 - 1) // ideal_in_a_second
    assert times[-1] == pytest.approx(ideal_s, abs=1.0 / ideal_in_a_second)


@given(st.lists(st.integers(50, 1000), min_size=100, max_size=200))
def test_frames_of_any_size_leave_at_the_full_rate_less_a_frame_a_second(sizes: list[int]) -> None:
    total_s = leave_all(Limits(bytes_per_s=6000), sizes)[-1]
    assert total_s <= sum(sizes) / (6000 - 128 - max(sizes)) + 0.01
    assert total_s >= sum(sizes) / 6000 - 1.0


def test_the_log_does_not_grow_with_the_session() -> None:
    pacer = Pacer(Limits(bytes_per_s=6000))
    for number in range(10_000):
        pacer.sent(100, number * 0.1)
    assert len(pacer._left) <= 11
