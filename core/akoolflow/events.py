"""The whole vocabulary: every event that can travel over the bus, in one tagged union.

Events are facts in the past tense or nouns of the field. They are frozen; the bus stamps a copy on publishing.
This file imports nothing of ours. Facts about the AKOOL service come from its public documentation and demo.
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal, TypeAlias, get_args

import msgspec

__all__ = [
    "EVENT_TYPES",
    "AnyEvent",
    "BotChunk",
    "BrainFailed",
    "CommandAck",
    "CommandName",
    "CommandSent",
    "CommandTimedOut",
    "DeliveryFailed",
    "EndReason",
    "Event",
    "EventsDropped",
    "LinkConnected",
    "LinkLost",
    "LinkRestored",
    "PluginFailed",
    "ProtocolViolated",
    "SessionCreated",
    "SessionEnded",
    "SessionExpiring",
    "SessionFailed",
    "SessionReady",
    "SpeechEnded",
    "SpeechStarted",
    "TurnFinished",
    "TurnInterrupted",
    "TurnStarted",
    "TurnText",
    "TurnTimes",
    "UserUtterance",
    "hook_name",
    "json_schema",
]

CommandName: TypeAlias = Literal["set-params", "interrupt", "set-action"]
EndReason: TypeAlias = Literal["input_ended", "closed", "ctrl_c", "terminated", "duration", "avatar_left"]


class Event(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What every delivered event carries. The bus fills these fields; a publisher leaves them alone."""

    session: str = ""
    """Id of the conversation; empty on a bus that is used without sessions."""
    seq: int = 0
    """Position in the session's stream, from 1, without gaps; 0 until published."""
    turn: int = 0
    """The turn it belongs to, from 1; 0 outside any turn."""
    cause: int = 0
    """`seq` of the event that caused this one; 0 if nothing did."""
    unix_s: float = 0.0
    """Wall-clock time of publishing, seconds since 1970."""
    monotonic_s: float = 0.0
    """Event loop's clock at publishing, seconds; only differences mean something."""


# -- session lifecycle -------------------------------------------------------------------------


class SessionCreated(Event, frozen=True, kw_only=True):
    """The service has opened an avatar session; from now on it costs money."""

    akool_session_id: str
    stream_type: str
    avatar_id: str
    duration_s: float | None = None
    """The agreed maximum; None where the service's own default holds."""


class SessionReady(Event, frozen=True, kw_only=True):
    """The avatar is in the room: what is said now is heard. Anything sent earlier is lost."""

    akool_session_id: str
    waited_s: float
    """Seconds from `SessionCreated`."""


class SessionExpiring(Event, frozen=True, kw_only=True):
    """The session's paid duration is about to run out."""

    akool_session_id: str
    remaining_s: float


class SessionEnded(Event, frozen=True, kw_only=True):
    """The session is over in good order and closed at the service. Always the last event but `EventsDropped`."""

    akool_session_id: str
    reason: EndReason
    seconds_used: float


class SessionFailed(Event, frozen=True, kw_only=True):
    """The session could not be opened or kept. Stands where `SessionEnded` would; never both."""

    akool_session_id: str = ""
    """Empty if the service never opened one."""
    reason: str
    """One line: what happened and what to try."""
    code: int | None = None
    """The service's own code, if it gave one."""
    seconds_used: float = 0.0


# -- link --------------------------------------------------------------------------------------


class LinkConnected(Event, frozen=True, kw_only=True):
    """We are in the room; the avatar may not be."""

    transport: str


class LinkLost(Event, frozen=True, kw_only=True):
    """The room is out of reach for now; what is said waits."""

    transport: str
    reason: str


class LinkRestored(Event, frozen=True, kw_only=True):
    """Back in the room."""

    transport: str
    lost_s: float


# -- people and avatar -------------------------------------------------------------------------


class UserUtterance(Event, frozen=True, kw_only=True):
    """Something the user said or typed."""

    text: str
    final: bool = True
    """False while recognition may still change it."""
    source: Literal["speech", "typed", "api"] = "speech"
    mid: str = ""
    """The service's message id, for speech."""


class BotChunk(Event, frozen=True, kw_only=True):
    """A piece of what the avatar says; pieces of one `mid` follow each other and are to be joined."""

    text: str
    idx: int = 0
    final: bool = False
    """True on the last piece, whose text may be empty."""
    origin: Literal["brain", "avatar"] = "brain"
    """`brain`: on its way to the avatar; `avatar`: reported by it."""
    mid: str = ""


class SpeechStarted(Event, frozen=True, kw_only=True):
    """The avatar's audio began (`audio_start`; seen in the service's demo, not in its documentation)."""

    mid: str = ""


class SpeechEnded(Event, frozen=True, kw_only=True):
    """The avatar's audio stopped (`audio_end`); may come without a start."""

    mid: str = ""


# -- turns -------------------------------------------------------------------------------------


class TurnTimes(msgspec.Struct, frozen=True, kw_only=True):
    """Where each second of a turn went, counted from the utterance; None for what did not happen."""

    first_piece_s: float | None = None
    """The brain's first piece of text."""
    first_frame_s: float | None = None
    """The first frame handed to the link."""
    speech_s: float | None = None
    """The avatar's first sound."""
    total_s: float = 0.0


class TurnText(msgspec.Struct, frozen=True, kw_only=True):
    """One answer, four ways; each is a prefix of the one before it."""

    said: str = ""
    """What the brain gave."""
    sent: str = ""
    """What was handed to the link."""
    heard: str = ""
    """What has probably been spoken, by speech events and speaking rate."""
    heard_surely: str = ""
    """What has certainly been spoken."""


class TurnStarted(Event, frozen=True, kw_only=True):
    """An utterance was taken up to be answered."""

    text: str
    barge_in: bool = False
    """True if it cut off the avatar's previous answer."""


class TurnFinished(Event, frozen=True, kw_only=True):
    """The answer was spoken to its end, or there was none to give."""

    brain: str = ""
    """Name of the brain that answered; empty if none took the turn."""
    text: TurnText
    times: TurnTimes


class TurnInterrupted(Event, frozen=True, kw_only=True):
    """The answer was cut off; no frame of it is sent after this."""

    brain: str = ""
    reason: Literal["user", "api", "end"] = "user"
    text: TurnText
    times: TurnTimes


# -- commands ----------------------------------------------------------------------------------


class CommandSent(Event, frozen=True, kw_only=True):
    """A command left for the avatar."""

    cmd: CommandName
    mid: str
    data: dict[str, Any] = {}


class CommandAck(Event, frozen=True, kw_only=True):
    """The service answered a command. Code 1000 means taken, which does not prove the effect."""

    cmd: str
    """As the ack named it, else as we sent it; empty if neither is known."""
    mid: str
    code: int
    msg: str
    elapsed_s: float | None = None
    """None for an ack that fits no command of ours."""


class CommandTimedOut(Event, frozen=True, kw_only=True):
    """No ack came within the deadline."""

    cmd: CommandName
    mid: str
    elapsed_s: float


# -- trouble -----------------------------------------------------------------------------------


class BrainFailed(Event, frozen=True, kw_only=True):
    """A brain raised; the next in the chain is asked if nothing was said yet."""

    component: str
    error: str


class PluginFailed(Event, frozen=True, kw_only=True):
    """A component's hook raised or took too long."""

    component: str
    hook: str
    error: str
    count: int
    """Failures in a row."""
    put_aside: bool = False
    """True if the component gets no more events for this reason."""


class EventsDropped(Event, frozen=True, kw_only=True):
    """A component was too slow; the oldest events in its inbox were dropped."""

    component: str
    count: int
    """Dropped since the last such report."""


class DeliveryFailed(Event, frozen=True, kw_only=True):
    """A sink could not hand events on to the world outside."""

    component: str
    error: str
    count: int = 1


class ProtocolViolated(Event, frozen=True, kw_only=True):
    """A frame from the room broke the protocol and was not taken, or was taken with a repair."""

    rule: str
    """Short name of the broken rule, such as `not_json`, `version`, `gap`, `duplicate`."""
    detail: str
    count: int = 1


AnyEvent: TypeAlias = (
    SessionCreated
    | SessionReady
    | SessionExpiring
    | SessionEnded
    | SessionFailed
    | LinkConnected
    | LinkLost
    | LinkRestored
    | UserUtterance
    | BotChunk
    | SpeechStarted
    | SpeechEnded
    | TurnStarted
    | TurnFinished
    | TurnInterrupted
    | CommandSent
    | CommandAck
    | CommandTimedOut
    | BrainFailed
    | PluginFailed
    | EventsDropped
    | DeliveryFailed
    | ProtocolViolated
)
EVENT_TYPES: Final[tuple[type[Event], ...]] = get_args(AnyEvent)


def hook_name(event_type: type[Event]) -> str:
    """Name of the hook that receives this type: `UserUtterance` → `on_user_utterance`."""
    return "on" + re.sub(r"([A-Z])", lambda m: "_" + m[1].lower(), event_type.__name__)


def json_schema() -> dict[str, Any]:
    """JSON Schema of the union, with `type` as its discriminator."""
    return msgspec.json.schema(AnyEvent)
