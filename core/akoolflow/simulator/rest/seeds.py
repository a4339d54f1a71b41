"""Ids, keys and secrets that follow from the seed: made up, the same each time, and nobody else's."""

from __future__ import annotations

import base64
import hashlib

__all__ = ["object_id", "secret_bytes", "secret_text"]


def object_id(seed: int, *parts: object) -> str:
    """24 hex digits, as all ids of the service have them."""
    return _digest(seed, parts, 12).hex()


def secret_text(seed: int, *parts: object) -> str:
    """32 characters, as many as an API key of the service's samples has."""
    return base64.b64encode(_digest(seed, parts, 24), altchars=b"xX").decode()


def secret_bytes(seed: int, *parts: object) -> bytes:
    return _digest(seed, parts, 32)


def _digest(seed: int, parts: tuple[object, ...], size_bytes: int) -> bytes:
    return hashlib.blake2b(":".join(map(str, (seed, *parts))).encode(), digest_size=size_bytes).digest()
