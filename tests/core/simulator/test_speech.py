"""The simulated avatar in dialogue, and the user's speech in both modes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from akoolflow.protocol.codec import decode, encode
from akoolflow.protocol.wire import Chat, ChatPayload, Event, Message
from akoolflow.simulator.avatar import Avatar
from akoolflow.simulator.options import SimulatorOptions
from akoolflow.simulator.params import Settings

# Round numbers: a second of silence before sound, ten characters a second.
PACE: dict[str, Any] = {"chars_per_s": 10.0, "speech_delay_s": 1.0, "answer_delay_s": 2.0}


def made(mode: int = 1, *, voice_only: bool = False, **options: Any) -> Avatar:
    settings = Settings(mode=1 if mode == 1 else 2, voice_only=voice_only)
    avatar = Avatar(msgspec.convert(PACE | options, SimulatorOptions), settings)
    avatar.join(0.0)
    return avatar


def chat(text: str, mid: str = "m", idx: int = 0, *, fin: bool = True) -> bytes:
    return encode(Chat(v=2, mid=mid, idx=idx, fin=fin, pld=ChatPayload(text=text)))


def told(message: Message) -> str:
    """A message in one line: who said what, which event."""
    if isinstance(message, Chat):
        return f"{message.pld.from_}: {message.pld.text}{'|' if message.fin else ''}"
    return message.pld.event if isinstance(message, Event) else "ack"


def played(avatar: Avatar, until: float = 1e6) -> list[tuple[float, str]]:
    """All that the avatar sends, and when, if it is polled just when it asks for it."""
    log: list[tuple[float, str]] = []
    while (at := avatar.next_at) is not None and at <= until:
        log += [(round(at, 6), told(decode(frame))) for frame in avatar.poll(at)]
    return log


# -- dialogue ----------------------------------------------------------------------------------


def test_dialogue_answers_a_text_in_several_pieces_after_thinking() -> None:
    avatar = made(mode=2, delta_chars=10, delta_interval_s=0.1)
    avatar.receive(chat("I collect old maps"), 0.0)
    log = played(avatar)
    pieces = [(at, line) for at, line in log if line.startswith("bot: ")]
    assert [at for at, _ in pieces] == pytest.approx([2.0 + n / 10 for n in range(len(pieces))])
    assert len(pieces) > 1
    assert [line.endswith("|") for _, line in pieces] == [False] * (len(pieces) - 1) + [True]
    assert "I collect old maps" in avatar.spoken[0].text
    assert log[-1][1] == "audio_end"


def test_dialogue_waits_for_the_whole_question() -> None:
    avatar = made(mode=2)
    avatar.receive(chat("I collect ", idx=0, fin=False), 0.0)
    assert played(avatar, until=10.0) == []
    avatar.receive(chat("old maps", idx=1), 10.0)
    played(avatar)
    assert "I collect old maps" in avatar.spoken[0].text


def test_fast_dialogue_takes_no_typed_text() -> None:
    avatar = made(mode=2, voice_only=True)
    avatar.receive(chat("hello"), 0.0)
    assert (played(avatar), avatar.ignored) == ([], {"voice_only": 1})


def test_fast_dialogue_answers_speech_whatever_the_mode() -> None:
    avatar = made(mode=1, voice_only=True)
    avatar.hear("Trains leave", 0.0)
    assert [line for _, line in played(avatar)][:2] == [
        "user: Trains leave|",
        "bot: You said: “Trains leave”. Tell me more ",
    ]


# -- the user's speech -------------------------------------------------------------------------


def test_retelling_echoes_the_users_speech_a_moment_later() -> None:
    avatar = made(echo_delay_s=0.01)
    avatar.hear("Is it open?", 5.0)
    assert played(avatar)[:2] == [(5.0, "user: Is it open?|"), (5.01, "bot: Is it open?|")]
    assert avatar.spoken[0].text == "Is it open?"


def test_the_echo_can_be_switched_off() -> None:
    avatar = made(echo_speech=False)
    avatar.hear("Is it open?", 5.0)
    assert played(avatar) == [(5.0, "user: Is it open?|")]


def test_speech_can_come_as_one_final_message_for_each_sentence() -> None:
    avatar = made(echo_speech=False, split_speech=True, split_gap_s=0.4)
    avatar.hear("Hello. Is it open?", 0.0)
    assert played(avatar) == [(0.0, "user: Hello.|"), (0.4, "user: Is it open?|")]


def test_dialogue_falls_silent_when_the_user_speaks() -> None:
    avatar = made(mode=2)
    avatar.hear("I collect old maps.", 0.0)
    played(avatar, until=4.0)
    assert avatar.speaking
    avatar.hear("Wait.", 4.0)
    assert played(avatar, until=4.0) == [(4.0, "audio_end"), (4.0, "user: Wait.|")]
    assert avatar.spoken[0].interrupted


@pytest.mark.parametrize(("mode", "stops"), [(1, True), (2, False)])
def test_otherwise_the_avatar_talks_on_over_the_user(mode: int, *, stops: bool) -> None:
    avatar = made(mode=mode, speech_stops_avatar=stops)
    avatar.hear("I collect old maps.", 0.0)
    played(avatar, until=4.0)
    avatar.hear("Wait.", 4.0)
    played(avatar)
    assert [spoken.interrupted for spoken in avatar.spoken] == [False, False]


def test_a_long_utterance_is_told_in_frames_that_fit_every_room() -> None:
    avatar = made(echo_speech=False)
    avatar.hear("\x01" * 500 + " end", 0.0)
    frames = avatar.poll(0.0)
    assert max(map(len, frames)) <= 960
    assert [told(decode(frame)).endswith("|") for frame in frames] == [False] * (len(frames) - 1) + [True]
