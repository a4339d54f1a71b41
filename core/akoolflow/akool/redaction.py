"""What may be written down: JSON without its secrets, and foreign text without those that we know."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec

from akoolflow.secret import MASK, Secret
from akoolflow.toml.faults import one_line

__all__ = ["Vault", "redacted"]

_SECRET_WORDS: Final = ("token", "secret", "password", "apikey", "usersig", "signature", "authorization", "cookie")
_SECRET_TABLES: Final = frozenset({"credentials", "streamurls", "elevenlabssettings"})
"""Room credentials, the older name that the service repeats them under, and the caller's account elsewhere."""
_URL_QUERY: Final = re.compile(r"(https?://[^\s?#\"'<>]*)[?#][^\s\"'<>]*")
_URL_LOGIN: Final = re.compile(r"(https?://)[^\s/?#@]*@")
_MAX_DEPTH: Final = 8
_MAX_ITEMS: Final = 100
_MAX_TEXT_CHARS: Final = 200
_RUN_CHARS: Final = 8
"""So much of a secret in a row is a piece of it, and no chance."""
_REMEMBERED: Final = 256
_MAX_SECRET_CHARS: Final = 8_192


def redacted(value: Any, depth: int = 0) -> Any:
    """A JSON value to log: no secrets, no query of a URL (it may sign the URL), nothing long."""
    if isinstance(value, str):
        text = _URL_LOGIN.sub(rf"\1{MASK}@", _URL_QUERY.sub(rf"\1?{MASK}", value[: 10 * _MAX_TEXT_CHARS]))
        return text if len(value) <= _MAX_TEXT_CHARS else f"{text[:_MAX_TEXT_CHARS]}… ({len(value)} characters)"
    if not isinstance(value, dict | list):
        return value
    if depth > _MAX_DEPTH or len(value) > _MAX_ITEMS:
        return f"… ({len(value)} items)"
    if isinstance(value, list):
        return [redacted(item, depth + 1) for item in value]
    return {key: _hidden(item) if _is_secret(key) else redacted(item, depth + 1) for key, item in value.items()}


class Vault:
    """Remembers secrets, the account's and those that pass by, to take them out of texts that others write."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._own = [form for text in secrets for form in _forms(text)]
        self._passing: deque[str] = deque(maxlen=_REMEMBERED)

    def __repr__(self) -> str:
        return f"Vault({len(self._own) + len(self._passing)} secrets)"

    def learn(self, value: Any) -> None:
        """Remember what this JSON holds under the names of secrets; of many the latest."""
        for text in _secrets(value, 0):
            self._remember(text)

    def add(self, secret: Secret) -> None:
        self._remember(secret.reveal()[:_MAX_SECRET_CHARS])

    def scrub(self, text: str) -> str:
        """One printable line of bounded length, without any secret or any piece of one that is 8 characters long."""
        return one_line(self._scrubbed(text[:_MAX_SECRET_CHARS]))

    def written(self, value: Any) -> str:
        """A JSON value as one line for a log."""
        return self._scrubbed(json.dumps(redacted(value), ensure_ascii=False, default=lambda _: MASK)[:4_000])

    def _remember(self, text: str) -> None:
        for form in _forms(text):
            if form not in self._own and form not in self._passing:
                self._passing.append(form)

    def _scrubbed(self, text: str) -> str:
        known = [*self._own, *self._passing]
        for short in (form for form in known if len(form) < _RUN_CHARS):
            text = re.sub(rf"(?<!\w){re.escape(short)}(?!\w)", MASK, text)
        hay = "\0".join(form for form in known if len(form) >= _RUN_CHARS)
        hidden = bytearray(len(text))
        for start in range(len(text) - _RUN_CHARS + 1):
            if text[start : start + _RUN_CHARS] in hay:
                hidden[start : start + _RUN_CHARS] = b"\1" * _RUN_CHARS
        return "".join(_masked(text, hidden))


def _masked(text: str, hidden: bytearray) -> Iterator[str]:
    before = 0
    for character, hide in zip(text, hidden, strict=True):
        if not hide:
            yield character
        elif not before:
            yield MASK
        before = hide


def _letters(key: str) -> str:
    return re.sub(r"[^a-z]", "", key[:_MAX_TEXT_CHARS].lower())


def _is_secret(key: str) -> bool:
    letters = _letters(key)
    return letters == "sig" or any(word in letters for word in _SECRET_WORDS) or letters in _SECRET_TABLES


def _hidden(value: Any) -> Any:
    return {key: _hidden(item) for key, item in value.items()} if isinstance(value, Mapping) else MASK


def _secrets(value: Any, depth: int, *, secret: bool = False) -> Iterator[str]:
    if isinstance(value, str):
        if secret and value:
            yield value[:_MAX_SECRET_CHARS]
    elif isinstance(value, dict) and depth <= _MAX_DEPTH:
        for key, item in value.items():
            table = isinstance(item, dict) and _letters(key) in _SECRET_TABLES
            yield from _secrets(item, depth + 1, secret=_is_secret(key) and not table)
    elif isinstance(value, list) and depth <= _MAX_DEPTH:
        for item in value[:_REMEMBERED]:
            yield from _secrets(item, depth + 1, secret=secret)


def _forms(text: str) -> dict[str, None]:
    """As it is, as part of a URL, and as JSON writes it."""
    encoded = msgspec.json.encode(text).decode()[1:-1]
    return dict.fromkeys(form for form in (text, quote(text, safe=""), encoded) if form)
