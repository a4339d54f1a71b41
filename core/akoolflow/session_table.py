"""The `[session]` table: every field of AKOOL's session/create by its own name and range, and our deadlines.

Ranges and rules are those of the service's API documentation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import Meta, Struct
from msgspec.structs import asdict

from akoolflow.contracts import SessionRequest
from akoolflow.errors import OptionInvalid
from akoolflow.secret import Secret
from akoolflow.toml.checking import REFUSALS

__all__ = ["ElevenLabs", "Service", "SessionTable", "TurnDetection", "VoiceParams"]

_NOT_YET: Final = {"akool": "service 'akool' is not in this version; only the simulator"}
Service: TypeAlias = Annotated[Literal["simulator"], Meta(extra={REFUSALS: _NOT_YET})]

_Text: TypeAlias = Annotated[str, Meta(min_length=1)]
_Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
_Millis: TypeAlias = Annotated[int, Meta(ge=0)]
_Deadline: TypeAlias = Annotated[float, Meta(gt=0, le=86_400)]
_FastVoice: TypeAlias = Literal["alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar"]

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
    model_id: _Text | None = None
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
    stt_language: _Text | None = None
    """What speech recognition listens for; found out by itself if left out."""
    stt_type: Literal["openai_realtime"] | None = None
    turn_detection: TurnDetection | None = None
    elevenlabs_settings: ElevenLabs | None = None
    voice_id: _FastVoice | None = None
    """With scene_mode fast_dialogue only."""


class SessionTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One avatar session."""

    service: Service = "simulator"
    """Who answers: the built-in simulator of the AKOOL service."""
    api_key: Secret | None = None
    avatar_id: _Text = "dvp_Tristan_cloth2_1080P"
    """A stock avatar, or one of your own whose status is 3."""
    stream_type: Literal["agora", "livekit", "trtc"] | None = None
    """The kind of room; what the transport asks for if left out."""
    duration: Annotated[float, Meta(ge=1, le=3600)] | None = None
    """Seconds, up to 3600; the whole is charged at the start, the rest refunded at the end."""
    mode_type: Literal[1, 2] = 1
    """1 retelling: the avatar says what the brains answer. 2 dialogue: AKOOL's own model answers."""
    language: _Text | None = None
    """A code of AKOOL's language list."""
    voice_id: _Text | None = None
    """Of AKOOL's voice list; the avatar's own if left out."""
    voice_url: _Text | None = None
    knowledge_id: _Text | None = None
    """A knowledge base for dialogue mode."""
    scene_mode: Literal["fast_dialogue"] | None = None
    """Low latency, spoken input only."""
    e2e_type: Literal["openai"] | None = None
    """With scene_mode fast_dialogue only."""
    background_url: _Text | None = None
    """An image or a video."""
    voice_params: VoiceParams | None = None
    credentials: dict[str, Any] | None = None
    """A room of your own, by the service's names."""

    create_timeout_s: _Deadline = 30.0
    """How long the service may take to open the session."""
    ready_timeout_s: _Deadline = 30.0
    """How long the avatar may take to come into the room."""
    ack_timeout_s: _Deadline = 5.0
    """How long a command may go unanswered."""
    close_timeout_s: _Deadline = 10.0
    """How long the service may take to close the session."""
    expiring_before_s: _Deadline = 30.0
    """How long before the end of `duration` SessionExpiring comes."""
    answer_timeout_s: _Deadline = 20.0
    """How long AKOOL's own model may take to answer, in dialogue mode."""
    speech_grace_s: _Deadline = 3.0
    """How long past its estimated end the avatar's speech is waited for when its end is not reported."""

    def __post_init__(self) -> None:
        faults = list(_contradictions(self))
        if faults:
            raise faults[0] if len(faults) == 1 else ExceptionGroup("[session]", faults)

    def __repr__(self) -> str:
        """Without its values: keys of several services are among them."""
        return f"SessionTable({self.service!r}, …)"

    def request(self, stream_type: str) -> SessionRequest:
        """The body of session/create, secrets revealed.

        :param stream_type: the kind of room that the transport joins; the table's own goes first.
        """
        voice = _given(self.voice_params)
        for key in ("turn_detection", "elevenlabs_settings"):
            if key in voice:
                voice[key] = _given(voice[key])
        return SessionRequest(
            avatar_id=self.avatar_id,
            stream_type=self.stream_type or stream_type,
            duration=self.duration,
            mode_type=self.mode_type,
            language=self.language,
            voice_id=self.voice_id,
            voice_url=self.voice_url,
            knowledge_id=self.knowledge_id,
            scene_mode=self.scene_mode,
            e2e_type=self.e2e_type,
            background_url=self.background_url,
            voice_params=voice or None,
            credentials=self.credentials,
        )


def _contradictions(table: SessionTable) -> Iterator[OptionInvalid]:
    params = _given(table.voice_params)
    if table.scene_mode is None:
        if table.e2e_type is not None:
            yield OptionInvalid("e2e_type", "only with scene_mode fast_dialogue", 'add scene_mode = "fast_dialogue"')
        if "voice_id" in params:
            hint = "a voice of AKOOL's list goes into session.voice_id"
            yield OptionInvalid(("voice_params", "voice_id"), "only with scene_mode fast_dialogue", hint)
        return
    for key in sorted(params.keys() - _FAST_KEYS):
        hint = f"it takes {', '.join(sorted(_FAST_KEYS))}"
        yield OptionInvalid(("voice_params", key), "not with scene_mode fast_dialogue", hint)


def _given(struct: Struct | None) -> dict[str, Any]:
    """What of it was given, by its own names, secrets revealed."""
    values = {} if struct is None else asdict(struct)
    return {
        key: value.reveal() if isinstance(value, Secret) else value
        for key, value in values.items()
        if value is not None
    }
