"""What holds for the simulated avatar whatever comes, in any order, at any time."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from akoolflow.protocol.codec import decode, encode
from akoolflow.protocol.wire import Chat, ChatPayload, Command, CommandPayload, Event
from akoolflow.simulator.avatar import Avatar
from akoolflow.simulator.options import SimulatorOptions
from akoolflow.simulator.params import Settings

PACE: dict[str, Any] = {"chars_per_s": 10.0, "speech_delay_s": 0.1, "command_delay_s": 0.2}


def made(**options: Any) -> Avatar:
    avatar = Avatar(msgspec.convert(PACE | options, SimulatorOptions), Settings(mode=1))
    avatar.join(0.0)
    return avatar


def chat(text: str, mid: str, idx: int = 0, *, fin: bool = True) -> bytes:
    return encode(Chat(v=2, mid=mid, idx=idx, fin=fin, pld=ChatPayload(text=text)))


def played(avatar: Avatar, until: float = 1e6) -> list[tuple[float, Any]]:
    log: list[tuple[float, Any]] = []
    while (at := avatar.next_at) is not None and at <= until:
        log += [(at, decode(frame)) for frame in avatar.poll(at)]
    return log


TEXTS = st.text(alphabet='ab .!é😀\n"', max_size=12)
STEPS = st.one_of(
    st.tuples(st.just("chat"), st.integers(0, 3), st.integers(0, 3), TEXTS, st.booleans()),
    st.tuples(st.just("interrupt")),
    st.tuples(st.just("hear"), TEXTS),
    st.tuples(st.just("mode"), st.sampled_from([1, 2])),
)


def done(avatar: Avatar, step: tuple[Any, ...], at: float) -> None:
    match step:
        case ("chat", mid, idx, text, fin):
            avatar.receive(chat(text, f"m{mid}", idx, fin=fin), at)
        case ("hear", text):
            avatar.hear(text, at)
        case ("mode", mode):
            data = {"mode": mode}
            avatar.receive(encode(Command(v=2, mid="p", pld=CommandPayload(cmd="set-params", data=data))), at)
        case _:
            avatar.receive(encode(Command(v=2, mid="i", pld=CommandPayload(cmd="interrupt"))), at)


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.01, 0.3, 1.0, 5.0]), STEPS), max_size=25),
    st.sampled_from(["piece", "fin"]),
    st.sampled_from(["own", "same"]),
)
def test_sound_starts_and_ends_in_turn_and_only_what_was_reported_is_spoken(
    steps: list[tuple[float, tuple[Any, ...]]], speak_at: str, reply_mid: str
) -> None:
    avatar = made(speak_at=speak_at, reply_mid=reply_mid)
    now, log = 0.0, list[tuple[float, Any]]()
    for wait_s, step in steps:
        now += wait_s
        log += played(avatar, until=now)
        done(avatar, step, now)
    log += played(avatar)
    names = [message.pld.event for _, message in log if isinstance(message, Event)]
    assert names == ["audio_start", "audio_end"] * (len(names) // 2)
    assert len(avatar.spoken) == len(names) // 2
    assert [at for at, _ in log] == sorted(at for at, _ in log)
    reported: dict[str, str] = {}
    for _, message in log:
        if isinstance(message, Chat) and message.pld.from_ == "bot":
            reported[message.mid] = reported.get(message.mid, "") + message.pld.text
    for spoken in avatar.spoken:
        whole = reported[spoken.reply_mid]
        assert whole.startswith(spoken.text)
        assert spoken.interrupted or spoken.text.strip()


@given(st.lists(st.one_of(st.none(), st.tuples(st.integers(0, 2), st.integers(0, 4), TEXTS)), max_size=20))
def test_retelling_says_the_sent_pieces_in_their_order_up_to_an_interrupt(
    sent_pieces: list[tuple[int, int, str] | None],
) -> None:
    avatar = made(fin_timeout_s=5.0)
    first: dict[tuple[int, int], str] = {}
    for n, piece in enumerate(sent_pieces):
        if piece is None:
            done(avatar, ("interrupt",), n * 0.1)
            continue
        mid, idx, text = piece
        first.setdefault((mid, idx), text)
        avatar.receive(chat(text, f"m{mid}", idx, fin=False), n * 0.1)
    played(avatar)
    said = {spoken.mid: spoken.text for spoken in avatar.spoken}
    assert len(said) == len(avatar.spoken)
    for mid in range(3):
        whole = "".join(first[mid, idx] for idx in range(5) if (mid, idx) in first)
        assert whole.startswith(said.get(f"m{mid}", ""))
        assert None in sent_pieces or said.get(f"m{mid}", "") == (whole if whole.strip() else "")


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.3, 5.0]), STEPS), max_size=15))
def test_the_same_inputs_at_the_same_times_give_the_same_frames(steps: list[tuple[float, tuple[Any, ...]]]) -> None:
    logs = []
    for every_poll in (True, False):
        avatar, now, frames = made(), 0.0, list[bytes]()
        for wait_s, step in steps:
            now += wait_s
            if every_poll:
                frames += avatar.poll(now)
            done(avatar, step, now)
        logs.append(frames + avatar.poll(1e6))
    assert logs[0] == logs[1]


@given(st.lists(st.tuples(st.binary(max_size=60), st.floats(min_value=0, max_value=1e3))))
def test_arbitrary_bytes_never_raise_and_are_never_answered(frames: list[tuple[bytes, float]]) -> None:
    avatar = made()
    for frame, at in frames:
        avatar.receive(frame, at)
    assert (played(avatar), avatar.ignored.total()) == ([], len(frames))
