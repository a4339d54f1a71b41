"""How long to wait: for an answer, and before asking again. Pure; the clock and the dice are arguments."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from random import Random
from typing import Annotated, Final

from msgspec import Meta, Struct

__all__ = ["Patience", "asked_wait_s", "pause_s"]

_LONGEST_S: Final = 86_400.0


class Patience(Struct, frozen=True, kw_only=True):
    """How long a call may take, and how often it is tried where repeating is safe."""

    timeout_s: Annotated[float, Meta(gt=0)] = 30.0
    """From sending to the last byte of the answer, each time (from some networks the service takes long)."""
    connect_timeout_s: Annotated[float, Meta(gt=0)] = 10.0
    attempts: Annotated[int, Meta(ge=1)] = 3
    first_pause_s: Annotated[float, Meta(ge=0)] = 0.5
    """Before the second attempt; doubled before each further one, and shortened by up to half at random."""
    longest_pause_s: Annotated[float, Meta(ge=0)] = 20.0
    """A service that asks to be left alone for longer is not asked again."""


def pause_s(patience: Patience, failures: int, asked_s: float | None, random: Random) -> float | None:
    """How long to wait after so many failures; None if it is not worth it.

    :param asked_s: what the service asked for, which is kept to and a little added, so that not all come at once.
    """
    if asked_s is not None and asked_s > patience.longest_pause_s:
        return None
    full_s = min(patience.first_pause_s * 2.0 ** min(failures - 1, 30), patience.longest_pause_s)
    own_s = full_s * random.uniform(0.5, 1.0)
    return own_s if asked_s is None else max(own_s, asked_s + patience.first_pause_s * random.random())


def asked_wait_s(retry_after: str | None, now_unix_s: float) -> float | None:
    """The header Retry-After as seconds from now, whether it is a number or a date; None if it is neither."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdecimal():
        return min(float(text[:9]), _LONGEST_S)
    try:
        at = parsedate_to_datetime(text)
        return min(max(at.timestamp() - now_unix_s, 0.0), _LONGEST_S)
    except (ValueError, TypeError, OverflowError, OSError, IndexError):
        return None
