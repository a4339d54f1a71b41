"""One-file plugins: `use = "./my_brain.py:MyBrain"`, a class in a file beside the pipeline file.

The class needs no entry point and no hook. Its attribute `Options`, if it has one, is the struct of its options.
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from msgspec import Struct

from akoolflow.errors import PluginBroken, PluginError, PluginNotFound
from akoolflow.plugins import blame, readable
from akoolflow.registry import Entry, Kind, Registry

__all__ = ["FilePlugins", "is_file"]

_USE: Final = re.compile(r"(?P<file>.+\.py):(?P<name>[^\W\d]\w*)", re.DOTALL)
_METHODS: Final[dict[Kind, str]] = {"transport": "open", "brain": "respond"}


class NoOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """Of a class without an attribute `Options`."""


def is_file(use: str) -> bool:
    """Whether `use` names a file and not an installed plugin."""
    return "/" in use or ":" in use or use.endswith(".py")


class FilePlugins:
    """The plugin files beside one pipeline file; each is run once, however many of its classes are used."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._modules: dict[Path, ModuleType] = {}

    def entry(self, kind: Kind, use: str) -> Entry[Any]:
        """Run the file and hand out its class as a plugin.

        :raises PluginNotFound: no such file, or nothing of that name in it.
        :raises PluginBroken: the file fails, or what it has cannot be used as `kind`.
        """
        match = _USE.fullmatch(use)
        if match is None:
            raise PluginNotFound(use, kind, 'write a plugin beside the pipeline file as "./file.py:Class"')
        path, name = self._folder / match["file"], match["name"]
        if not _is_regular_file(path):
            raise PluginNotFound(use, kind, f"there is no file {match['file']} beside the pipeline file")
        if path not in self._modules:
            self._modules[path] = _run(path, use)
        module = self._modules[path]
        target = getattr(module, name, None)
        if target is None:
            own = [key for key, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
            raise PluginNotFound(use, kind, f"{path.name} has no {name}" + (f", but {', '.join(own)}" if own else ""))
        return _entry(kind, use, target)


def _entry(kind: Kind, use: str, target: Any) -> Entry[Any]:
    method = _METHODS.get(kind)
    if not callable(target):
        raise PluginBroken(use, f"found {type(target).__name__}, expected a class or a function that makes a {kind}")
    if method and isinstance(target, type) and not callable(getattr(target, method, None)):
        raise PluginBroken(use, f"it has no method `{method}`, which makes a {kind}")
    options = getattr(target, "Options", None)
    shelf = Registry().shelf(kind)
    try:
        if options is None:
            shelf.add(use, NoOptions, lambda _: target())
        else:
            shelf.add(use, options, target)
    except PluginError:
        raise
    except Exception as error:
        raise PluginBroken(use, "its attribute `Options` is no msgspec struct") from error
    entry: Entry[Any] | None = shelf.get(use)
    assert entry is not None  # noqa: S101 - just put there
    return readable(entry)


def _run(path: Path, use: str) -> ModuleType:
    """Not by importlib's loader: that would leave a __pycache__ beside the user's pipeline file, and might read one."""
    name = f"akoolflow_file_{hashlib.sha256(bytes(path)).hexdigest()[:16]}_{path.stem}"
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # msgspec and pickle look annotations and classes up there
    try:
        exec(compile(path.read_bytes(), str(path), "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - a plugin
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, KeyboardInterrupt):
            raise
        raise PluginBroken(use, f"running {path.name} failed: {blame(error)}") from error
    return module


def _is_regular_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a NUL in the name, or too long a name
        return False
