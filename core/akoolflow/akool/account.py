"""Who calls: an API key, or a token, got with a client id and secret or given."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import Struct

from akoolflow.errors import OptionInvalid
from akoolflow.secret import Secret

__all__ = ["Account", "KeptToken", "bearer", "fits_header", "keep"]

_EARLY_S: Final = 60.0
"""So long before its end a token is no longer used."""
_UNDATED_S: Final = 55 * 60.0
"""How long a token is used whose end cannot be read."""


class Account(Struct, frozen=True, kw_only=True):
    """Give an API key, or a client id and secret, or a token.

    The service lets a token go before an API key when it is sent both; so does this, and sends only the one.
    """

    api_key: Secret | None = None
    """The same value as the older client secret."""
    client_id: str = ""
    client_secret: Secret | None = None
    token: Secret | None = None
    """Used as it is, until the service refuses it."""

    def __post_init__(self) -> None:
        for name, value in self._given():
            if not isinstance(value, Secret):
                raise OptionInvalid(name, "is no Secret", "wrap it: Secret(text)")
            text = value.reveal()
            if not fits_header(text):
                what = "is empty" if not text else "holds a space, a line break or a character that no key has"
                raise OptionInvalid(name, what, "check how it was copied")
        if bool(self.client_id) != (self.client_secret is not None):
            raise OptionInvalid("client_secret" if self.client_id else "client_id", "missing", "they go together")
        if not (self.api_key or self.token or self.client_id):
            raise OptionInvalid("api_key", "missing", "AKOOL's console shows it; or give client_id and client_secret")

    def headers(self) -> dict[str, str] | None:
        """What goes with each call; None if a token has to be got first."""
        if self.token is not None:
            return bearer(self.token)
        if self.client_secret is not None or self.api_key is None:
            return None
        return {"x-api-key": self.api_key.reveal()}

    def login(self) -> dict[str, str | Secret | None]:
        """The body of getToken."""
        return {"clientId": self.client_id, "clientSecret": self.client_secret or self.api_key}

    def secrets(self) -> tuple[str, ...]:
        return tuple(value.reveal() for _, value in self._given())

    def _given(self) -> Iterator[tuple[str, Secret]]:
        for name in ("api_key", "client_secret", "token"):
            if (value := getattr(self, name)) is not None:
                yield name, value


class KeptToken(Struct, frozen=True):
    token: Secret
    until_unix_s: float


def keep(token: Secret, now_unix_s: float) -> KeptToken:
    """A token with the time until which it is to be used."""
    end_s = _end_of(token.reveal())
    return KeptToken(token, now_unix_s + _UNDATED_S if end_s is None else end_s - _EARLY_S)


def fits_header(text: str) -> bool:
    """Whether a key or token can be sent at all."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text


def bearer(token: Secret) -> dict[str, str]:
    return {"authorization": f"Bearer {token.reveal()}"}


class _Claims(Struct, frozen=True):
    exp: float | None = None
    """Unix seconds."""


def _end_of(token: str) -> float | None:
    """When a JWT ends; None if it cannot be read. Its signature is the service's to check."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        return msgspec.json.decode(claims, type=_Claims).exp
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, binascii.Error, ValueError):
        return None
