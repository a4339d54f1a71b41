from __future__ import annotations

import pytest

from akoolflow.leases.clock import Instant, now


def test_within_one_boot_seconds_are_counted_by_the_clock_that_nobody_can_set() -> None:
    assert Instant(50.0, 130.0, "a").since(Instant(1000.0, 100.0, "a")) == 30.0


@pytest.mark.parametrize("boot_id", ["b", ""])
def test_from_one_boot_to_another_seconds_are_counted_by_the_wall_clock(boot_id: str) -> None:
    assert Instant(1060.0, 5.0, boot_id).since(Instant(1000.0, 100.0, "a" if boot_id else "")) == 60.0


def test_a_wall_clock_that_went_back_over_a_reboot_makes_no_negative_time() -> None:
    assert Instant(10.0, 5.0, "b").since(Instant(1000.0, 100.0, "a")) == 0.0


def test_time_goes_on() -> None:
    first, second = now(), now()
    assert second.since(first) >= 0.0
    assert second.same_boot(first) == bool(first.boot_id)


def test_a_clock_that_was_set_shows_in_the_offset_and_one_that_ran_does_not() -> None:
    start = Instant(1000.0, 100.0, "a")
    assert Instant(1010.0, 110.0, "a").offset_s == start.offset_s
    assert Instant(4610.0, 110.0, "a").offset_s == start.offset_s + 3600.0
