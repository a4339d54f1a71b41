"""Stream message protocol v2, spelled as the service spells it; no behaviour.

One JSON object in UTF-8 for each data packet, the same on Agora, LiveKit and TRTC. Source: the service's live avatar
documentation (tables and JSON examples) and its official web demo; where samples contradict the tables, the tables.
Unknown keys are ignored on the way in; nothing that is not documented is sent on the way out, since the service was
seen to ignore packets whose payload holds anything more.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias, get_args

import msgspec
from msgspec import UNSET, Struct, UnsetType

__all__ = [
    "ACK_OK",
    "ACTIONS",
    "DIALOGUE",
    "EXPRESSIONS",
    "RETELLING",
    "VERSION",
    "Action",
    "Chat",
    "ChatPayload",
    "Command",
    "CommandPayload",
    "Event",
    "EventPayload",
    "Expression",
    "Message",
    "SetAction",
    "SetParams",
]

VERSION: Final = 2
ACK_OK: Final = 1000
RETELLING: Final = 1
"""`mode`: the avatar speaks the given text as it is."""
DIALOGUE: Final = 2
"""`mode`: AKOOL's own model answers."""

Action: TypeAlias = Literal["hand_wave", "cheer", "thumbs_up", "pump_fists", "nod", "shake", "waft_left", "waft_right"]
Expression: TypeAlias = Literal["angry", "disgust", "fear", "happiness", "sadness", "surprise", "contempt"]
ACTIONS: Final[tuple[str, ...]] = get_args(Action)
EXPRESSIONS: Final[tuple[str, ...]] = get_args(Expression)


class ChatPayload(Struct, frozen=True, omit_defaults=True, gc=False):
    text: str
    from_: str = msgspec.field(name="from", default="")
    """Inbound only: `bot` is the avatar's answer, `user` what it recognised in the user's speech."""


class Chat(Struct, frozen=True, tag="chat", gc=False):
    v: Literal[2]
    idx: int
    """Position of the piece in its message, from 0."""
    fin: bool
    """True on the last piece, which may carry text."""
    pld: ChatPayload
    mid: str = ""


class CommandPayload(Struct, frozen=True):
    cmd: str | UnsetType = UNSET
    """Absent in some acks seen on the live service."""
    data: dict[str, Any] | UnsetType = UNSET
    code: int | UnsetType = UNSET
    """Present in an ack and nowhere else: this is what tells an ack from a command."""
    msg: str | UnsetType = UNSET


class Command(Struct, frozen=True, tag="command"):
    v: Literal[2]
    pld: CommandPayload
    mid: str = ""


class EventPayload(Struct, frozen=True):
    event: str
    """`audio_start` and `audio_end` are known; others may come."""
    data: Any = UNSET


class Event(Struct, frozen=True, tag="event"):
    v: Literal[2]
    pld: EventPayload
    mid: str = ""


Message: TypeAlias = Chat | Command | Event


class SetParams(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`data` of set-params: only what is to change. `vid` and `vurl` at this level are deprecated by the service."""

    lang: str = ""
    mode: Literal[1, 2] | None = None
    """1 retelling, 2 dialogue."""
    bgurl: str = ""
    vparams: dict[str, Any] | None = None
    """Voice parameters by their names in session/create, and `vid`, `vurl`."""
    vid: str = ""
    vurl: str = ""


class SetAction(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`data` of set-action (avatars of the "ultra" kind); at least one of the two."""

    action: Action | None = None
    expression: Expression | None = None
