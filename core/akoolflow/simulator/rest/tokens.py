"""JSON Web Tokens with HS256 (RFC 7519): those of getToken, and LiveKit's."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

import msgspec

__all__ = ["claims_of", "signed"]

_HEADER: Final = {"alg": "HS256", "typ": "JWT"}
_MAX_CHARS: Final = 8192


def signed(claims: Mapping[str, Any], key: bytes) -> str:
    text = f"{_packed(_HEADER)}.{_packed(claims)}"
    return f"{text}.{_base64(_signature(text, key))}"


def claims_of(token: str, key: bytes) -> dict[str, Any]:
    """Whether it has expired is for the caller to see.

    :raises ValueError: it is no token, or not signed with this key.
    """
    if len(token) > _MAX_CHARS or not token.isascii() or token.count(".") != 2:
        raise ValueError("not a JSON Web Token")
    text, _, signature = token.rpartition(".")
    if not hmac.compare_digest(_base64(_signature(text, key)), signature):
        raise ValueError("not signed by this service")
    header, claims = map(_unpacked, text.split("."))
    if header.get("alg") != "HS256":
        raise ValueError("not signed with HS256")
    return claims


def _signature(text: str, key: bytes) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _packed(value: Mapping[str, Any]) -> str:
    return _base64(msgspec.json.encode(value))


def _unpacked(text: str) -> dict[str, Any]:
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return msgspec.json.decode(raw, type=dict[str, Any])
    except (binascii.Error, msgspec.DecodeError) as error:
        raise ValueError("not a JSON Web Token") from error


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
