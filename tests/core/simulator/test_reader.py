"""Which frames the service takes no notice of, and why."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akoolflow.errors import FrameRejected
from akoolflow.protocol.codec import chat_frames, command_frame, encode
from akoolflow.protocol.wire import Chat, ChatPayload, Command
from akoolflow.simulator.reader import read

CHAT = {"v": 2, "type": "chat", "mid": "m", "idx": 0, "fin": True, "pld": {"text": "hi"}}
COMMAND = {"v": 2, "type": "command", "mid": "m", "pld": {"cmd": "interrupt"}}


def rule(frame: bytes) -> str:
    with pytest.raises(FrameRejected) as caught:
        read(frame)
    return caught.value.rule


@pytest.mark.parametrize(
    ("frame", "broken"),
    [
        (b"", "not_json"),
        (b"hello", "not_json"),
        (b'"hello"', "not_json"),
        (b"[2]", "not_json"),
        (b"\xff\xfe{\x00}\x00", "not_json"),
        (b'{"v": 2, "idx": NaN}', "not_json"),
        (b"[" * 100_000, "not_json"),
        (b"{}", "version"),
    ],
)
def test_bytes_that_are_no_message_of_this_version_are_ignored(frame: bytes, broken: str) -> None:
    assert rule(frame) == broken


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ({"v": 1}, "version"),
        ({"v": "2"}, "version"),
        ({"v": None}, "version"),
        ({"v": [2]}, "version"),
        ({"type": "cmd"}, "type"),
        ({"type": ["chat"]}, "type"),
        ({"type": None}, "type"),
        ({"mid": ""}, "mid"),
        ({"mid": None}, "mid"),
        ({"mid": 7}, "shape"),
        ({"idx": -1}, "shape"),
        ({"idx": "0"}, "shape"),
        ({"idx": True}, "shape"),
        ({"fin": 1}, "shape"),
        ({"pld": "hi"}, "shape"),
        ({"pld": None}, "shape"),
        ({"pld": {}}, "shape"),
        ({"pld": {"text": None}}, "shape"),
        ({"pld": {"text": "hi", "from": "user"}}, "extra_keys"),
        ({"pld": {"text": "hi", "meta": {}}}, "extra_keys"),
    ],
)
def test_a_chat_that_breaks_a_rule_is_ignored(change: dict[str, object], broken: str) -> None:
    assert rule(json.dumps(CHAT | change).encode()) == broken


@pytest.mark.parametrize("missing", ["v", "type", "mid", "idx", "fin", "pld"])
def test_a_chat_needs_every_key_of_the_envelope(missing: str) -> None:
    frame = json.dumps({key: value for key, value in CHAT.items() if key != missing}).encode()
    assert rule(frame) == {"v": "version", "type": "type", "mid": "mid"}.get(missing, "shape")


@pytest.mark.parametrize(
    ("payload", "broken"),
    [
        ({}, "shape"),
        ({"cmd": 1}, "shape"),
        ({"cmd": "set-params", "data": []}, "shape"),
        ({"cmd": "set-params", "params": {}}, "extra_keys"),
        ({"cmd": "interrupt", "code": 1000}, "extra_keys"),
    ],
)
def test_a_command_that_breaks_a_rule_is_ignored(payload: dict[str, object], broken: str) -> None:
    assert rule(json.dumps(COMMAND | {"pld": payload}).encode()) == broken


def test_a_command_may_come_without_mid() -> None:
    frame = json.dumps({key: value for key, value in COMMAND.items() if key != "mid"}).encode()
    assert isinstance(read(frame), Command)


def test_unknown_keys_beside_the_payload_do_no_harm() -> None:
    assert isinstance(read(json.dumps(CHAT | {"trace": 1}).encode()), Chat)


def test_half_a_surrogate_pair_is_text_as_the_official_client_may_cut_it() -> None:
    message = read(b'{"v":2,"type":"chat","mid":"m","idx":0,"fin":true,"pld":{"text":"\\ud83d"}}')
    assert isinstance(message, Chat)
    assert message.pld.text == "\ud83d"


@given(st.text(min_size=1, max_size=300), st.integers(min_value=200, max_value=960))
def test_everything_that_our_codec_sends_is_taken(text: str, max_bytes: int) -> None:
    for frame in chat_frames(text, "msg-1760000000000", max_bytes):
        assert isinstance(read(frame), Chat)
    assert isinstance(read(command_frame("m", "set-params", {"mode": 1}, 960)), Command)


def test_what_the_avatar_itself_sends_is_not_what_it_takes() -> None:
    assert rule(encode(Chat(v=2, mid="m", idx=0, fin=True, pld=ChatPayload(text="x", from_="bot")))) == "extra_keys"
