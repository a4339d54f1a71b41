from __future__ import annotations

import msgspec
import pytest

from akoolflow.errors import OptionInvalid
from akoolflow.session_rules import ElevenLabs, TurnDetection, VoiceParams, contradictions


def told(scene_mode: str | None, e2e_type: str | None, *voice_params: str) -> list[str]:
    return [
        f"{'.'.join(map(str, each.key))}: {each.message}" for each in contradictions(scene_mode, e2e_type, voice_params)
    ]


def test_e2e_type_needs_fast_dialogue() -> None:
    assert told(None, "openai") == ["e2e_type: only with scene_mode fast_dialogue"]
    assert told("fast_dialogue", "openai") == []


def test_a_voice_in_voice_params_needs_fast_dialogue() -> None:
    assert told(None, None, "voice_id") == ["voice_params.voice_id: only with scene_mode fast_dialogue"]
    assert told("fast_dialogue", None, "voice_id") == []


@pytest.mark.parametrize("name", VoiceParams.__struct_fields__)
def test_fast_dialogue_takes_four_voice_parameters(name: str) -> None:
    allowed = name in {"voice_id", "stt_language", "turn_detection", "elevenlabs_settings"}
    assert told("fast_dialogue", None, name) == (
        [] if allowed else [f"voice_params.{name}: not with scene_mode fast_dialogue"]
    )


@pytest.mark.parametrize("name", ["threshold", "prefix_padding_ms", "silence_duration_ms"])
def test_only_server_vad_has_a_threshold_and_times(name: str) -> None:
    values = {"type": "semantic_vad", name: 1}
    with pytest.raises(msgspec.ValidationError, match="only with type server_vad") as caught:
        msgspec.convert(values, TurnDetection)
    assert isinstance(caught.value.__cause__, OptionInvalid)
    assert msgspec.convert({**values, "type": "server_vad"}, TurnDetection).type == "server_vad"


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("speed", [0.8, 1, 1.2], [0.79, 1.21]),
        ("stt_type", ["openai_realtime"], ["whisper", ""]),
        ("voice_id", ["alloy", "cedar"], ["nova"]),
        ("pron_map", [{"a": "b"}], [{"a": 1}]),
    ],
)
def test_voice_parameters_have_ranges(name: str, good: list[object], bad: list[object]) -> None:
    for value in good:
        msgspec.convert({name: value}, VoiceParams)
    for value in bad:
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({name: value}, VoiceParams)


@pytest.mark.parametrize("name", ["stability", "similarity_boost", "style"])
def test_shares_of_elevenlabs_are_from_0_to_1(name: str) -> None:
    for value in (0, 0.5, 1):
        msgspec.convert({name: value}, ElevenLabs)
    for value in (-0.01, 1.01):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({name: value}, ElevenLabs)
