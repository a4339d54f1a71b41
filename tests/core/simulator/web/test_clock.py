from __future__ import annotations

from akoolflow.simulator.web.clock import Clock


def test_it_shows_the_wall_clocks_time_and_goes_ahead_of_it_when_put_forward() -> None:
    clock = Clock(wall=lambda: 1000.0)
    assert [clock.now(), clock.advance(60), clock.now(), clock.ahead_s] == [1000, 1060, 1060, 60]


def test_it_does_not_go_back_when_the_wall_clock_does() -> None:
    times = iter([1000.0, 900.0, 1001.0])
    clock = Clock(wall=lambda: next(times))
    assert [clock.now() for _ in range(3)] == [1000, 1000, 1001]


def test_it_shows_nothing_earlier_than_what_was_seen_before() -> None:
    assert Clock(ahead_s=5, not_before_s=2000, wall=lambda: 1000.0).now() == 2000
