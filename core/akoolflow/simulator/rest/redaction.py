"""What a log may hold of a call: no secret, and not too much of anything."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final

from akoolflow.secret import MASK

__all__ = ["redacted", "scrubbed"]

_SECRET_KEYS: Final = re.compile(r"(?i)secret|token|api_?-?key|user_?sig$|password|authorization")
_SECRET_TEXTS: Final = re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]+|007eJ[\w+/=-]{20,}|eJ[\w*-]{60,}_*|\bsk[-_][\w-]{12,}")
"""JSON Web Tokens, Agora tokens, TRTC signatures, and keys as other services write them."""
_MAX_CHARS: Final = 500
_MAX_ITEMS: Final = 50
_MAX_DEPTH: Final = 8
_MAX_BITS: Final = 63


def scrubbed(text: str, secrets: Collection[str]) -> str:
    """:param secrets: texts that may not show, wherever they stand."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    text = _SECRET_TEXTS.sub(MASK, text)
    return text if len(text) <= _MAX_CHARS else f"{text[:_MAX_CHARS]}… ({len(text)} characters)"


def redacted(value: Any, secrets: Collection[str], depth: int = 0) -> Any:
    """A JSON value with secrets masked, by the name of their key or by their looks, and the rest cut short."""
    if isinstance(value, str):
        return scrubbed(value, secrets)
    if depth >= _MAX_DEPTH and isinstance(value, dict | list):
        return "…"
    if isinstance(value, dict):
        items = list(value.items())[:_MAX_ITEMS]
        return {
            scrubbed(str(key), secrets): MASK
            if item and _SECRET_KEYS.search(str(key))
            else redacted(item, secrets, depth + 1)
            for key, item in items
        }
    if isinstance(value, list):
        return [redacted(item, secrets, depth + 1) for item in value[:_MAX_ITEMS]]
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:  # JSON takes it, its encoder does not
        return f"an integer of {value.bit_length()} bits"
    return value
