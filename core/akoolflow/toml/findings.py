"""What a check has found so far, and how a misfit is put into words."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

from msgspec import inspect
from msgspec.structs import replace

from akoolflow.errors import ConfigInvalid, OptionInvalid
from akoolflow.secret import Secret, is_secret_name
from akoolflow.toml.faults import Fault, KeyPath, close_spelling, dotted, found, nearest, one_line
from akoolflow.toml.interpolation import Filled, scrub
from akoolflow.toml.words import choices, expected

__all__ = ["BAD", "Findings"]

BAD: Final = object()
"""Stands for a value that could not be made; its fault is told."""

_ENOUGH_FAULTS: Final = 100  # a spelling is compared with every known key; a file of faults gets no more suggestions


class Findings:
    """Faults, and secrets written out in the file, in the order in which they were met."""

    def __init__(self, folder: Path) -> None:
        self.folder: Final = folder
        """Where relative paths begin."""
        self.faults: list[Fault] = []
        self.literal_secrets: list[KeyPath] = []

    def fault(self, path: KeyPath, message: str, hint: str = "", *, at: Literal["key", "value"] = "value") -> Any:
        self.faults.append(Fault(path=path, message=one_line(message), hint=one_line(hint), at=at))
        return BAD

    def unknown_key(self, path: KeyPath, known: list[str]) -> None:
        hint = nearest(str(path[-1]), known) if len(self.faults) < _ENOUGH_FAULTS else ""
        self.fault(path, "unknown key", hint, at="key")

    def missing(self, path: KeyPath, kind: inspect.Type) -> Any:
        return self.fault(path, f"missing; expected {expected(kind)}")

    def misfit(self, path: KeyPath, value: Any, kind: inspect.Type) -> Any:
        is_secret = isinstance(kind, inspect.CustomType) and kind.cls is Secret
        hidden = is_secret or any(map(is_secret_name, path))
        return self.fault(
            path, f"found {_shown(value, hidden=hidden)}, expected {expected(kind)}", _hint(path, value, kind)
        )

    def rejected(self, path: KeyPath, error: BaseException, table: dict[str, Any]) -> Any:
        """What a struct's own check raised about this table, without anything that the environment gave."""
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                self.rejected(path, each, table)
        elif isinstance(error, ConfigInvalid):
            clean = tuple(
                replace(c, file=scrub(c.file, table), message=scrub(c.message, table), hint=scrub(c.hint, table))
                for c in error.complaints
            )
            self.faults.append(Fault(path=path, elsewhere=clean))
        elif isinstance(error, OptionInvalid):
            self.fault((*path, *error.key), scrub(error.message, table), scrub(error.hint, table))
        else:
            name = "" if isinstance(error, ValueError) and str(error) else f"{type(error).__name__}: "
            self.fault(path, scrub(f"{name}{error}", table))
        return BAD


def _shown(value: Any, *, hidden: bool) -> str:
    return found(value.raw if isinstance(value, Filled) else value, hidden=hidden and not isinstance(value, Filled))


def _hint(path: KeyPath, value: Any, kind: inspect.Type) -> str:
    """How to write it, where the difference is only one of brackets, of spelling, or in the environment."""
    key = dotted(tuple(part for part in path if isinstance(part, str)))
    if isinstance(value, dict) and isinstance(kind, inspect.CollectionType) and expected(kind.item_type) == "a table":
        return f"write [[{key}]], once for each"
    if isinstance(value, list) and expected(kind) == "a table":
        return f"write [{key}], once"
    if isinstance(value, Filled):
        return "the environment holds something else" if value.parts else ""
    words = [choice for choice in choices(kind) if isinstance(choice, str)]
    return close_spelling(value, words) if isinstance(value, str) and len(words) > 1 else ""
