from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from akoolflow.session_table import SessionTable
from akoolflow.toml.checking import check
from akoolflow.toml.faults import dotted


def faults(table: dict[str, Any]) -> list[str]:
    return [f"{dotted(f.path)}: {f.message}" for f in check(table, SessionTable, folder=Path()).faults]


def session(table: dict[str, Any]) -> SessionTable:
    value: SessionTable = check(table, SessionTable, folder=Path()).value
    return value


def test_every_field_is_optional() -> None:
    table = session({})
    assert (table.service, table.avatar_id, table.mode_type) == ("simulator", "dvp_Tristan_cloth2_1080P", 1)
    assert (table.ready_timeout_s, table.ack_timeout_s, table.close_timeout_s, table.expiring_before_s) == (
        30,
        5,
        10,
        30,
    )


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ({"service": "akool"}, "service: service 'akool' is not in this version; only the simulator"),
        ({"service": "heygen"}, 'service: found a string "heygen", expected "simulator"'),
        ({"duration": 3601}, "duration: found an integer 3601, expected a number from 1 to 3600"),
        ({"duration": 0}, "duration: found an integer 0, expected a number from 1 to 3600"),
        ({"mode_type": 3}, "mode_type: found an integer 3, expected one of 1, 2"),
        ({"scene_mode": "meeting"}, 'scene_mode: found a string "meeting", expected "fast_dialogue"'),
        ({"e2e_type": "openai"}, "e2e_type: only with scene_mode fast_dialogue"),
        ({"ready_timeout_s": 0}, "ready_timeout_s: found an integer 0, expected a number above 0 and at most 86400"),
        ({"voice_params": {"speed": 0.7}}, "voice_params.speed: found a float 0.7, expected a number from 0.8 to 1.2"),
        ({"voice_params": {"voice_id": "ash"}}, "voice_params.voice_id: only with scene_mode fast_dialogue"),
        ({"voice_params": {"stt_type": "x"}}, 'voice_params.stt_type: found a string "x", expected "openai_realtime"'),
        (
            {"voice_params": {"turn_detection": {"type": "semantic_vad", "silence_duration_ms": 500}}},
            "voice_params.turn_detection.silence_duration_ms: only with type server_vad",
        ),
        (
            {"voice_params": {"turn_detection": {"threshold": 2}}},
            "voice_params.turn_detection.threshold: found an integer 2, expected a number from 0 to 1",
        ),
        (
            {"scene_mode": "fast_dialogue", "voice_params": {"speed": 1.0}},
            "voice_params.speed: not with scene_mode fast_dialogue",
        ),
        ({"credentials": "x"}, 'credentials: found a string "x", expected a table'),
        ({"credentials": {"livekit_url": "wss://x"}}, "credentials.livekit_token: missing"),
    ],
)
def test_the_ranges_and_rules_of_the_service_are_checked(table: dict[str, Any], fault: str) -> None:
    assert faults(table) == [fault]


def test_all_contradictions_are_told_at_once() -> None:
    table = {"scene_mode": "fast_dialogue", "voice_params": {"speed": 1.0, "pron_map": {}, "voice_id": "ash"}}
    assert [fault.split(":")[0] for fault in faults(table)] == ["voice_params.pron_map", "voice_params.speed"]


def test_the_request_has_what_was_given_by_the_services_names() -> None:
    table = session(
        {
            "duration": 600,
            "language": "es",
            "voice_params": {
                "speed": 1.1,
                "pron_map": {"AKOOL": "a cool"},
                "turn_detection": {"silence_duration_ms": 2000},
                "elevenlabs_settings": {"api_key": "sk-1", "stability": 0.5},
            },
            "credentials": {"livekit_url": "wss://x", "livekit_token": "t"},
        }
    )
    request = table.request("livekit")
    assert request.stream_type == "livekit"
    assert (request.duration, request.language, request.voice_id) == (600, "es", None)
    assert request.credentials == {"livekit_url": "wss://x", "livekit_token": "t"}
    assert request.voice_params == {
        "speed": 1.1,
        "pron_map": {"AKOOL": "a cool"},
        "turn_detection": {"type": "server_vad", "silence_duration_ms": 2000},
        "elevenlabs_settings": {"api_key": "sk-1", "stability": 0.5},
    }


def test_no_voice_params_are_sent_if_none_were_given() -> None:
    assert session({}).request("agora").voice_params is None
    assert session({"voice_params": {}}).request("agora").voice_params is None


def test_a_stream_type_in_the_file_goes_before_the_transports() -> None:
    assert session({"stream_type": "trtc"}).request("agora").stream_type == "trtc"


def test_its_repr_shows_no_credential() -> None:
    credentials = {"agora_uid": 1, "agora_channel": "c", "agora_token": "tok"}
    table = session({"api_key": "tok", "credentials": credentials, "voice_id": "tok"})
    assert table.voice_id == "tok"
    assert "tok" not in repr(table)
