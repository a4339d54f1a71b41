"""What a session's settings may be, checked as the service checks them: session/create and set-params."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from akoolflow.contracts import SessionRequest
from akoolflow.errors import ServiceRefused
from akoolflow.simulator.options import SimulatorOptions

__all__ = [
    "MAX_DURATION_S",
    "PARAMETER_ERROR",
    "CreateVoiceParams",
    "ElevenLabsSettings",
    "FastVoiceParams",
    "Settings",
    "TurnDetection",
    "changed",
    "settings_of",
]

PARAMETER_ERROR = 1003
MAX_DURATION_S = 3600
"""Documented."""

_MEETING: Final = ("meeting", "livekit")
"""Not documented: AKOOL's own LiveKit plugin asks for this scene mode."""

_Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
_Millis: TypeAlias = Annotated[int, Meta(ge=0)]
_FastVoice: TypeAlias = Literal["alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar"]


class Settings(Struct, frozen=True, kw_only=True):
    """What the avatar goes by."""

    mode: Literal[1, 2] = 2
    """1 retelling, 2 dialogue."""
    voice_only: bool = False
    """Scene mode fast_dialogue: typed text is no input (documented)."""
    lang: str = ""
    bgurl: str = ""
    voice: dict[str, Any] = {}
    """Voice parameters by the service's own names."""

    @property
    def voice_speed(self) -> float:
        speed: float = self.voice.get("speed", 1.0)
        return speed


# Keys and ranges below are documented, in the tables of session/create and of set-params.


class TurnDetection(Struct, forbid_unknown_fields=True):
    type: Literal["server_vad", "semantic_vad"] = "server_vad"
    threshold: _Share | None = None
    prefix_padding_ms: _Millis | None = None
    silence_duration_ms: _Millis | None = None


class ElevenLabsSettings(Struct, forbid_unknown_fields=True):
    api_key: str | None = None
    model_id: str | None = None
    stability: _Share | None = None
    similarity_boost: _Share | None = None
    style: _Share | None = None
    use_speaker_boost: bool | None = None


class FastVoiceParams(Struct, forbid_unknown_fields=True):
    voice_id: _FastVoice | None = None
    stt_language: str | None = None
    turn_detection: TurnDetection | None = None
    elevenlabs_settings: ElevenLabsSettings | None = None


class CreateVoiceParams(Struct, forbid_unknown_fields=True):
    speed: Annotated[float, Meta(ge=0.8, le=1.2)] | None = None
    pron_map: dict[str, str] | None = None
    stt_language: str | None = None
    stt_type: Literal["openai_realtime", ""] | None = None
    turn_detection: TurnDetection | None = None
    elevenlabs_settings: ElevenLabsSettings | None = None


class _VoiceParams(Struct, forbid_unknown_fields=True):
    vid: str | None = None
    vurl: str | None = None
    speed: Annotated[float, Meta(ge=0.8, le=1.2)] | None = None
    pron_map: dict[str, str] | None = None
    stt_language: str | None = None
    stt_type: Literal["openai_realtime", ""] | None = None
    turn_detection: TurnDetection | None = None


class _SetParams(Struct, forbid_unknown_fields=True):
    lang: str | None = None
    mode: Literal[1, 2] | None = None
    bgurl: str | None = None
    vid: str | None = None
    vurl: str | None = None
    vparams: _VoiceParams | None = None


def settings_of(request: SessionRequest, options: SimulatorOptions) -> Settings:
    """The settings that a session starts with; empty strings count as left out (official demo).

    :raises ServiceRefused: code 1003, for what the documentation does not allow (the code is our guess).
    """
    if request.duration is not None and not 0 < request.duration <= MAX_DURATION_S:
        raise _refused(f"duration is {request.duration:g} s, the service allows up to {MAX_DURATION_S}")
    if request.mode_type not in {None, 1, 2}:
        raise _refused(f"mode_type is {request.mode_type}; 1 is retelling, 2 is dialogue")
    fast = request.scene_mode == "fast_dialogue"
    if not fast and request.scene_mode and (request.scene_mode, request.stream_type) != _MEETING:
        raise _refused(f"scene_mode is {request.scene_mode!r}; the only one is 'fast_dialogue'")
    if request.e2e_type and not (request.e2e_type == "openai" and fast):
        raise _refused("e2e_type can be 'openai', and only with scene_mode 'fast_dialogue'")
    voice = request.voice_params or {}
    try:
        msgspec.convert(voice, FastVoiceParams if fast else CreateVoiceParams)
    except msgspec.ValidationError as error:
        raise _refused(f"voice_params: {error}") from error
    mode: Literal[1, 2] = 1 if request.mode_type == 1 else 2 if request.mode_type == 2 else options.default_mode
    return Settings(
        mode=mode if options.mode_holds else options.default_mode,
        voice_only=fast,
        lang=request.language or "",
        bgurl=request.background_url or "",
        voice=_given(voice),
    )


def changed(settings: Settings, data: Any) -> Settings:
    """The settings after a set-params: only what `data` names changes.

    :raises msgspec.ValidationError: a key or value that is not documented.
    """
    asked = msgspec.convert(data, _SetParams)
    voice = {"vid": asked.vid, "vurl": asked.vurl} | (data.get("vparams") or {})
    return msgspec.structs.replace(
        settings,
        mode=asked.mode or settings.mode,
        lang=asked.lang or settings.lang,
        bgurl=asked.bgurl or settings.bgurl,
        voice=settings.voice | _given(voice),
    )


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None and value != ""}


def _refused(detail: str) -> ServiceRefused:
    return ServiceRefused(PARAMETER_ERROR, f"parameter error: {detail}")
