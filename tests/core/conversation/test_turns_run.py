"""Turns through the whole conversation, over a scripted room."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest

from akoolflow.contracts import PASS, Pass, Remark, Say, SessionRequest, Turn
from akoolflow.conversation import Timing
from akoolflow.errors import CommandTooBig, CommandUnanswered, WrongMode
from akoolflow.events import (
    BotChunk,
    BrainFailed,
    CommandAck,
    CommandSent,
    CommandTimedOut,
    ProtocolViolated,
    SpeechStarted,
    TurnFinished,
    TurnInterrupted,
    TurnStarted,
    UserUtterance,
)
from akoolflow.protocol import wire
from akoolflow.protocol.pacing import Limits
from akoolflow.testing import RecordingSink, ScriptedRoom, run_in_virtual_time, scripted_session

pytestmark = pytest.mark.anyio
DIALOGUE = SessionRequest(avatar_id="avatar", stream_type="scripted", mode_type=wire.DIALOGUE)


class Says:
    """Answers with fixed pieces."""

    def __init__(self, *pieces: str) -> None:
        self.pieces = pieces
        self.turns: list[Turn] = []

    async def respond(self, turn: Turn, say: Say) -> None:
        self.turns.append(turn)
        for piece in self.pieces:
            await say(piece)


class Talks:
    """Talks until it is interrupted, a word each 100 ms."""

    def __init__(self) -> None:
        self.cancelled = False

    async def respond(self, turn: Turn, say: Say) -> None:
        try:
            while True:
                await say("word ")
                await anyio.sleep(0.1)
        except anyio.get_cancelled_exc_class():
            self.cancelled = True
            raise


class Passes:
    async def respond(self, turn: Turn, say: Say) -> Pass:
        return PASS


class Fails:
    def __init__(self, *before: str) -> None:
        self.before = before

    async def respond(self, turn: Turn, say: Say) -> None:
        for piece in self.before:
            await say(piece)
        msg = "no credit"
        raise RuntimeError(msg)


def obedient(room: ScriptedRoom, *, speaks_for_s: float = 0.0) -> ScriptedRoom:
    """Acks commands and speaks each finished message."""

    def on_frame(frame: bytes) -> None:
        message = room.messages[-1]
        if message["type"] == "command":
            pld = {"cmd": message["pld"]["cmd"], "code": 1000, "msg": "OK"}
            room.message("command", pld, mid=message["mid"])
        elif message["fin"] and not speaks_for_s:
            room.message("event", {"event": "audio_start"}, mid="e")
            room.message("event", {"event": "audio_end"}, mid="e")

    room.on_frame = on_frame
    return room


async def test_the_brains_pieces_reach_the_avatar_in_one_message_and_the_turn_finishes() -> None:
    room, sink = obedient(ScriptedRoom()), RecordingSink()
    async with scripted_session(Says("We open ", "at nine."), room=room, sinks=[sink]) as session:
        await session.utter("when?")
        finished = await sink.wait_for(TurnFinished)
    chats = [m for m in room.messages if m["type"] == "chat"]
    assert "".join(m["pld"]["text"] for m in chats) == "We open at nine."
    assert len({m["mid"] for m in chats}) == 1
    assert [m["fin"] for m in chats] == [False] * (len(chats) - 1) + [True]
    assert [m["idx"] for m in chats] == list(range(len(chats)))
    assert (finished.brain, finished.text.said, finished.text.heard) == ("brain1",) + ("We open at nine.",) * 2
    assert finished.text.heard_surely == "We open at nine."


async def test_a_turn_tells_where_its_time_went_and_what_caused_what() -> None:
    room, sink = obedient(ScriptedRoom()), RecordingSink()
    async with scripted_session(Says("Yes."), room=room, sinks=[sink]) as session:
        await session.utter("really?")
        finished = await sink.wait_for(TurnFinished)
    times = finished.times
    assert times.first_piece_s is not None
    assert times.first_frame_s is not None
    assert times.speech_s is not None
    assert 0 <= times.first_piece_s <= times.first_frame_s <= times.speech_s <= times.total_s
    (utterance,), (started,) = sink.of(UserUtterance), sink.of(TurnStarted)
    assert started.cause == utterance.seq
    chunks = sink.of(BotChunk)
    assert {chunk.cause for chunk in chunks} == {started.seq}
    assert {event.turn for event in (started, *chunks, finished)} == {1}
    assert [chunk.final for chunk in chunks] == [False, True]


async def test_brains_are_asked_in_order_until_one_takes_the_turn() -> None:
    room, sink = obedient(ScriptedRoom()), RecordingSink()
    last = Says("Never asked.")
    async with scripted_session(Passes(), Says("Mine."), last, room=room, sinks=[sink]) as session:
        await session.utter("hello")
        finished = await sink.wait_for(TurnFinished)
    assert (finished.brain, room.spoken, last.turns) == ("brain2", "Mine.", [])


async def test_a_brain_that_raises_is_told_and_the_next_one_answers() -> None:
    room, sink = obedient(ScriptedRoom()), RecordingSink()
    async with scripted_session(Fails(), Says("Instead."), room=room, sinks=[sink]) as session:
        await session.utter("hello")
        await sink.wait_for(TurnFinished)
    (failed,) = sink.of(BrainFailed)
    assert (failed.component, failed.error, failed.turn) == ("brain1", "RuntimeError: no credit", 1)
    assert room.spoken == "Instead."


async def test_a_brain_that_fails_in_mid_answer_is_not_followed_by_another_answer() -> None:
    room, sink = obedient(ScriptedRoom()), RecordingSink()
    async with scripted_session(Fails("The answer "), Says("Instead."), room=room, sinks=[sink]) as session:
        await session.utter("hello")
        await sink.wait_for(TurnFinished)
    assert room.spoken == "The answer "


async def test_a_turn_that_nobody_takes_finishes_in_silence() -> None:
    room, sink = obedient(ScriptedRoom()), RecordingSink()
    async with scripted_session(Passes(), room=room, sinks=[sink]) as session:
        await session.utter("hello")
        finished = await sink.wait_for(TurnFinished)
    assert (finished.brain, finished.text.said, room.spoken) == ("", "", "")


async def test_the_history_given_to_a_brain_holds_what_was_said_before() -> None:
    room, sink, brain = obedient(ScriptedRoom()), RecordingSink(), Says("Fine.")
    async with scripted_session(brain, room=room, sinks=[sink]) as session:
        for text in ("one", "two"):
            await session.utter(text)
            await session.wait_idle()
    assert brain.turns[0].history == ()
    assert brain.turns[1].history == (Remark("user", "one"), Remark("avatar", "Fine."))


async def test_an_utterance_while_the_avatar_answers_cuts_it_off_and_is_answered() -> None:
    talks, room, sink = Talks(), obedient(ScriptedRoom(), speaks_for_s=9), RecordingSink()
    async with scripted_session(talks, room=room, sinks=[sink]) as session:
        await session.utter("tell me a story")
        await sink.wait_for(BotChunk, 3)
        await session.utter("stop")
        interrupted = await sink.wait_for(TurnInterrupted)
        second = await sink.wait_for(TurnStarted, 2)
    assert talks.cancelled
    assert (interrupted.reason, interrupted.turn) == ("user", 1)
    assert (second.barge_in, second.text, second.turn) == (True, "stop", 2)
    names = sink.names
    assert names.index("TurnInterrupted") < names.index("TurnStarted", names.index("TurnStarted") + 1)


async def test_not_one_frame_of_an_interrupted_turn_follows_its_interrupt() -> None:
    limits = Limits(max_frame_bytes=200, bytes_per_s=6000, frames_per_s=30)
    room, sink = obedient(ScriptedRoom(limits), speaks_for_s=9), RecordingSink()
    async with scripted_session(Says("A long story. " * 1000), room=room, sinks=[sink]) as session:
        await session.utter("tell me")
        await sink.wait_for(BotChunk)
        await anyio.wait_all_tasks_blocked()
        await session.interrupt()
        interrupted = await sink.wait_for(TurnInterrupted)
        await sink.wait_for(CommandAck, 2)
        await anyio.wait_all_tasks_blocked()
    kinds = [m["pld"].get("cmd", "chat") for m in room.messages]
    assert kinds[-1] == "interrupt"
    assert kinds.count("chat") >= 1
    assert interrupted.text.sent == room.spoken
    assert len(interrupted.text.said) > len(room.spoken)


def test_an_interrupt_waits_for_no_queued_speech() -> None:
    room, sink = obedient(ScriptedRoom(Limits(max_frame_bytes=960, bytes_per_s=6000, frames_per_s=30))), RecordingSink()

    async def work() -> float:
        async with scripted_session(Says("A long story. " * 1000), room=room, sinks=[sink]) as session:
            await session.utter("tell me")
            await anyio.sleep(0.5)
            asked_at = anyio.current_time()
            await session.interrupt()
            await sink.wait_for(TurnInterrupted)
            await anyio.sleep(0.2)
            return next(at for at, frame in room.sent if b"interrupt" in frame) - asked_at

    assert run_in_virtual_time(work) == 0.0


def test_what_was_heard_of_an_interrupted_answer_is_estimated_by_the_speaking_rate() -> None:
    room, sink = ScriptedRoom(), RecordingSink()

    async def work() -> None:
        timing = Timing(chars_per_s=10)
        async with scripted_session(
            Says("one two three four five six seven"), room=room, sinks=[sink], timing=timing
        ) as s:
            await s.utter("count")
            await sink.wait_for(BotChunk, 2)
            room.message("event", {"event": "audio_start"}, mid="e")
            await sink.wait_for(SpeechStarted)
            await anyio.sleep(1.5)
            await s.interrupt()
            await sink.wait_for(TurnInterrupted)
            assert s.history[-1] == Remark("avatar", "one two three ", interrupted=True)

    run_in_virtual_time(work)
    text = sink.of(TurnInterrupted)[0].text
    assert (text.heard, text.heard_surely, text.sent) == ("one two three ", "", "one two three four five six seven")


def test_a_turn_ends_though_audio_end_never_comes() -> None:
    room, sink = ScriptedRoom(), RecordingSink()

    async def work() -> float:
        timing = Timing(chars_per_s=10, speech_grace_s=3)
        async with scripted_session(Says("ten chars."), room=room, sinks=[sink], timing=timing) as session:
            start = anyio.current_time()
            await session.utter("hello")
            await session.wait_idle()
            return anyio.current_time() - start

    assert run_in_virtual_time(work) == pytest.approx(4.0)
    assert sink.of(TurnFinished)[0].text.heard_surely == ""


async def test_say_speaks_without_a_brain_after_what_is_being_said() -> None:
    room, sink, brain = obedient(ScriptedRoom()), RecordingSink(), Says("Never asked.")
    async with scripted_session(brain, room=room, sinks=[sink]) as session:
        await session.say("Welcome. ")
        await session.say("How are you?")
        await session.wait_idle()
    assert room.spoken == "Welcome. How are you?"
    assert brain.turns == []


async def test_say_is_refused_in_dialogue_mode() -> None:
    async with scripted_session(request=DIALOGUE) as session:
        with pytest.raises(WrongMode, match="mode_type 1"):
            await session.say("Welcome.")


async def test_in_dialogue_mode_the_utterance_goes_to_the_avatar_and_its_report_is_the_answer() -> None:
    room, sink = ScriptedRoom(), RecordingSink()

    def answer(frame: bytes) -> None:
        if b'"chat"' in frame:
            room.message("event", {"event": "audio_start"}, mid="e")
            room.message("chat", {"from": "bot", "text": "I am "}, mid="m", idx=0, fin=False)
            room.message("chat", {"from": "bot", "text": "fine."}, mid="m", idx=1, fin=True)
            room.message("event", {"event": "audio_end"}, mid="e")

    room.on_frame = answer
    async with scripted_session(room=room, sinks=[sink], request=DIALOGUE) as session:
        await session.utter("how are you?")
        finished = await sink.wait_for(TurnFinished)
        assert session.history == (Remark("user", "how are you?"), Remark("avatar", "I am fine."))
    assert room.spoken == "how are you?"
    assert finished.text.heard == "I am fine."
    assert [(c.text, c.origin, c.final) for c in sink.of(BotChunk)] == [
        ("I am ", "avatar", False),
        ("fine.", "avatar", True),
    ]


async def test_speech_in_retelling_mode_is_interrupted_so_that_the_avatar_does_not_repeat_it() -> None:
    room, sink = obedient(ScriptedRoom()), RecordingSink()
    async with scripted_session(Says("Nine."), room=room, sinks=[sink]) as session:
        room.message("chat", {"from": "user", "text": "when do you open"}, mid="u1", idx=0, fin=True)
        await sink.wait_for(TurnFinished)
        assert session.history[0] == Remark("user", "when do you open")
    assert room.commands == ["set-params", "interrupt"]
    kinds = [m["pld"].get("cmd", "chat") for m in room.messages]
    assert kinds.index("interrupt") < kinds.index("chat")


async def test_pieces_of_an_utterance_are_joined_and_only_the_final_one_is_answered() -> None:
    room, sink, brain = obedient(ScriptedRoom()), RecordingSink(), Says("Nine.")
    async with scripted_session(brain, room=room, sinks=[sink]):
        room.message("chat", {"from": "user", "text": "when do "}, mid="u1", idx=0, fin=False)
        room.message("chat", {"from": "user", "text": "you open"}, mid="u1", idx=1, fin=True)
        await sink.wait_for(TurnFinished)
    assert [(u.text, u.final) for u in sink.of(UserUtterance)] == [("when do ", False), ("when do you open", True)]
    assert [turn.text for turn in brain.turns] == ["when do you open"]


async def test_mode_and_language_are_set_again_once_the_avatar_is_there() -> None:
    room, sink = obedient(ScriptedRoom()), RecordingSink()
    request = SessionRequest(avatar_id="a", stream_type="scripted", mode_type=1, language="es")
    async with scripted_session(room=room, sinks=[sink], request=request):
        ack = await sink.wait_for(CommandAck)
    assert room.messages[0]["pld"] == {"cmd": "set-params", "data": {"mode": 1, "lang": "es"}}
    assert (ack.cmd, ack.code, ack.msg) == ("set-params", 1000, "OK")
    assert ack.elapsed_s is not None


async def test_set_params_returns_its_ack() -> None:
    room = obedient(ScriptedRoom())
    async with scripted_session(room=room) as session:
        ack = await session.set_params(lang="es", vparams={"speed": 1.1})
        assert session.language == "es"
    assert ack.code == 1000
    assert room.messages[-1]["pld"]["data"] == {"lang": "es", "vparams": {"speed": 1.1}}


async def test_a_key_in_a_command_reaches_the_service_and_no_event() -> None:
    room, sink = obedient(ScriptedRoom()), RecordingSink()
    async with scripted_session(room=room, sinks=[sink]) as session:
        await session.set_params(vparams={"elevenlabs_settings": {"api_key": "sk-1234"}})
    assert room.messages[-1]["pld"]["data"]["vparams"]["elevenlabs_settings"]["api_key"] == "sk-1234"
    assert "sk-1234" not in str(sink.events)
    assert sink.of(CommandSent)[-1].data == {"vparams": {"elevenlabs_settings": {"api_key": "***"}}}


def test_a_command_without_an_ack_times_out_and_says_so() -> None:
    room, sink = ScriptedRoom(), RecordingSink()

    async def work() -> None:
        async with scripted_session(room=room, sinks=[sink], timing=Timing(ack_timeout_s=4)) as session:
            with pytest.raises(CommandUnanswered, match="4 s"):
                await session.set_params(lang="es")

    run_in_virtual_time(work)
    assert {late.cmd for late in sink.of(CommandTimedOut)} == {"set-params"}
    assert sink.of(CommandTimedOut)[-1].elapsed_s == pytest.approx(4)


async def test_a_command_too_big_for_a_frame_is_refused_and_nothing_is_sent() -> None:
    room, sink = obedient(ScriptedRoom()), RecordingSink()
    async with scripted_session(room=room, sinks=[sink]) as session:
        await sink.wait_for(CommandAck)
        before = len(room.sent)
        with pytest.raises(CommandTooBig, match="pron_map"):
            await session.set_params(vparams={"pron_map": {f"word{n}": "w" for n in range(500)}})
        await anyio.wait_all_tasks_blocked()
        assert len(room.sent) == before
    assert len(sink.of(CommandSent)) == 1


@pytest.mark.parametrize(
    ("frame", "rule"),
    [
        (b"\xff\xfe", "not_utf8"),
        (b"hello", "not_json"),
        (b'{"type":"chat"}', "version"),
        (b'{"v":2,"type":"wave","mid":"m","pld":{}}', "type"),
        (b'{"v":2,"type":"event","mid":"m","pld":{"event":"camera_open"}}', "event"),
        (b'{"v":2,"type":"command","mid":"m","pld":{"cmd":"interrupt"}}', "command"),
    ],
)
async def test_a_frame_that_breaks_the_protocol_is_told_and_the_session_goes_on(frame: bytes, rule: str) -> None:
    room, sink = obedient(ScriptedRoom()), RecordingSink()
    async with scripted_session(Says("Still here."), room=room, sinks=[sink]) as session:
        room.bring(frame)
        violated = await sink.wait_for(ProtocolViolated)
        await session.utter("hello")
        await sink.wait_for(TurnFinished)
    assert violated.rule == rule


async def test_a_brain_that_outlives_its_turn_is_not_heard() -> None:
    late_say: list[Callable[[str], object]] = []

    class Keeps:
        async def respond(self, turn: Turn, say: Say) -> None:
            late_say.append(say)
            await say("First.")

    room, sink = obedient(ScriptedRoom()), RecordingSink()
    async with scripted_session(Keeps(), room=room, sinks=[sink]) as session:
        await session.utter("hello")
        await session.wait_idle()
        await late_say[0]("Too late.")  # type: ignore[misc]
        await session.utter("again")
        await session.wait_idle()
    assert room.spoken == "First.First."
