"""What a session's client needs to join its room, by stream type; and rooms of the client's own, checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from akoolflow.simulator.rest.codes import refused
from akoolflow.simulator.rest.options import Switches
from akoolflow.simulator.rest.room_tokens import AgoraSeat, Validity, agora_token, livekit_token, trtc_user_sig
from akoolflow.simulator.sessions import SessionRecord

__all__ = ["RoomCredentials", "check_own_room", "credentials_of"]

_AGORA_UID: Final = 100_000
"""As in the documentation's samples."""
_HIDDEN: Final = ("agora_token", "livekit_token", "trtc_user_sig", "trtc_sdk_user_sig")


class RoomCredentials(Struct, frozen=True, kw_only=True):
    """All names of the three stream types; those of one are set."""

    agora_uid: int | UnsetType = UNSET
    agora_app_id: str | UnsetType = UNSET
    agora_channel: str | UnsetType = UNSET
    agora_token: str | UnsetType = UNSET
    livekit_url: str | UnsetType = UNSET
    livekit_token: str | UnsetType = UNSET
    livekit_room_name: str | UnsetType = UNSET
    livekit_server_identity: str | UnsetType = UNSET
    livekit_client_identity: str | UnsetType = UNSET
    audio_only_from_data_stream: bool | UnsetType = UNSET
    """As the two below sent by AKOOL's LiveKit plugin, at one time or another; not documented."""
    audio_input_source: str | UnsetType = UNSET
    audio_publisher_identity: str | UnsetType = UNSET
    trtc_app_id: int | UnsetType = UNSET
    trtc_room_id: str | UnsetType = UNSET
    trtc_user_id: str | UnsetType = UNSET
    trtc_user_sig: str | UnsetType = UNSET
    trtc_sdk_app_id: int | UnsetType = UNSET
    trtc_sdk_room_id: str | UnsetType = UNSET
    trtc_sdk_user_id: str | UnsetType = UNSET
    trtc_sdk_user_sig: str | UnsetType = UNSET


_TRTC: Final = {
    "trtc_app_id": "trtc_sdk_app_id",
    "trtc_room_id": "trtc_sdk_room_id",
    "trtc_user_id": "trtc_sdk_user_id",
    "trtc_user_sig": "trtc_sdk_user_sig",
}
"""The name on the live service (seen in the field), and the documented one. Which a request may use is not known."""
_NEEDED: Final = {
    "agora": ("agora_uid", "agora_channel", "agora_token"),
    "livekit": ("livekit_url", "livekit_token"),
    "trtc": tuple(_TRTC),
}
"""Of a room of one's own (documented)."""


def check_own_room(stream_type: str, credentials: Mapping[str, Any]) -> dict[str, Any]:
    """The credentials of a room of the client's own, TRTC's under the live service's names.

    :raises ServiceRefused: 1003, something is missing.
    """
    ours = {documented: field for field, documented in _TRTC.items()}
    given = {ours.get(name, name): value for name, value in credentials.items() if value != ""}
    missing = [name for name in _NEEDED[stream_type] if name not in given]
    if missing:
        raise refused(1003, f"credentials for stream_type {stream_type} need {', '.join(missing)}")
    return given


def credentials_of(record: SessionRecord, switches: Switches, *, with_token: bool) -> RoomCredentials:
    """The same each time: a token is valid from the session's creation, not from when it is asked for."""
    request, service = record.request, switches.service
    if request.credentials:
        made: Mapping[str, Any] = request.credentials
    else:
        made = _MAKERS[request.stream_type](record, switches)
    if service.trtc_names == "documented":
        made = {_TRTC.get(name, name): value for name, value in made.items()}
    credentials = msgspec.convert(dict(made), RoomCredentials)
    return credentials if with_token else replace(credentials, **dict.fromkeys(_HIDDEN, UNSET))


def _agora(record: SessionRecord, switches: Switches) -> dict[str, Any]:
    keys = switches.agora
    validity = Validity(record.created_s, switches.service.agora_token_life_s)
    seat = AgoraSeat(channel=record.id, uid=_AGORA_UID)
    salt = record.number % 99_999_999 + 1
    token = agora_token(keys.app_id, keys.app_certificate.reveal(), seat, validity, salt)
    return {
        "agora_uid": seat.uid,
        "agora_app_id": keys.app_id,
        "agora_channel": seat.channel,
        "agora_token": token,
    }


def _livekit(record: SessionRecord, switches: Switches) -> dict[str, Any]:
    keys = switches.livekit
    client, server = f"client-{record.id}", f"avatar-{record.id}"
    validity = Validity(record.created_s, switches.service.room_token_life_s)
    return {
        "livekit_url": keys.url,
        "livekit_token": livekit_token(keys.api_key, keys.api_secret.reveal(), client, record.id, validity),
        "livekit_room_name": record.id,
        "livekit_server_identity": server,
        "livekit_client_identity": client,
    }


def _trtc(record: SessionRecord, switches: Switches) -> dict[str, Any]:
    keys = switches.trtc
    user_id = f"u-{record.id}"  # at most 32 characters
    validity = Validity(record.created_s, switches.service.room_token_life_s)
    return {
        "trtc_app_id": keys.app_id,
        "trtc_room_id": record.id,
        "trtc_user_id": user_id,
        "trtc_user_sig": trtc_user_sig(keys.app_id, keys.secret_key.reveal(), user_id, validity),
    }


_MAKERS: Final[dict[str, Callable[[SessionRecord, Switches], dict[str, Any]]]] = {
    "agora": _agora,
    "livekit": _livekit,
    "trtc": _trtc,
}
