"""How the simulated service behaves, and how fast. Each default names what it rests on.

"documented": the service's API pages; "official demo": what its web demo does; "seen in the field": observed on the
live service by third parties; "our guess": nobody has written it down.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

__all__ = ["STOCK_AVATARS", "SimulatorOptions"]

STOCK_AVATARS: Final = ("dvp_Tristan_cloth2_1080P", "dvp_Emma_agora")
"""Avatars that everybody may use (documented, the second by Agora)."""

_Seconds = Annotated[float, Meta(ge=0, le=3600)]


class SimulatorOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every switch of the simulated avatar and its service; times are divided by `speed`."""

    # -- pace
    speed: Annotated[float, Meta(gt=0, le=10_000)] = 1.0
    """How many times faster than life. A session's `duration` is the client's to count and stays as agreed."""
    join_delay_s: _Seconds = 0.5
    """From create until the avatar is in the room; what is sent before is lost (seen in the field; time: our guess)."""
    chars_per_s: Annotated[float, Meta(gt=0, le=10_000)] = 15.0
    """Speaking rate at voice speed 1.0 (our guess)."""
    speech_delay_s: _Seconds = 0.15
    """From the first text to the first sound (our guess)."""
    command_delay_s: _Seconds = 0.02
    """From a command to its ack (our guess)."""
    answer_delay_s: _Seconds = 0.4
    """Dialogue mode: from the end of the question to the first words of the answer (our guess)."""
    delta_interval_s: _Seconds = 0.05
    """Dialogue mode: between two pieces of an answer (our guess)."""
    delta_chars: Annotated[int, Meta(ge=1, le=120)] = 40
    """Most characters in one piece of the avatar's text (our guess); 120 fit a 960 B frame whatever they are."""

    # -- chat
    default_mode: Literal[1, 2] = 2
    """Mode of a session that names none: 1 retelling, 2 dialogue (the official demo's default)."""
    mode_holds: bool = True
    """False: the mode given at create is lost until set-params repeats it (seen in the field)."""
    speak_at: Literal["piece", "fin"] = "piece"
    """Retelling begins with the first piece, or when the message is complete (our guess)."""
    reply_mid: Literal["own", "same"] = "own"
    """The avatar's text has a mid of its own, or that of what it answers (our guess; the official demo allows both)."""
    gap_timeout_s: _Seconds = 2.0
    """How long a missing piece is waited for before it is skipped (our guess)."""
    fin_timeout_s: _Seconds = 30.0
    """How long after its last piece a message without an end counts as complete (our guess)."""
    max_queued_chars: Annotated[int, Meta(ge=1)] = 100_000
    """Text that waits to be spoken; pieces beyond it are ignored (our guess)."""

    # -- the user's speech
    echo_speech: bool = True
    """Retelling repeats aloud what the user says into the microphone (seen in the field)."""
    echo_delay_s: _Seconds = 0.01
    """From the user's recognised text to its echo (seen in the field)."""
    split_speech: bool = False
    """One final message for each sentence the user speaks (seen in the field, at pauses)."""
    split_gap_s: _Seconds = 0.4
    """Between two such messages (our guess)."""
    speech_stops_avatar: bool = True
    """Dialogue mode: the avatar falls silent when the user speaks (our guess); retelling never does."""

    # -- commands
    ack: Literal["full", "without_cmd", "never"] = "full"
    """Acks name their command (documented), leave it out (seen in the field), or never come."""
    ack_actions: bool = True
    """Whether set-action is acked (our guess)."""
    interrupt_end: Literal["prompt", "late", "missing"] = "prompt"
    """After an interrupt `audio_end` follows the ack, comes late, or never (our guess; a stray one: official demo)."""
    late_audio_end_s: _Seconds = 0.5
    """How late, with `interrupt_end = "late"`."""

    # -- service
    avatars: Annotated[tuple[str, ...], Meta(min_length=1)] = STOCK_AVATARS
    """Ids that sessions may be opened for."""
    sessions_per_avatar: Annotated[int, Meta(ge=1)] = 1
    """Sessions that one avatar serves at a time (one: seen in the field)."""
    busy_code: Literal[1215, 1218, 1237] = 1215
    """Refusal while the avatar is taken: 1215 is documented, 1218 and 1237 were seen in the field."""
    default_duration_s: Annotated[float, Meta(gt=0, le=3600)] = 600.0
    """Length of a session that names none (the official demo's default)."""
    seed: Annotated[int, Meta(ge=0)] = 0
    """Session ids follow from it and the order of creation."""

    def scaled_s(self, seconds: float) -> float:
        """A time of the simulated world in seconds of the caller's clock."""
        return seconds / self.speed
