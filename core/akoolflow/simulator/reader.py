"""Frames as the service reads them: stricter than a client, and silent about what it does not take."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

import msgspec
from msgspec import UNSET

from akoolflow.errors import FrameRejected
from akoolflow.protocol.wire import VERSION, Chat, Command, Event, Message

__all__ = ["PAYLOAD_KEYS", "read"]

PAYLOAD_KEYS: Final[dict[str, frozenset[str]]] = {
    "chat": frozenset({"text"}),
    "command": frozenset({"cmd", "data"}),
    "event": frozenset({"event"}),
}
"""All that a client's payload may hold: a frame with more was ignored on the live service (seen in the field)."""

_TYPES: Final[dict[str, type[Message]]] = {"chat": Chat, "command": Command, "event": Event}


def read(frame: bytes) -> Message:
    """The message in a client's frame.

    :raises FrameRejected: the service would ignore it. Rules: `not_json`, `version` (both seen in the field),
        `type`, `extra_keys` (seen in the field), `mid`, `shape`.
    """
    packet = _packet(frame)
    if packet.get("v") != VERSION:
        raise FrameRejected("version", f"v is {packet.get('v')!r:.40}, not {VERSION}")
    kind = packet.get("type")
    if not isinstance(kind, str) or kind not in _TYPES:
        raise FrameRejected("type", f"type is {kind!r:.40}")
    payload = packet.get("pld")
    if not isinstance(payload, dict):
        raise FrameRejected("shape", "pld is not an object")
    if extra := payload.keys() - PAYLOAD_KEYS[kind]:
        raise FrameRejected("extra_keys", f"pld holds {', '.join(sorted(extra))!r:.80}")
    # A command without mid is in the service's own samples; chat pieces could not be put together without.
    if kind == "chat" and not packet.get("mid"):
        raise FrameRejected("mid", "chat without mid")
    return _shaped(packet, _TYPES[kind])


def _packet(frame: bytes) -> dict[str, Any]:
    # Not msgspec: it refuses half a surrogate pair, which the service's own clients may cut a text at (official demo).
    try:
        packet = json.loads(frame.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise FrameRejected("not_json", str(error)) from error
    if not isinstance(packet, dict):
        raise FrameRejected("not_json", "not an object")
    return packet


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _shaped(packet: dict[str, Any], shape: type[Message]) -> Message:
    try:
        message = msgspec.convert(packet, shape)
    except msgspec.ValidationError as error:
        raise FrameRejected("shape", str(error)) from error
    if isinstance(message, Chat) and message.idx < 0:
        raise FrameRejected("shape", f"idx is {message.idx}")
    if isinstance(message, Command) and message.pld.cmd is UNSET:
        raise FrameRejected("shape", "pld without cmd")
    return message
