"""A TOML file from disk to struct."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from akoolflow.errors import ConfigInvalid
from akoolflow.toml.checking import check
from akoolflow.toml.faults import Fault
from akoolflow.toml.interpolation import fill
from akoolflow.toml.source import Source, read

__all__ = ["Document", "load_struct", "open_document"]

T = TypeVar("T")


class Document(Struct, frozen=True, eq=False):
    """A file whose `${NAME}` are filled in."""

    source: Source
    values: dict[str, Any]
    """With `Filled` strings, so that what came from the environment can be kept out of messages."""
    faults: list[Fault]
    """References that could not be filled."""
    folder: Path
    """Where relative paths in the file begin."""


def open_document(path: Path, env: Mapping[str, str] | None = None) -> Document:
    """:raises ConfigInvalid: it cannot be read or is not TOML."""
    source = read(path)
    values, faults = fill(source.values, os.environ if env is None else env)
    return Document(source, values, faults, Path(os.path.abspath(path)).parent)  # noqa: PTH100 - symlinks stay as named


def load_struct(path: Path, expected_type: type[T], *, env: Mapping[str, str] | None = None) -> T:
    """A TOML file as a struct, as pipeline files are read: for files that a plugin's option names.

    :param env: what `${NAME}` stands for; the process's environment by default.
    :raises ConfigInvalid: with every complaint at its line. Raised in an options struct's `__post_init__`, it joins the
        complaints about the pipeline file.
    """
    document = open_document(path, env)
    checked = check(document.values, expected_type, folder=document.folder)
    if faults := [*document.faults, *checked.faults]:
        raise ConfigInvalid(document.source.complaints(faults))
    made: T = checked.value
    return made
