from __future__ import annotations

import math

import pytest
from msgspec import UNSET

from akoolflow.errors import FrameRejected
from akoolflow.protocol.acks import Acks, Answer, Expired
from akoolflow.protocol.wire import Command, CommandPayload


def ack(mid: str = "", cmd: str = "", code: int = 1000, msg: str = "OK") -> Command:
    return Command(v=2, pld=CommandPayload(cmd=cmd or UNSET, code=code, msg=msg), mid=mid)


def sent(*commands: tuple[str, str], timeout_s: float = 5.0) -> Acks:
    """Acks with commands that left at 0.0, 1.0, 2.0 and so on."""
    acks = Acks(timeout_s)
    for now, (mid, cmd) in enumerate(commands):
        acks.sent(mid, cmd, float(now))
    return acks


def test_an_ack_is_matched_by_mid() -> None:
    acks = sent(("m1", "set-params"), ("m2", "set-params"))
    assert acks.answered(ack("m2", "set-params", 1003, "no"), 4.0) == Answer("set-params", "m2", 1003, "no", 3.0)
    assert acks.answered(ack("m1", "set-params"), 4.0).elapsed_s == 4.0


def test_an_ack_without_cmd_is_matched_by_mid_and_told_as_what_was_sent() -> None:
    acks = sent(("m1", "set-params"), ("m2", "interrupt"))
    assert acks.answered(ack("m2"), 2.0) == Answer("interrupt", "m2", 1000, "OK", 1.0)


@pytest.mark.parametrize("mid", ["", "a mid of its own"])
def test_an_ack_without_our_mid_is_matched_to_the_oldest_command_of_its_name(mid: str) -> None:
    acks = sent(("m1", "interrupt"), ("m2", "set-params"), ("m3", "set-params"))
    assert acks.answered(ack(mid, "set-params"), 3.0) == Answer("set-params", "m2", 1000, "OK", 2.0)


@pytest.mark.parametrize("mid", ["", "a mid of its own"])
def test_an_ack_with_neither_is_matched_to_the_only_command_that_waits(mid: str) -> None:
    acks = sent(("m1", "set-params"))
    assert acks.answered(ack(mid), 3.0) == Answer("set-params", "m1", 1000, "OK", 3.0)


@pytest.mark.parametrize(
    "answer",
    [ack(), ack("unknown"), ack("unknown", "set-action"), ack("", "set-action")],
)
def test_an_ack_that_fits_nothing_has_no_elapsed_time_and_leaves_what_waits(answer: Command) -> None:
    acks = sent(("m1", "set-params"), ("m2", "interrupt"))
    assert acks.answered(answer, 3.0).elapsed_s is None
    assert [late.mid for late in acks.expire(99.0)] == ["m1", "m2"]


def test_an_ack_that_fits_nothing_keeps_its_own_words() -> None:
    assert Acks(5.0).answered(ack("x", "strange", 7, "why"), 1.0) == Answer("strange", "x", 7, "why", None)


@pytest.mark.parametrize("mid", ["m1", "a mid of its own"])
def test_a_second_ack_of_one_command_is_not_taken_for_another_command(mid: str) -> None:
    acks = sent(("m1", "set-params"), ("m2", "set-params"))
    acks.answered(ack(mid, "set-params"), 2.0)
    assert acks.answered(ack(mid, "set-params"), 2.1).elapsed_s is None
    assert acks.answered(ack("m2", "set-params"), 3.0).elapsed_s == 2.0


def test_an_ack_by_mid_after_one_by_name_does_not_match_twice() -> None:
    acks = sent(("m1", "set-params"), ("m2", "set-params"))
    acks.answered(ack("", "set-params"), 2.0)
    assert acks.answered(ack("m1", "set-params"), 2.1).elapsed_s is None


def test_a_command_expires_at_its_deadline_once() -> None:
    acks = sent(("m1", "set-params"), ("m2", "interrupt"), timeout_s=5.0)
    assert acks.next_deadline == 5.0
    assert acks.expire(4.999) == []
    assert acks.expire(5.0) == [Expired("set-params", "m1", 5.0)]
    assert acks.next_deadline == 6.0
    assert acks.expire(7.0) == [Expired("interrupt", "m2", 6.0)]
    assert acks.next_deadline is None


def test_an_answered_command_does_not_expire() -> None:
    acks = sent(("m1", "set-params"))
    acks.answered(ack("m1"), 1.0)
    assert (acks.next_deadline, acks.expire(99.0)) == (None, [])


def test_a_late_ack_is_found_by_mid_only() -> None:
    acks = sent(("m1", "set-params"), ("m2", "set-params"), timeout_s=5.0)
    acks.expire(5.5)
    assert acks.answered(ack("m1", "set-params"), 5.75) == Answer("set-params", "m1", 1000, "OK", 5.75)
    assert acks.answered(ack("", "set-params"), 5.75).mid == "m2"
    assert acks.answered(ack("", "set-params"), 5.75).elapsed_s is None


def test_a_mid_that_is_sent_again_can_be_answered_again() -> None:
    acks = sent(("m1", "set-params"))
    acks.answered(ack("m1"), 1.0)
    acks.sent("m1", "set-params", 2.0)
    assert acks.answered(ack("m1"), 2.5).elapsed_s == 0.5


def test_without_a_timeout_nothing_expires() -> None:
    acks = sent(("m1", "set-params"), timeout_s=math.inf)
    assert (acks.next_deadline, acks.expire(1e9)) == (None, [])


def test_a_command_is_not_taken_for_an_ack() -> None:
    command = Command(v=2, pld=CommandPayload(cmd="set-params"), mid="m1")
    with pytest.raises(FrameRejected, match="code"):
        sent(("m1", "set-params")).answered(command, 1.0)


def test_a_code_that_is_no_success_is_still_an_answer() -> None:
    assert sent(("m1", "interrupt")).answered(ack("m1", "interrupt", 0, ""), 0.5) == Answer(
        "interrupt", "m1", 0, "", 0.5
    )
