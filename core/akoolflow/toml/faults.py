"""What is wrong with a value, said in TOML's words, before anyone knows on which line it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import date, datetime, time
from difflib import get_close_matches
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from akoolflow.errors import Complaint

__all__ = ["Fault", "KeyPath", "close_spelling", "dotted", "found", "nearest", "one_line", "printable", "quoted"]

KeyPath: TypeAlias = tuple[str | int, ...]
"""Where in a document: keys of tables and, from 0, indices of arrays."""

MAX_SHOWN_CHARS: Final = 60
MAX_MESSAGE_CHARS: Final = 500
MAX_SPELLING_CHARS: Final = 64  # difflib is quadratic; no option's name is longer
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_KINDS: Final[tuple[tuple[type, str], ...]] = (  # bool before int, datetime before date: the first that fits names it
    (str, "string"),
    (bool, "boolean"),
    (int, "integer"),
    (float, "float"),
    (datetime, "date-time"),
    (date, "date"),
    (time, "time"),
)


class Fault(Struct, frozen=True, kw_only=True):
    """One thing wrong below `path`; a document turns it into a complaint with file, line and column."""

    path: KeyPath
    message: str = ""
    hint: str = ""
    at: Literal["key", "value"] = "value"
    mark: int | None = None
    """Which `${` of the string it is about, from 0."""
    elsewhere: tuple[Complaint, ...] = ()
    """Complaints about another file that this value names; they stand in place of `message`."""


def dotted(path: KeyPath) -> str:
    """`("brain", 1, "a b")` → `brain[1]."a b"`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if _BARE_KEY.fullmatch(part) else quoted(part))
    return text


def quoted(text: str) -> str:
    """In double quotes, shortened, and safe to print: no control character reaches a terminal."""
    shown = text if len(text) <= MAX_SHOWN_CHARS else text[: MAX_SHOWN_CHARS - 1] + "…"
    return printable(json.dumps(shown, ensure_ascii=False))


def printable(text: str) -> str:
    """Without a control, bidirectional or unpaired character that could play tricks on a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def one_line(text: str) -> str:
    """A foreign message (an exception's, say) as one printable line of bounded length."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= MAX_MESSAGE_CHARS else line[: MAX_MESSAGE_CHARS - 1] + "…"


def found(value: Any, *, hidden: bool = False) -> str:
    """The value as its writer would name it: `a string "abc"`, `an array`; without the text itself if `hidden`."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "an array" if value else "an empty array"
    name = next(name for kind, name in _KINDS if isinstance(value, kind))
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}{'' if hidden else ' ' + _literal(value)}"


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint: the nearest known spelling, else all that are known."""
    names = list(known)
    return close_spelling(word, names) or (f"known: {', '.join(names)}" if names else "none is known here")


def close_spelling(word: str, known: Iterable[str]) -> str:
    """A hint: the nearest known spelling; empty if none is near."""
    close = get_close_matches(word, list(known), n=1) if len(word) <= MAX_SPELLING_CHARS else []
    return f"did you mean {quoted(close[0])}?" if close else ""


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
