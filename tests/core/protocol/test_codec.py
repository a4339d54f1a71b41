from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wcwidth import iter_graphemes

from akoolflow.errors import CommandTooBig, FrameRejected, FrameTooSmall, ProtocolError, TextEmpty
from akoolflow.protocol.codec import MAX_INBOUND_BYTES, Cut, OutgoingChat, chat_frames, command_frame, decode, encode
from akoolflow.protocol.wire import Chat, ChatPayload, Command, CommandPayload, Event, EventPayload, SetParams

MID = "msg-1760000000000"
ENVELOPE_BYTES = len(encode(Chat(v=2, idx=0, fin=False, pld=ChatPayload(""), mid=MID)))
CHAT: dict[str, Any] = {
    "v": 2,
    "type": "chat",
    "mid": "m1",
    "idx": 0,
    "fin": True,
    "pld": {"from": "bot", "text": "Hi"},
}


def frame(**changed: Any) -> bytes:
    return json.dumps({key: value for key, value in {**CHAT, **changed}.items() if value is not ...}).encode()


def chats(frames: list[bytes]) -> list[Chat]:
    messages = [decode(one) for one in frames]
    assert all(isinstance(message, Chat) for message in messages)
    return [message for message in messages if isinstance(message, Chat)]


def texts(frames: list[bytes]) -> list[str]:
    return [chat.pld.text for chat in chats(frames)]


def drain(chat: OutgoingChat) -> list[Cut]:
    return list(iter(chat.next_frame, None))


# -- in ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (
            b'{"v":2,"type":"chat","mid":"m1","idx":0,"fin":false,"pld":{"from":"bot","text":"Hello! "}}',
            Chat(v=2, idx=0, fin=False, pld=ChatPayload(text="Hello! ", from_="bot"), mid="m1"),
        ),
        (
            b'{"v":2,"type":"command","mid":"m2","pld":{"cmd":"set-params","code":1000,"msg":"OK"}}',
            Command(v=2, pld=CommandPayload(cmd="set-params", code=1000, msg="OK"), mid="m2"),
        ),
        (
            b'{"v":2,"type":"event","mid":"e1","pld":{"event":"audio_start"}}',
            Event(v=2, pld=EventPayload(event="audio_start"), mid="e1"),
        ),
    ],
)
def test_each_documented_message_is_read(raw: bytes, expected: object) -> None:
    assert decode(raw) == expected


def test_unknown_keys_and_unknown_events_are_no_fault() -> None:
    message = decode(b'{"v":2,"type":"event","new":[1],"pld":{"event":"camera_open","more":{"a":1}}}')
    assert message == Event(v=2, pld=EventPayload(event="camera_open"))


@pytest.mark.parametrize("raw", [frame(mid=...), frame(mid="")])
def test_a_missing_mid_is_tolerated(raw: bytes) -> None:
    assert decode(raw).mid == ""


REJECTED = [
    ("empty", b""),
    ("empty", b" \n"),
    ("not_json", b"hello"),
    ("not_json", b"{"),
    ("not_json", b"\x00\x01"),
    ("not_json", frame() + b"x"),
    ("not_json", frame(v=1) + b"x"),
    ("not_utf8", frame().replace(b"Hi", b"\xff\xfe")),
    ("not_utf8", json.dumps(CHAT).encode("utf-16")),
    ("not_object", b"[]"),
    ("not_object", b'"hello"'),
    ("not_object", b"[" * 10_000),
    ("version", frame(v=...)),
    ("version", frame(v=1)),
    ("version", frame(v="2")),
    ("version", frame(v=2.0)),
    ("version", frame(v=None)),
    ("version", frame(v=1, type="strange", idx="x")),
    ("type", frame(type=...)),
    ("type", frame(type="ack")),
    ("type", frame(type=3)),
    ("shape", frame(idx="0")),
    ("shape", frame(idx=...)),
    ("shape", frame(fin=1)),
    ("shape", frame(mid=None)),
    ("shape", frame(pld=[])),
    ("shape", frame(pld={"from": "bot"})),
    ("shape", b'{"v":2,"type":"event","pld":{"event":"x","data":' + b"[" * 50_000 + b"]" * 50_000 + b"}}"),
    ("shape", b'{"v":2,"type":"event","pld":{"event":"x","data":1e999}}'),
    ("too_big", frame(pld={"text": "x" * MAX_INBOUND_BYTES})),
]


@pytest.mark.parametrize(("rule", "raw"), REJECTED, ids=lambda value: str(value)[:40])
def test_a_frame_that_breaks_a_rule_is_rejected_with_that_rule(rule: str, raw: bytes) -> None:
    with pytest.raises(FrameRejected) as caught:
        decode(raw)
    assert caught.value.rule == rule
    assert 0 < len(caught.value.detail) < 200


def test_a_wrong_field_is_named_by_its_path() -> None:
    with pytest.raises(FrameRejected) as caught:
        decode(frame(pld={"from": 3, "text": "x"}))
    assert caught.value.detail == "Expected `str`, got `int` - at `$.pld.from`"


SECRET = "what-was-said"


@pytest.mark.parametrize(
    "raw",
    [
        frame(type=SECRET),
        f'{{"v":2,"type":"{SECRET}","type":"chat","pld":{{"text":"x"}}}}'.encode(),
        frame(v=SECRET),
        frame(idx=SECRET),
        frame(pld={SECRET: SECRET}),
        SECRET.encode(),
        frame(pld={"text": SECRET}) + b"}",
        frame(pld={"text": SECRET}).replace(b"-said", b"\xff"),
        json.dumps({"v": 2, "type": "command", "pld": {"code": SECRET, "data": {SECRET: SECRET}}}).encode(),
    ],
)
def test_a_rejection_never_quotes_the_frame(raw: bytes) -> None:
    with pytest.raises(FrameRejected) as caught:
        decode(raw)
    error = caught.value
    assert "said" not in str(error)
    assert (error.__cause__, error.__context__) == (None, None)


def test_half_a_surrogate_pair_becomes_a_replacement_character() -> None:
    raw = rb'{"v":2,"type":"chat","mid":"\udc00","idx":0,"fin":true,"pld":{"text":"a\uD83D \ud83d\ude00 \\ud83d"}}'
    message = decode(raw)
    assert isinstance(message, Chat)
    assert (message.mid, message.pld.text) == ("\ufffd", "a\ufffd \U0001f600 \\ud83d")


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode) | st.just(frame()).flatmap(lambda raw: (
    st.tuples(st.integers(0, len(raw)), st.integers(0, len(raw)), st.binary(max_size=4))
    .map(lambda cut: raw[: cut[0]] + cut[2] + raw[cut[1] :])
)))  # fmt: skip
def test_any_bytes_are_read_or_rejected_and_nothing_else(raw: bytes) -> None:
    try:
        message = decode(raw)
    except FrameRejected:
        return
    assert decode(encode(message)) == message


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["v", "type", "pld", "idx"]), inner)
        ),
    ),
    st.sampled_from(["v", "type", "mid", "idx", "fin", "pld"]),
)
def test_any_json_in_any_field_is_read_or_rejected_and_nothing_else(value: Any, key: str) -> None:
    with contextlib.suppress(FrameRejected):
        decode(json.dumps({**CHAT, key: value}).encode())


# -- out ---------------------------------------------------------------------------------------


def test_text_leaves_as_raw_utf8() -> None:
    raw = encode(Chat(v=2, idx=0, fin=True, pld=ChatPayload("héllo 世界 😀"), mid="m"))
    assert json.loads(raw) == {
        "v": 2,
        "type": "chat",
        "mid": "m",
        "idx": 0,
        "fin": True,
        "pld": {"text": "héllo 世界 😀"},
    }
    assert "héllo 世界 😀".encode() in raw


def test_a_lone_surrogate_is_replaced_wherever_it_is() -> None:
    message = Command(
        v=2, pld=CommandPayload(cmd="set-params", data={"\ud800": ["\udc00x", {"a": "", "b": 0}]}), mid="\ud83d"
    )
    assert json.loads(encode(message)) == {
        "v": 2,
        "type": "command",
        "mid": "\ufffd",
        "pld": {"cmd": "set-params", "data": {"\ufffd": ["\ufffdx", {"a": "", "b": 0}]}},
    }


def test_an_interrupt_has_no_data_key() -> None:
    assert json.loads(command_frame(MID, "interrupt", None, 960))["pld"] == {"cmd": "interrupt"}


def test_empty_values_are_left_out_at_any_depth_but_false_and_zero_are_kept() -> None:
    data = {
        "lang": "",
        "mode": None,
        "zero": 0,
        "no": False,
        "vparams": {
            "vid": "",
            "speed": 1.1,
            "turn_detection": {"type": None},
            "use_speaker_boost": False,
            "threshold": 0.0,
        },
        "list": [{"a": ""}, ""],
    }
    assert json.loads(command_frame(MID, "set-params", data, 960))["pld"]["data"] == {
        "zero": 0,
        "no": False,
        "vparams": {"speed": 1.1, "use_speaker_boost": False, "threshold": 0.0},
        "list": [{}, ""],
    }


def test_a_struct_of_parameters_is_sent_by_the_names_of_its_fields() -> None:
    raw = command_frame(MID, "set-params", SetParams(mode=1, lang="en", vparams={"vid": "abc", "vurl": ""}), 960)
    assert json.loads(raw)["pld"] == {"cmd": "set-params", "data": {"lang": "en", "mode": 1, "vparams": {"vid": "abc"}}}


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (
            {"lang": "en", "vparams": {"speed": 1.0, "pron_map": {f"word{n}": "sounds" for n in range(99)}}},
            "vparams.pron_map",
        ),
        ({"vparams": {"pron_map": {"a": "x" * 2000}}, "bgurl": "x" * 1000}, "vparams.pron_map"),
        ({"vparams": {"pron_map": {"a": "x" * 500}}, "bgurl": "x" * 2000}, "bgurl"),
    ],
)
def test_a_command_too_big_for_one_frame_is_refused_and_its_biggest_field_named(
    data: dict[str, Any], field: str
) -> None:
    with pytest.raises(CommandTooBig) as caught:
        command_frame(MID, "set-params", data, 960)
    assert (caught.value.field, caught.value.max_bytes) == (field, 960)
    assert caught.value.size_bytes == len(command_frame(MID, "set-params", data, 10_000))


def test_a_command_of_exactly_the_limit_is_sent() -> None:
    size_bytes = len(command_frame(MID, "interrupt", None, 960))
    assert len(command_frame(MID, "interrupt", None, size_bytes)) == size_bytes
    with pytest.raises(CommandTooBig) as caught:
        command_frame(MID, "interrupt", None, size_bytes - 1)
    assert caught.value.field == "mid"


# -- a whole text in frames --------------------------------------------------------------------

FAMILY = "👨‍👩‍👧‍👦"
ALPHABETS = {
    "ascii": "The quick brown fox jumps over the lazy dog. Then it sleeps, dreams and wakes! ",
    "one word": "abcdefghij",
    "cjk": "今天天气很好，我们去公园散步吧。你想吃什么？我想吃面条！",  # noqa: RUF001
    "cjk without punctuation": "漢字",
    "emoji": "😀😎🚀",
    "families": FAMILY,
    "flags": "🇩🇪🇫🇷🇯🇵",
    "skin tones": "👋🏽 👍🏿 ",
    "quotes and newlines": 'He said: "no"\\\n\t',
    "control characters": "\x01\x1f\x7f",
    "combining marks": "e\u0301a\u0308 ",
    "devanagari": "नमस्ते दुनिया। ",
    "spaces": " ",
    "lone surrogates": "a\ud83d ",
    "all together": f'Hello 世界, {FAMILY} said "hi"\n🇩🇪。\x07 ',
}


def of_length(alphabet: str, chars: int) -> str:
    return (alphabet * (chars // len(alphabet) + 1))[:chars]


@pytest.mark.parametrize("max_bytes", [320, 950, 960, 1000, 1024])
@pytest.mark.parametrize("alphabet", ALPHABETS.values(), ids=ALPHABETS.keys())
def test_five_thousand_characters_fill_every_frame_but_the_last_to_95_percent(alphabet: str, max_bytes: int) -> None:
    frames = chat_frames(of_length(alphabet, 5000), MID, max_bytes)
    assert max(map(len, frames)) <= max_bytes
    biggest_cluster_bytes = max(len(cluster.encode(errors="replace")) for cluster in iter_graphemes(alphabet))
    slack_bytes = max(0.05 * max_bytes, biggest_cluster_bytes)
    assert min(map(len, frames[:-1])) >= max_bytes - slack_bytes


@pytest.mark.parametrize("max_bytes", [320, 960])
@pytest.mark.parametrize("alphabet", ALPHABETS.values(), ids=ALPHABETS.keys())
def test_no_frame_cuts_a_grapheme_cluster(alphabet: str, max_bytes: int) -> None:
    pieces = texts(chat_frames(of_length(alphabet, 5000), MID, max_bytes))
    assert [g for piece in pieces for g in iter_graphemes(piece)] == list(iter_graphemes("".join(pieces)))


def test_frames_are_numbered_share_their_mid_and_only_the_last_is_final() -> None:
    frames = chats(chat_frames("word " * 1000, MID, 200))
    assert [chat.idx for chat in frames] == list(range(len(frames)))
    assert {chat.mid for chat in frames} == {MID}
    assert [chat.fin for chat in frames] == [False] * (len(frames) - 1) + [True]


def test_a_text_that_fits_is_one_final_frame_up_to_the_last_byte() -> None:
    one = chat_frames("x" * 100, MID, 960)
    assert chat_frames("x" * 100, MID, len(one[0])) == one
    assert len(chat_frames("x" * 100, MID, len(one[0]) - 1)) == 2


@pytest.mark.parametrize(
    ("end", "kept"),
    [
        (" One ends. Two does ", " One ends. "),
        (' "One ends." Two does', ' "One ends." '),
        (" Ends? One two three ", " Ends? "),
        (" 3.14 and example.com", " 3.14 and "),
        ("\n\nthe next paragraph", "\n\n"),
        ("。」 後面還有字", "。」 "),
        ("、後面還有很多字", "、"),
        (" 100\u00a0% 200\u00a0pieces", " 100\u00a0% "),
    ],
)
def test_a_frame_ends_at_a_sentence_else_at_a_word_if_that_costs_little(end: str, kept: str) -> None:
    room_bytes = 960 - ENVELOPE_BYTES
    before = "a" * (room_bytes - len(end.encode()))
    assert texts(chat_frames(before + end + "z" * 960, MID, 960))[0] == before + kept


def test_the_end_of_a_sentence_may_cost_five_percent_and_its_stop_stands_before_that() -> None:
    end = ". " + "b" * 20 + " " + "c" * 27
    before = "a" * (960 - ENVELOPE_BYTES - len(end))
    assert texts(chat_frames(before + end + "c" * 960, MID, 960))[0] == before + ". "


def test_what_a_wide_character_leaves_unused_counts_as_cost() -> None:
    before = "a" * (960 - ENVELOPE_BYTES - 2 - 3 - 48)
    frames = chat_frames(before + "、" + "字" * 500, MID, 960)
    assert len(frames[0]) == 958


def test_a_sentence_that_ends_too_early_gives_way_to_a_full_frame() -> None:
    frames = chat_frames("a" * 800 + ". " + "b" * 400, MID, 960)
    assert len(frames[0]) == 960


def test_a_space_is_not_left_for_the_next_frame() -> None:
    text = "word " * 50 + "end"
    frames = texts(chat_frames(text + "\n", MID, ENVELOPE_BYTES + len(text)))
    assert frames == ["word " * 50, "end\n"]


@pytest.mark.parametrize("max_bytes", [0, 20, ENVELOPE_BYTES - 1])
def test_a_limit_that_cannot_carry_one_character_is_refused(max_bytes: int) -> None:
    with pytest.raises(FrameTooSmall) as caught:
        chat_frames("x", MID, max_bytes)
    assert [chat.pld.text for chat in chats(chat_frames("x", MID, caught.value.needed_bytes))] == ["x"]


def test_a_character_that_does_not_fit_is_refused_with_what_it_needs() -> None:
    needed_bytes = len(chat_frames("x", MID, 960)[0])
    with pytest.raises(FrameTooSmall) as caught:
        chat_frames("😀😀", MID, needed_bytes)
    assert texts(chat_frames("😀😀", MID, caught.value.needed_bytes)) == ["😀", "😀"]


def test_an_empty_text_is_refused() -> None:
    with pytest.raises(TextEmpty, match="without text") as caught:
        chat_frames("", MID, 960)
    assert isinstance(caught.value, ProtocolError)


def test_surrogate_halves_are_joined_or_replaced() -> None:
    assert texts(chat_frames("a\ud83d\ude00b\ud83dc\udc00", MID, 960)) == ["a😀b\ufffdc\ufffd"]


nasty_text = st.text(min_size=1) | st.lists(
    st.sampled_from(
        ["a", "word ", "。", "世", FAMILY, "🇩🇪", "e\u0301", "\n", '"', "\x00", "\ud83d", "\ude00", ". ", "  "]
    ),
    min_size=1,
    max_size=300,
).map("".join)


@given(nasty_text, st.integers(ENVELOPE_BYTES + 10, 400))
@settings(max_examples=300)
def test_any_text_arrives_whole_within_the_limit(text: str, max_bytes: int) -> None:
    frames = chat_frames(text, MID, max_bytes)
    assert max(map(len, frames)) <= max_bytes
    pieces = texts(frames)
    assert all(pieces)
    assert "".join(pieces) == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert [chat.fin for chat in chats(frames)] == [False] * (len(frames) - 1) + [True]


@given(
    st.lists(
        st.sampled_from([FAMILY, "🇩🇪", "e\u0301", "각", "नि", "x", " ", "\r\n", "。\ufe00"]), min_size=1, max_size=200
    )
)
def test_a_cluster_is_whole_wherever_it_fits(clusters: list[str]) -> None:
    text = "".join(clusters)
    ends = {0}
    for cluster in iter_graphemes(text):
        ends.add(max(ends) + len(cluster))
    at = 0
    for piece in texts(chat_frames(text, MID, 160)):
        at += len(piece)
        assert at in ends


def test_a_cluster_bigger_than_a_frame_is_cut_between_code_points() -> None:
    text = "e" + "\u0301" * 2000
    frames = chat_frames(text, MID, 320)
    assert "".join(texts(frames)) == text
    assert min(map(len, frames[:-1])) >= 0.95 * 320


# -- a text as it comes ------------------------------------------------------------------------


def test_the_last_word_is_held_back_until_another_begins() -> None:
    chat = OutgoingChat(MID, 960)
    seen: list[str | None] = []
    for piece in ["Hel", "lo", " ", "wor", "ld", "! ", "How"]:
        chat.feed(piece)
        seen.append(" ".join(cut.text for cut in drain(chat)) or None)
    assert seen == [None, None, None, "Hello ", None, None, "world! "]
    assert chat.pending == len("How")


def test_pieces_that_wait_leave_together() -> None:
    chat = OutgoingChat(MID, 960)
    for word in ["This ", "is ", "one ", "frame ", "now"]:
        chat.feed(word)
    assert [cut.text for cut in drain(chat)] == ["This is one frame "]


def test_the_last_frame_has_the_word_that_was_held_back() -> None:
    chat = OutgoingChat(MID, 960)
    chat.feed("Bye for now.")
    first = drain(chat)
    chat.finish()
    assert [(cut.text, cut.idx, cut.fin) for cut in first + drain(chat)] == [("Bye for ", 0, False), ("now.", 1, True)]
    assert chat.done


def test_a_cut_tells_what_its_frame_says() -> None:
    chat = OutgoingChat(MID, 200)
    chat.feed("word " * 100)
    chat.finish()
    for cut in drain(chat):
        expected = Chat(v=2, idx=cut.idx, fin=cut.fin, pld=ChatPayload(cut.text), mid=MID)
        assert msgspec.json.decode(cut.frame, type=Chat) == expected


def test_blank_text_waits_for_a_word() -> None:
    chat = OutgoingChat(MID, 960)
    chat.feed("\n\n  Hi")
    assert drain(chat) == []
    chat.feed(" there")
    assert [cut.text for cut in drain(chat)] == ["\n\n  Hi "]


def test_one_word_longer_than_a_frame_leaves_in_full_frames_but_for_a_rest() -> None:
    chat = OutgoingChat(MID, 960)
    for _ in range(3000):
        chat.feed("a")
    cuts = drain(chat)
    assert [len(cut.frame) for cut in cuts] == [960] * 3
    assert 0 < chat.pending == 3000 - sum(len(cut.text) for cut in cuts)


def test_a_cluster_that_may_still_grow_is_held_back() -> None:
    chat = OutgoingChat(MID, 100)
    chat.feed("x" * (100 - ENVELOPE_BYTES - 4) + "👋")
    assert drain(chat) == []
    chat.feed("🏽!")
    chat.finish()
    assert [cut.text for cut in drain(chat)] == ["x" * (100 - ENVELOPE_BYTES - 4), "👋🏽!"]


def test_the_two_halves_of_a_surrogate_pair_may_come_in_two_pieces() -> None:
    chat = OutgoingChat(MID, 960)
    chat.feed("a \ud83d")
    chat.feed("\ude00")
    chat.feed(" b\ud83d")
    assert chat.pending == 6
    chat.finish()
    assert "".join(cut.text for cut in drain(chat)) == "a 😀 b\ufffd"
    assert chat.pending == 0


def test_a_message_that_was_never_fed_is_done_without_a_frame() -> None:
    chat = OutgoingChat(MID, 960)
    chat.feed("")
    assert not chat.done
    chat.finish()
    assert (chat.next_frame(), chat.done, chat.pending) == (None, True, 0)


def test_a_finished_message_is_not_done_before_its_last_frame_was_taken() -> None:
    chat = OutgoingChat(MID, 960)
    chat.feed("one")
    chat.finish()
    seen = [chat.done]
    cuts = [chat.next_frame()]
    seen.append(chat.done)
    cuts.append(chat.next_frame())
    assert (seen, [cut and cut.text for cut in cuts]) == ([False, True], ["one", None])


def test_feeding_a_finished_message_is_a_mistake() -> None:
    chat = OutgoingChat(MID, 960)
    chat.finish()
    with pytest.raises(RuntimeError, match="finish"):
        chat.feed("x")


@given(
    st.lists(nasty_text, max_size=30),
    st.lists(st.booleans(), min_size=30, max_size=30),
    st.integers(ENVELOPE_BYTES + 10, 300),
)
@settings(max_examples=300)
def test_however_text_is_fed_and_taken_it_arrives_whole(pieces: list[str], ready: list[bool], max_bytes: int) -> None:
    chat = OutgoingChat(MID, max_bytes)
    cuts: list[Cut] = []
    for piece, take in zip(pieces, ready, strict=False):
        chat.feed(piece)
        if take:
            cuts += drain(chat)
        assert chat.pending or not any(pieces)
    chat.finish()
    cuts += drain(chat)
    assert chat.done
    assert all(cut.text and len(cut.frame) <= max_bytes for cut in cuts)
    assert [cut.idx for cut in cuts] == list(range(len(cuts)))
    assert [cut.fin for cut in cuts] == ([False] * (len(cuts) - 1) + [True] if cuts else [])
    joined = "".join(pieces).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert "".join(cut.text for cut in cuts) == joined


def test_the_time_for_one_frame_does_not_grow_with_the_text_behind_it() -> None:
    def seconds_per_frame(chars: int) -> float:
        text = of_length(ALPHABETS["cjk"], chars)
        began = time.perf_counter()
        frames = chat_frames(text, MID, 960)
        return (time.perf_counter() - began) / len(frames)

    short = min(seconds_per_frame(20_000) for _ in range(3))
    assert seconds_per_frame(1_000_000) < 10 * short  # were it to grow: 50 times


def test_plain_ascii_does_without_the_grapheme_tables() -> None:
    import subprocess
    import sys

    program = (
        "import sys; from akoolflow.protocol.codec import chat_frames;"
        "chat_frames('Plain words, many. ' * 500, 'm', 960);"
        "assert 'wcwidth' not in sys.modules; chat_frames('世界' * 500, 'm', 960); assert 'wcwidth' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
