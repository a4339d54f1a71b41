"""The `[session]` table: every field of AKOOL's session/create by its own name and range, and our deadlines.

Ranges and rules are those of the service's API documentation.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import Meta, Struct
from msgspec.structs import asdict

from akoolflow.contracts import SessionRequest
from akoolflow.room_credentials import credential_faults
from akoolflow.secret import Secret
from akoolflow.session_rules import DurationS, E2eType, Mode, SceneMode, StreamType, Text, VoiceParams, contradictions
from akoolflow.toml.checking import REFUSALS

__all__ = ["Service", "SessionTable"]

_NOT_YET: Final = {"akool": "service 'akool' is not in this version; only the simulator"}
Service: TypeAlias = Annotated[Literal["simulator"], Meta(extra={REFUSALS: _NOT_YET})]

_Deadline: TypeAlias = Annotated[float, Meta(gt=0, le=86_400)]


class SessionTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One avatar session."""

    service: Service = "simulator"
    """Who answers: the built-in simulator of the AKOOL service."""
    api_key: Secret | None = None
    avatar_id: Text = "dvp_Tristan_cloth2_1080P"
    """A stock avatar, or one of your own whose status is 3."""
    stream_type: StreamType | None = None
    """The kind of room; what the transport asks for if left out."""
    duration: DurationS | None = None
    """Seconds, up to 3600; the whole is charged at the start, the rest refunded at the end."""
    mode_type: Mode = 1
    """1 retelling: the avatar says what the brains answer. 2 dialogue: AKOOL's own model answers."""
    language: Text | None = None
    """A code of AKOOL's language list."""
    voice_id: Text | None = None
    """Of AKOOL's voice list; the avatar's own if left out."""
    voice_url: Text | None = None
    knowledge_id: Text | None = None
    """A knowledge base for dialogue mode."""
    scene_mode: SceneMode | None = None
    """Low latency, spoken input only."""
    e2e_type: E2eType | None = None
    """With scene_mode fast_dialogue only."""
    background_url: Text | None = None
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
        faults = list(contradictions(self.scene_mode, self.e2e_type, _given(self.voice_params)))
        if self.credentials is not None:
            faults += credential_faults(self.credentials, self.stream_type)
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


def _given(struct: Struct | None) -> dict[str, Any]:
    """What of it was given, by its own names, secrets revealed."""
    values = {} if struct is None else asdict(struct)
    return {
        key: value.reveal() if isinstance(value, Secret) else value
        for key, value in values.items()
        if value is not None
    }
