"""What it takes to join a room, by kind of room: the service's names and types, as one table for both directions.

Documented, but for two things. The TRTC names are printed with `_sdk_` in the service's API schema and come without it
on the live service; either is read, and it is not known which a request may use. `audio_only_from_data_stream` is what
the service's own LiveKit plugin sends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

from akoolflow.errors import OptionInvalid
from akoolflow.secret import Secret

__all__ = ["CREDENTIALS", "Credential", "credential_faults", "normalised", "stream_type_of"]


class Credential(Struct, frozen=True):
    name: str
    kind: type[int | str | bool] = str
    required: bool = False
    """To bring a room of one's own."""
    also: str = ""
    """The other spelling."""


CREDENTIALS: Final[Mapping[str, tuple[Credential, ...]]] = MappingProxyType(
    {
        "agora": (
            Credential("agora_app_id"),
            Credential("agora_channel", required=True),
            Credential("agora_token", required=True),
            Credential("agora_uid", int, required=True),
        ),
        "livekit": (
            Credential("livekit_url", required=True),
            Credential("livekit_token", required=True),
            Credential("livekit_room_name"),
            Credential("livekit_server_identity"),
            Credential("livekit_client_identity"),
            Credential("audio_only_from_data_stream", bool),
        ),
        "trtc": (
            Credential("trtc_app_id", int, required=True, also="trtc_sdk_app_id"),
            Credential("trtc_room_id", required=True, also="trtc_sdk_room_id"),
            Credential("trtc_user_id", required=True, also="trtc_sdk_user_id"),
            Credential("trtc_user_sig", required=True, also="trtc_sdk_user_sig"),
        ),
    }
)
"""By stream type."""

_NUMBERS: Final = frozenset(c.name for fields in CREDENTIALS.values() for c in fields if c.kind is int)
_TEXTS: Final = frozenset(c.name for fields in CREDENTIALS.values() for c in fields if c.kind is str)
_OURS: Final = {c.also: c.name for fields in CREDENTIALS.values() for c in fields if c.also}
_WORDS: Final = {int: "a whole number that is not negative", str: "a string that is not empty", bool: "true or false"}


def credential_faults(credentials: Mapping[str, Any], stream_type: str | None) -> Iterator[OptionInvalid]:
    """What keeps a session from being opened in this room of one's own. No value is shown.

    :param stream_type: if it is left out, the credentials' own names tell it.
    """
    kind = stream_type or stream_type_of(credentials)
    if kind not in CREDENTIALS:
        yield OptionInvalid("credentials", f"they fit no stream type; known: {', '.join(CREDENTIALS)}")
        return
    fields = CREDENTIALS[kind]
    yield from _strangers(credentials, kind)
    for field in fields:
        given = {name: credentials[name] for name in (field.name, field.also) if name and name in credentials}
        for name, value in given.items():
            if not _fits(value, field.kind):
                yield OptionInvalid(("credentials", name), f"expected {_WORDS[field.kind]}")
        if len(given) == 2 and credentials[field.name] != credentials[field.also]:
            hint = "two spellings of one thing: leave one out"
            yield OptionInvalid(("credentials", field.also), f"differs from {field.name}", hint)
        if field.required and not given:
            hint = f"a room of one's own in {kind} takes {', '.join(f.name for f in fields if f.required)}"
            yield OptionInvalid(("credentials", field.name), "missing", hint)


def normalised(credentials: Mapping[str, Any]) -> dict[str, Any]:
    """As they were given, each under one name (TRTC's without `_sdk_`) and with its own type, secrets revealed."""
    made: dict[str, Any] = {}
    for name, value in credentials.items():
        ours = _OURS.get(name, name)
        if ours == name or not credentials.get(ours):  # where both are there, the live service's own spelling holds
            made[ours] = _typed(ours, value)
    return made


def stream_type_of(credentials: Mapping[str, Any]) -> str:
    """The kind of room that these names are about; empty if they are about none."""
    return next((kind for kind in CREDENTIALS if any(name.startswith(f"{kind}_") for name in credentials)), "")


def _strangers(credentials: Mapping[str, Any], kind: str) -> Iterator[OptionInvalid]:
    known = [name for field in CREDENTIALS[kind] for name in (field.name, field.also) if name]
    for name in credentials:
        if name not in known:
            other = stream_type_of({name: None})
            message = f"belongs to stream type {other}, not {kind}" if other not in {"", kind} else "unknown key"
            close = get_close_matches(name[:64], known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
            yield OptionInvalid(("credentials", name), message, hint)


def _fits(value: Any, kind: type) -> bool:
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if kind is bool:
        return isinstance(value, bool)
    return isinstance(value, str | Secret) and bool(value)


def _typed(name: str, value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    if name in _NUMBERS and isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 19:
        return int(value)
    if name in _TEXTS and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value
