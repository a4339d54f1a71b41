from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from akoolflow.protocol import wire


@pytest.mark.parametrize(
    "spelled",
    [
        {"v": 2, "type": "chat", "mid": "m", "idx": 0, "fin": True, "pld": {"text": "Hi"}},
        {"v": 2, "type": "chat", "mid": "m", "idx": 7, "fin": False, "pld": {"text": "", "from": "bot"}},
        {"v": 2, "type": "command", "mid": "m", "pld": {"cmd": "interrupt"}},
        {
            "v": 2,
            "type": "command",
            "mid": "m",
            "pld": {"cmd": "set-params", "data": {"mode": 1, "vparams": {"vid": "a"}}},
        },
        {"v": 2, "type": "command", "mid": "m", "pld": {"cmd": "set-action", "data": {"action": "nod"}}},
        {"v": 2, "type": "command", "mid": "m", "pld": {"cmd": "set-params", "code": 1000, "msg": "OK"}},
        {"v": 2, "type": "command", "mid": "m", "pld": {"code": 1003, "msg": ""}},
        {"v": 2, "type": "event", "mid": "m", "pld": {"event": "audio_start"}},
        {"v": 2, "type": "event", "mid": "m", "pld": {"event": "x", "data": {"a": [1]}}},
    ],
)
def test_every_message_is_spelled_as_documented_and_nothing_is_added(spelled: dict[str, Any]) -> None:
    message = msgspec.json.decode(json.dumps(spelled), type=wire.Message)
    assert json.loads(msgspec.json.encode(message)) == spelled


def test_only_the_settings_that_are_given_are_sent() -> None:
    assert msgspec.to_builtins(wire.SetParams(mode=2, lang="es")) == {"mode": 2, "lang": "es"}
    assert msgspec.to_builtins(wire.SetAction(expression="happiness")) == {"expression": "happiness"}


def test_the_documented_gestures_and_expressions_are_known() -> None:
    assert (len(wire.ACTIONS), len(wire.EXPRESSIONS)) == (8, 7)
