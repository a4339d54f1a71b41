"""The fields of session/create with their ranges, and the rules between them, for whoever checks such a request.

Ranges and rules are those of the service's API documentation.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Meta, Struct

from akoolflow.errors import OptionInvalid
from akoolflow.secret import Secret

__all__ = [
    "DurationS",
    "E2eType",
    "ElevenLabs",
    "FastVoice",
    "Mode",
    "SceneMode",
    "StreamType",
    "Text",
    "TurnDetection",
    "VoiceParams",
    "contradictions",
]

Text: TypeAlias = Annotated[str, Meta(min_length=1)]
DurationS: TypeAlias = Annotated[float, Meta(ge=1, le=3600)]
"""The upper bound is the service's, the lower ours: it names none."""
Mode: TypeAlias = Literal[1, 2]
SceneMode: TypeAlias = Literal["fast_dialogue"]
E2eType: TypeAlias = Literal["openai"]
StreamType: TypeAlias = Literal["agora", "livekit", "trtc"]
FastVoice: TypeAlias = Literal["alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar"]

_Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
_Millis: TypeAlias = Annotated[int, Meta(ge=0)]

_FAST_KEYS: Final = frozenset({"voice_id", "stt_language", "turn_detection", "elevenlabs_settings"})
_SERVER_VAD_KEYS: Final = ("threshold", "prefix_padding_ms", "silence_duration_ms")


class TurnDetection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the service takes the user's speech for finished."""

    type: Literal["server_vad", "semantic_vad"] = "server_vad"
    threshold: _Share | None = None
    """How loud speech is; with server_vad only (the service's default: 0.5)."""
    prefix_padding_ms: _Millis | None = None
    """Sound kept from before speech began; with server_vad only (the service's default: 300)."""
    silence_duration_ms: _Millis | None = None
    """Silence that ends an utterance; with server_vad only (the service's default: 500; 2000 cuts fewer sentences)."""

    def __post_init__(self) -> None:
        given = [key for key in _SERVER_VAD_KEYS if getattr(self, key) is not None]
        if given and self.type != "server_vad":
            raise OptionInvalid(given[0], "only with type server_vad", f"leave out {', '.join(given)}")


class ElevenLabs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Your own ElevenLabs account; its voice goes into the session's `voice_id`."""

    api_key: Secret | None = None
    model_id: Text | None = None
    """Such as eleven_flash_v2_5, eleven_turbo_v2_5 or eleven_multilingual_v2."""
    stability: _Share | None = None
    similarity_boost: _Share | None = None
    style: _Share | None = None
    use_speaker_boost: bool | None = None


class VoiceParams(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the avatar speaks and hears."""

    speed: Annotated[float, Meta(ge=0.8, le=1.2)] | None = None
    """1.0 is the voice's own."""
    pron_map: dict[str, str] | None = None
    """How to pronounce a word, by the word."""
    stt_language: Text | None = None
    """What speech recognition listens for; found out by itself if left out."""
    stt_type: Literal["openai_realtime"] | None = None
    turn_detection: TurnDetection | None = None
    elevenlabs_settings: ElevenLabs | None = None
    voice_id: FastVoice | None = None
    """With scene_mode fast_dialogue only."""


def contradictions(
    scene_mode: str | None, e2e_type: str | None, voice_params: Collection[str]
) -> Iterator[OptionInvalid]:
    """What does not go together.

    :param voice_params: the names of those that are given.
    """
    if scene_mode is None:
        if e2e_type is not None:
            yield OptionInvalid("e2e_type", "only with scene_mode fast_dialogue", 'add scene_mode = "fast_dialogue"')
        if "voice_id" in voice_params:
            hint = "a voice of AKOOL's list goes into session.voice_id"
            yield OptionInvalid(("voice_params", "voice_id"), "only with scene_mode fast_dialogue", hint)
        return
    for key in sorted(set(voice_params) - _FAST_KEYS):
        hint = f"it takes {', '.join(sorted(_FAST_KEYS))}"
        yield OptionInvalid(("voice_params", key), "not with scene_mode fast_dialogue", hint)
