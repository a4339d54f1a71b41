"""`${NAME}` and `${NAME:-default}` in the strings of a document; pure, the environment is an argument.

What comes from the environment never shows: a filled string knows the text of the file, and that is what is printed.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from akoolflow.toml.faults import Fault, KeyPath

__all__ = ["MARK", "Filled", "Unfilled", "fill", "plain", "scrub"]

MARK: Final = re.compile(r"(?P<escaped>\$\$\{)|\$\{(?P<body>[^{}]*)\}|(?P<open>\$\{)")
"""What `$` can begin: a literal `${` written `$${`, a reference, or one that nobody closed."""

_BODY: Final = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>.*))?", re.DOTALL)
_HOW: Final = "write ${NAME}, ${NAME:-default}, or $${ for a literal ${"
_SHORT_CHARS: Final = 4


class Filled(Struct, frozen=True):
    """A string that holds something of the environment."""

    text: str
    raw: str
    """As the file has it."""
    whole: bool
    """The file's string is one reference and nothing else, so it may stand for a number or a boolean."""
    parts: tuple[tuple[str, str], ...]
    """Each value taken from the environment, with the name that stands for it in messages."""

    def __repr__(self) -> str:
        return f"Filled({self.raw!r})"


class Unfilled(Struct, frozen=True):
    """A string whose reference could not be resolved; the fault is told, so the value is checked no further."""

    raw: str


def fill(value: Any, env: Mapping[str, str], path: KeyPath = ()) -> tuple[Any, list[Fault]]:
    """The same value with `Filled` strings, and a fault for each reference that has no answer."""
    if isinstance(value, str):
        return _fill_text(value, env, path) if "${" in value else (value, [])
    if not isinstance(value, dict | list):
        return value, []
    faults: list[Fault] = []
    filled: dict[str, Any] | list[Any] = {} if isinstance(value, dict) else [None] * len(value)
    for key, item in _items(value):
        filled[key], more = fill(item, env, (*path, key))
        faults += more
    return filled, faults


def plain(value: Any) -> Any:
    """The value for its receiver: every `Filled` is its text."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, Filled):
        return value.text
    return value.raw if isinstance(value, Unfilled) else value


def scrub(text: str, value: Any) -> str:
    """Foreign text about `value` with everything that the environment gave replaced by its name."""
    names = {quoted: name for secret, name in _secrets(value) for quoted in _quotes(secret)}
    if not names:
        return text
    longest_first = sorted(names, key=len, reverse=True)
    return re.sub("|".join(map(_pattern, longest_first)), lambda match: names[match[0]], text)


def _pattern(form: str) -> str:
    """Of a short value whole words only: a `1` from the environment must not eat the 1 of 10."""
    return re.escape(form) if len(form) >= _SHORT_CHARS else rf"(?<!\w){re.escape(form)}(?!\w)"


def _quotes(text: str) -> Iterator[str]:
    yield text
    for quoted in (json.dumps(text), json.dumps(text, ensure_ascii=False), repr(text)):
        yield quoted[1:-1]


def _fill_text(raw: str, env: Mapping[str, str], path: KeyPath) -> tuple[Any, list[Fault]]:
    faults: list[Fault] = []
    parts: list[tuple[str, str]] = []
    text, end = "", 0
    for mark, match in enumerate(MARK.finditer(raw)):
        text, end = text + raw[end : match.start()], match.end()
        if match["escaped"]:
            text += "${"
            continue
        answer = _resolve(match["body"], env)
        if isinstance(answer, Fault):
            faults.append(Fault(path=path, message=answer.message, hint=answer.hint, mark=mark))
            continue
        piece, name = answer
        text += piece
        if name:
            parts.append((piece, f"${{{name}}}"))
    text += raw[end:]
    if faults:
        return Unfilled(raw), faults
    whole = MARK.fullmatch(raw)
    if whole is None or whole["escaped"]:
        return (Filled(text, raw, whole=False, parts=tuple(parts)) if parts else text), []
    return Filled(text, raw, whole=True, parts=tuple(parts)), []


def _resolve(body: str | None, env: Mapping[str, str]) -> tuple[str, str] | Fault:
    match = _BODY.fullmatch(body or "")
    if match is None:
        return Fault(path=(), message="found a `${` that is no reference", hint=_HOW)
    name, default = match["name"], match["default"]
    value = env.get(name)
    if default is not None and not value:
        return default, ""
    if value is None:
        message = f"the environment variable {name} is not set"
        return Fault(path=(), message=message, hint=f"set it, or write ${{{name}:-default}}")
    try:
        value.encode()
    except UnicodeEncodeError:
        return Fault(path=(), message=f"the environment variable {name} does not hold UTF-8 text")
    return value, name


def _secrets(value: Any) -> Iterator[tuple[str, str]]:
    """What may turn up in a message, with what to write in its place."""
    if isinstance(value, Filled) and value.parts:
        forms = [(value.text, value.raw), *((form, name) for part, name in value.parts for form in _forms(part))]
        yield from (pair for pair in forms if pair[0].strip())
    elif isinstance(value, dict | list):
        for _, item in _items(value):
            yield from _secrets(item)


def _forms(text: str) -> Iterator[str]:
    """A message about a file may have it by another path, by its last name, or without the class in it."""
    yield text
    file, dot_py, name = text.rpartition(".py:")
    if dot_py:
        yield name
    path = posixpath.normpath(f"{file}.py" if dot_py else text)
    if "." in posixpath.basename(path):
        yield from (path, posixpath.basename(path))


def _items(value: dict[str, Any] | list[Any]) -> list[tuple[Any, Any]]:
    return list(value.items() if isinstance(value, dict) else enumerate(value))
