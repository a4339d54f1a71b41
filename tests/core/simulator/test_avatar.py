"""The simulated avatar, frame by frame, on a clock that the tests turn."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from akoolflow.protocol.codec import decode, encode
from akoolflow.protocol.wire import Chat, ChatPayload, Command, CommandPayload, Event, EventPayload, Message
from akoolflow.simulator.avatar import Avatar
from akoolflow.simulator.options import SimulatorOptions
from akoolflow.simulator.params import Settings

# Round numbers: a second of silence before sound, ten characters a second.
PACE: dict[str, Any] = {"chars_per_s": 10.0, "speech_delay_s": 1.0, "command_delay_s": 0.5}


def made(*, joined: bool = True, **options: Any) -> Avatar:
    avatar = Avatar(msgspec.convert(PACE | options, SimulatorOptions), Settings(mode=1))
    if joined:
        avatar.join(0.0)
    return avatar


def chat(text: str, mid: str = "m", idx: int = 0, *, fin: bool = True) -> bytes:
    return encode(Chat(v=2, mid=mid, idx=idx, fin=fin, pld=ChatPayload(text=text)))


def command(cmd: str, mid: str = "c", **data: Any) -> bytes:
    return encode(Command(v=2, mid=mid, pld=CommandPayload(cmd=cmd, data=data) if data else CommandPayload(cmd=cmd)))


def told(message: Message) -> str:
    """A message in one line: who said what, which command got which code, which event."""
    if isinstance(message, Chat):
        return f"{message.pld.from_}: {message.pld.text}{'|' if message.fin else ''}"
    if isinstance(message, Command):
        return f"{message.pld.cmd} {message.pld.code}"
    return message.pld.event


def played(avatar: Avatar, until: float = 1e6) -> list[tuple[float, str]]:
    """All that the avatar sends, and when, if it is polled just when it asks for it."""
    log: list[tuple[float, str]] = []
    while (at := avatar.next_at) is not None and at <= until:
        log += [(round(at, 6), told(decode(frame))) for frame in avatar.poll(at)]
    return log


# -- retelling ---------------------------------------------------------------------------------


def test_retelling_repeats_the_text_and_sounds_as_long_as_it_is() -> None:
    avatar = made()
    avatar.receive(chat("Good day"), 0.0)
    assert played(avatar) == [(0.0, "bot: Good day|"), (1.0, "audio_start"), (1.8, "audio_end")]


def test_long_text_is_reported_in_pieces_that_join_to_it_with_only_the_last_final() -> None:
    avatar = made(delta_chars=10)
    text = "The quick brown fox jumps over 0123456789abcdef lazily"
    avatar.receive(chat(text), 0.0)
    frames = [message for message in map(decode, avatar.poll(0.0)) if isinstance(message, Chat)]
    assert "".join(frame.pld.text for frame in frames) == text
    assert [frame.idx for frame in frames] == list(range(len(frames)))
    assert [frame.fin for frame in frames] == [False] * (len(frames) - 1) + [True]
    assert max(len(frame.pld.text) for frame in frames) <= 10


def test_messages_are_spoken_one_after_another() -> None:
    avatar = made()
    avatar.receive(chat("first", "a"), 0.0)
    avatar.receive(chat("second", "b"), 0.0)
    assert [line for _, line in played(avatar)] == [
        "bot: first|",
        "audio_start",
        "audio_end",
        "bot: second|",
        "audio_start",
        "audio_end",
    ]
    times = [(spoken.text, spoken.start_s, round(spoken.end_s, 6)) for spoken in avatar.spoken]
    assert times == [("first", 1.0, 1.5), ("second", 1.5, 2.1)]


def test_sound_goes_on_until_a_streamed_message_has_come_to_its_end() -> None:
    avatar = made()
    avatar.receive(chat("0123456789", idx=0, fin=False), 0.0)
    assert played(avatar, until=5.0) == [(0.0, "bot: 0123456789"), (1.0, "audio_start")]
    avatar.receive(chat("abcde", idx=1), 5.0)
    assert played(avatar) == [(5.0, "bot: abcde|"), (5.5, "audio_end")]
    assert [spoken.text for spoken in avatar.spoken] == ["0123456789abcde"]


def test_speech_can_be_told_to_wait_for_the_whole_message() -> None:
    avatar = made(speak_at="fin")
    avatar.receive(chat("one ", idx=0, fin=False), 0.0)
    assert played(avatar, until=4.0) == []
    avatar.receive(chat("two", idx=1), 4.0)
    assert played(avatar)[:3] == [(4.0, "bot: one "), (4.0, "bot: two|"), (5.0, "audio_start")]


def test_pieces_that_come_in_the_wrong_order_are_spoken_in_the_right_one() -> None:
    avatar = made()
    avatar.receive(chat("two", idx=1), 0.0)
    avatar.receive(chat("one ", idx=0, fin=False), 0.1)
    played(avatar)
    assert [spoken.text for spoken in avatar.spoken] == ["one two"]


def test_a_gap_that_never_fills_is_skipped_after_its_time() -> None:
    avatar = made(gap_timeout_s=2.0)
    avatar.receive(chat("one ", idx=0, fin=False), 0.0)
    avatar.receive(chat("three", idx=2), 0.5)
    assert (2.5, "bot: three|") in played(avatar)
    assert [spoken.text for spoken in avatar.spoken] == ["one three"]


def test_a_message_without_an_end_ends_after_its_time() -> None:
    avatar = made(fin_timeout_s=30.0)
    avatar.receive(chat("hello", fin=False), 0.0)
    assert played(avatar)[-2:] == [(30.0, "bot: |"), (30.0, "audio_end")]
    assert (avatar.spoken[0].end_s, avatar.spoken[0].interrupted) == (1.5, False)


def test_blank_text_makes_no_sound_and_holds_up_nothing() -> None:
    avatar = made()
    avatar.receive(chat("  ", "a"), 0.0)
    avatar.receive(chat("hello", "b"), 0.0)
    assert [line for _, line in played(avatar)] == ["bot: hello|", "audio_start", "audio_end"]
    assert avatar.ignored == {"empty": 1}


def test_speed_divides_every_delay() -> None:
    avatar = made(speed=10.0)
    avatar.receive(chat("Good day"), 0.0)
    assert played(avatar) == [(0.0, "bot: Good day|"), (0.1, "audio_start"), (0.18, "audio_end")]


@pytest.mark.parametrize(("reply_mid", "mid"), [("own", "bot-1"), ("same", "m")])
def test_a_reply_has_a_mid_of_its_own_or_that_of_its_cause(reply_mid: str, mid: str) -> None:
    avatar = made(reply_mid=reply_mid)
    avatar.receive(chat("hello"), 0.0)
    assert decode(avatar.poll(0.0)[0]).mid == mid
    played(avatar)
    assert (avatar.spoken[0].mid, avatar.spoken[0].reply_mid) == ("m", mid)


# -- readiness and shape -----------------------------------------------------------------------


def test_what_is_sent_or_said_before_the_avatar_is_there_is_lost() -> None:
    avatar = made(joined=False)
    avatar.receive(chat("hello"), 0.0)
    avatar.hear("hello", 0.0)
    avatar.join(1.0)
    assert (played(avatar), avatar.ignored) == ([], {"before_join": 2})


def test_an_avatar_that_leaves_stops_in_the_middle_and_says_nothing_more() -> None:
    avatar = made()
    avatar.receive(chat("0123456789"), 0.0)
    played(avatar, until=1.5)
    avatar.receive(command("interrupt"), 1.5)
    avatar.leave(1.6)
    avatar.receive(chat("more", "n"), 1.7)
    assert (played(avatar), avatar.ignored) == ([], {"after_leave": 1})
    assert [(spoken.text, spoken.interrupted) for spoken in avatar.spoken] == [("01234", True)]


def test_a_duplicate_piece_is_spoken_once() -> None:
    avatar = made()
    for _ in range(2):
        avatar.receive(chat("one ", idx=0, fin=False), 0.0)
    avatar.receive(chat("two", idx=1), 0.0)
    avatar.receive(chat("two", idx=1), 0.0)
    played(avatar)
    assert [spoken.text for spoken in avatar.spoken] == ["one two"]
    assert avatar.ignored == {"duplicate": 1, "after_end": 1}


def test_the_service_takes_no_events() -> None:
    avatar = made()
    avatar.receive(encode(Event(v=2, mid="e", pld=EventPayload(event="camera_open"))), 0.0)
    assert (played(avatar), avatar.ignored) == ([], {"event": 1})


def test_text_beyond_what_may_wait_is_ignored() -> None:
    avatar = made(max_queued_chars=8)
    avatar.receive(chat("01234567", "a"), 0.0)
    avatar.receive(chat("x", "b"), 0.0)
    assert avatar.ignored == {"overflow": 1}
    played(avatar)
    avatar.receive(chat("x", "c"), 10.0)
    played(avatar)
    assert [spoken.text for spoken in avatar.spoken] == ["01234567", "x"]


def test_a_quiet_avatar_asks_for_nothing() -> None:
    assert made().next_at is None
    assert made().poll(math.inf) == []
