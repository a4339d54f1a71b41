"""What lets a client into a room: LiveKit's token, Agora's, TRTC's signature, each in its vendor's public format.

With the keys of a real project they open real rooms.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import zlib
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from akoolflow.simulator.rest.tokens import signed

__all__ = ["AgoraSeat", "Validity", "agora_token", "livekit_token", "trtc_user_sig"]

_AGORA_VERSION: Final = "007"
_AGORA_RTC: Final = 1
_TRTC_VERSION: Final = "2.0"
_TRTC_ALPHABET: Final = str.maketrans("+/=", "*-_")


class Validity(Struct, frozen=True):
    """From when, and how long."""

    from_s: float
    """Seconds since 1970."""
    life_s: float


class AgoraSeat(Struct, frozen=True, kw_only=True):
    channel: str
    uid: int
    privileges: tuple[int, ...] = (1, 2, 3, 4)
    """Join, and publish audio, video and data."""


def livekit_token(key: str, secret: str, identity: str, room: str, validity: Validity) -> str:
    """Access token: may join this room, publish and subscribe.

    No "not before": a simulated clock may be ahead of the server's.
    """
    grant = {"roomJoin": True, "room": room, "canPublish": True, "canSubscribe": True, "canPublishData": True}
    expires_s = int(validity.from_s + validity.life_s)
    return signed({"iss": key, "sub": identity, "exp": expires_s, "video": grant}, secret.encode())


def agora_token(app_id: str, certificate: str, seat: AgoraSeat, validity: Validity, salt: int) -> str:
    """AccessToken2 for one seat; every privilege lasts as long as the token."""
    issued_s, life_s = int(validity.from_s), int(validity.life_s)
    granted = b"".join(struct.pack("<HI", privilege, life_s) for privilege in seat.privileges)
    service = (
        struct.pack("<HH", _AGORA_RTC, len(seat.privileges)) + granted + _text(seat.channel) + _text(str(seat.uid))
    )
    body = _text(app_id) + struct.pack("<IIIH", issued_s, life_s, salt, 1) + service
    key = _hmac(struct.pack("<I", issued_s), certificate.encode())
    signature = _hmac(_hmac(struct.pack("<I", salt), key), body)
    return _AGORA_VERSION + base64.b64encode(zlib.compress(_sized(signature) + body)).decode()


def trtc_user_sig(app_id: int, secret: str, user_id: str, validity: Validity) -> str:
    """TLS signature, version 2."""
    fields = {
        "identifier": user_id,
        "sdkappid": app_id,
        "time": int(validity.from_s),
        "expire": int(validity.life_s),
    }
    text = "".join(f"TLS.{name}:{value}\n" for name, value in fields.items())
    signature = base64.b64encode(_hmac(secret.encode(), text.encode())).decode()
    document: Mapping[str, object] = {
        "TLS.ver": _TRTC_VERSION,
        **{f"TLS.{name}": value for name, value in fields.items()},
        "TLS.sig": signature,
    }
    return base64.b64encode(zlib.compress(msgspec.json.encode(document))).decode().translate(_TRTC_ALPHABET)


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def _text(text: str) -> bytes:
    return _sized(text.encode())


def _sized(raw: bytes) -> bytes:
    return struct.pack("<H", len(raw)) + raw
