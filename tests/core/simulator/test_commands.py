"""Commands to the simulated avatar: what they do, and what it says to them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from akoolflow.protocol.codec import decode, encode
from akoolflow.protocol.wire import Chat, ChatPayload, Command, CommandPayload, Event
from akoolflow.simulator.avatar import Avatar
from akoolflow.simulator.options import SimulatorOptions
from akoolflow.simulator.params import Settings

DELAY_S = 0.5
PACE: dict[str, Any] = {"chars_per_s": 10.0, "speech_delay_s": 1.0, "command_delay_s": DELAY_S}


def made(**options: Any) -> Avatar:
    avatar = Avatar(msgspec.convert(PACE | options, SimulatorOptions), Settings(mode=1))
    avatar.join(0.0)
    return avatar


def chat(text: str, mid: str, idx: int = 0, *, fin: bool = True) -> bytes:
    return encode(Chat(v=2, mid=mid, idx=idx, fin=fin, pld=ChatPayload(text=text)))


def sent(avatar: Avatar, cmd: str, data: Any = None, at: float = 0.0) -> list[tuple[float, str, int, str]]:
    """Send a command, and give the acks with their times."""
    pld = {"cmd": cmd} if data is None else {"cmd": cmd, "data": data}
    avatar.receive(msgspec.json.encode({"v": 2, "type": "command", "mid": f"{cmd}-1", "pld": pld}), at)
    return [
        (round(when - at, 6), message.mid, int(message.pld.code or 0), str(message.pld.cmd))
        for when, message in played(avatar)
        if isinstance(message, Command)
    ]


def played(avatar: Avatar, until: float = 1e6) -> list[tuple[float, Any]]:
    log: list[tuple[float, Any]] = []
    while (at := avatar.next_at) is not None and at <= until:
        log += [(round(at, 6), decode(frame)) for frame in avatar.poll(at)]
    return log


def interrupt() -> bytes:
    return encode(Command(v=2, mid="c", pld=CommandPayload(cmd="interrupt")))


def events(log: list[tuple[float, Any]]) -> list[tuple[float, str]]:
    return [(at, message.pld.event) for at, message in log if isinstance(message, Event)]


# -- acks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cmd", "data"),
    [
        ("set-params", {}),
        ("set-params", {"mode": 2, "lang": "es", "bgurl": "https://x/y.png", "vid": "v", "vurl": "u"}),
        ("set-params", {"vparams": {"speed": 0.8, "pron_map": {"AKOOL": "ay-cool"}, "stt_language": "en"}}),
        (
            "set-params",
            {"vparams": {"turn_detection": {"type": "server_vad", "threshold": 1, "prefix_padding_ms": 300}}},
        ),
        ("interrupt", None),
        ("set-action", {"action": "nod"}),
        ("set-action", {"action": "nod", "expression": "happiness"}),
    ],
)
def test_a_good_command_is_acked_with_its_own_mid_and_name_after_the_delay(cmd: str, data: Any) -> None:
    assert sent(made(), cmd, data) == [(DELAY_S, f"{cmd}-1", 1000, cmd)]


@pytest.mark.parametrize(
    ("cmd", "data"),
    [
        ("set-params", None),
        ("set-params", {"mode": 3}),
        ("set-params", {"mode": True}),
        ("set-params", {"language": "es"}),
        ("set-params", {"vparams": {"speed": 1.3}}),
        ("set-params", {"vparams": {"stt_type": "whisper"}}),
        ("set-params", {"vparams": {"turn_detection": {"threshold": 1.5}}}),
        ("set-action", None),
        ("set-action", {}),
        ("set-action", {"action": "moonwalk"}),
        ("set-action", {"expression": "bored"}),
        ("set-action", {"action": "nod", "speed": 2}),
        ("dance", None),
    ],
)
def test_a_bad_command_is_acked_with_the_parameter_error_and_changes_nothing(cmd: str, data: Any) -> None:
    avatar = made()
    before = avatar.settings
    assert sent(avatar, cmd, data) == [(DELAY_S, f"{cmd}-1", 1003, cmd)]
    assert (avatar.settings, list(avatar.actions)) == (before, [])


def test_an_ack_may_leave_its_command_out() -> None:
    assert sent(made(ack="without_cmd"), "interrupt") == [(DELAY_S, "interrupt-1", 1000, "UNSET")]


def test_acks_may_never_come_while_commands_still_work() -> None:
    avatar = made(ack="never")
    assert sent(avatar, "set-params", {"lang": "es"}) == []
    assert avatar.settings.lang == "es"


def test_actions_may_stay_without_ack() -> None:
    avatar = made(ack_actions=False)
    assert sent(avatar, "set-action", {"action": "nod"}) == []
    assert [action.action for action in avatar.actions] == ["nod"]


# -- effects -----------------------------------------------------------------------------------


def test_set_params_changes_only_what_it_names() -> None:
    avatar = made()
    sent(avatar, "set-params", {"lang": "es", "vparams": {"vid": "a", "speed": 1.1}})
    sent(avatar, "set-params", {"bgurl": "https://x", "vid": "b", "vurl": ""})
    assert avatar.settings == Settings(mode=1, lang="es", bgurl="https://x", voice={"vid": "b", "speed": 1.1})


def test_the_mode_holds_from_the_next_message_on() -> None:
    avatar = made()
    avatar.receive(chat("one ", "a", fin=False), 0.0)
    avatar.receive(encode(Command(v=2, mid="p", pld=CommandPayload(cmd="set-params", data={"mode": 2}))), 0.0)
    avatar.receive(chat("two", "a", 1), 1.0)
    avatar.receive(chat("three", "b"), 1.0)
    played(avatar)
    first, second = avatar.spoken
    assert first.text == "one two"
    assert second.text != "three"


def test_a_question_that_has_begun_stays_one() -> None:
    avatar = made()
    sent(avatar, "set-params", {"mode": 2})
    avatar.receive(chat("Trains ", "a", fin=False), 10.0)
    avatar.receive(encode(Command(v=2, mid="p", pld=CommandPayload(cmd="set-params", data={"mode": 1}))), 10.0)
    avatar.receive(chat("leave", "a", 1), 10.0)
    played(avatar)
    assert avatar.spoken[0].text.startswith("You said: “Trains leave”.")


def test_the_voice_speed_holds_from_the_next_utterance_on() -> None:
    avatar = made()
    sent(avatar, "set-params", {"vparams": {"speed": 0.8}})
    avatar.receive(chat("01234567", "a"), 0.0)
    played(avatar)
    assert avatar.spoken[0].end_s - avatar.spoken[0].start_s == pytest.approx(1.0)


# -- interrupt ---------------------------------------------------------------------------------


def test_an_interrupt_cuts_speech_off_at_once_and_says_so_after_its_ack() -> None:
    avatar = made()
    avatar.receive(chat("0123456789", "a"), 0.0)
    avatar.receive(chat("queued", "b"), 0.0)
    played(avatar, until=1.45)
    avatar.receive(interrupt(), 1.45)
    ack, end = played(avatar)
    assert (ack[0], ack[1].mid, end[0], end[1].pld.event) == (1.95, "c", 1.95, "audio_end")
    spoken = avatar.spoken
    assert [(one.text, one.interrupted, one.end_s) for one in spoken] == [("0123", True, 1.45)]


def test_an_interrupt_in_silence_ends_nothing() -> None:
    avatar = made()
    sent(avatar, "interrupt")
    assert events(played(avatar)) == []


def test_pieces_of_an_interrupted_message_that_come_late_are_not_spoken() -> None:
    avatar = made()
    avatar.receive(chat("one ", "a", fin=False), 0.0)
    sent(avatar, "interrupt", at=0.1)
    avatar.receive(chat("two", "a", 1), 2.0)
    assert (played(avatar), avatar.ignored) == ([], {"after_end": 1})


def test_an_interrupt_also_forgets_an_answer_that_is_being_thought_out() -> None:
    avatar = made()
    sent(avatar, "set-params", {"mode": 2})
    avatar.receive(chat("hello", "a"), 10.0)
    sent(avatar, "interrupt", at=10.1)
    assert (played(avatar), avatar.spoken) == ([], [])


def test_an_interrupt_while_the_avatar_waits_for_more_text_cuts_the_message_off() -> None:
    avatar = made()
    avatar.receive(chat("one ", "a", fin=False), 0.0)
    played(avatar, until=10.0)
    avatar.receive(interrupt(), 10.0)
    assert [(spoken.text, spoken.end_s, spoken.interrupted) for spoken in avatar.spoken] == [("one ", 1.4, True)]


@pytest.mark.parametrize("chars", range(1, 10))
def test_a_character_that_ends_just_as_the_cut_comes_was_heard(chars: int) -> None:
    avatar = made()
    avatar.receive(chat("0123456789", "a"), 0.0)
    played(avatar, until=1.0)
    avatar.receive(interrupt(), 1.0 + chars / 10)
    assert avatar.spoken[0].text == "0123456789"[:chars]


def test_the_next_sound_waits_for_the_end_of_the_interrupted_one() -> None:
    avatar = made(speech_delay_s=0.1)
    avatar.receive(chat("0123456789", "a"), 0.0)
    played(avatar, until=1.0)
    avatar.receive(interrupt(), 1.0)
    avatar.receive(chat("next", "b"), 1.0)
    assert events(played(avatar))[:2] == [(1.5, "audio_end"), (1.5, "audio_start")]


@pytest.mark.parametrize("mode", [1, 2])
def test_an_interrupt_makes_room_for_new_text(mode: int) -> None:
    avatar = made(max_queued_chars=8)
    sent(avatar, "set-params", {"mode": mode})
    avatar.receive(chat("01234567", "a", fin=False), 0.0)
    avatar.receive(chat("01234567", "b", fin=False), 0.0)
    assert avatar.ignored == {"overflow": 1}
    avatar.receive(interrupt(), 0.0)
    avatar.receive(chat("01234567", "c", fin=False), 0.0)
    assert avatar.ignored == {"overflow": 1}


@pytest.mark.parametrize(
    ("how", "expected"),
    [("prompt", [(2.5, "audio_end")]), ("late", [(3.5, "audio_end")]), ("missing", [])],
)
def test_the_end_of_interrupted_speech_can_come_at_once_late_or_never(
    how: str, expected: list[tuple[float, str]]
) -> None:
    avatar = made(interrupt_end=how, late_audio_end_s=1.0)
    avatar.receive(chat("0123456789 0123456789", "a"), 0.0)
    played(avatar, until=2.0)
    avatar.receive(interrupt(), 2.0)
    assert events(played(avatar)) == expected
