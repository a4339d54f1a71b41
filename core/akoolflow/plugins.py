"""Plugins found by their entry points, and imported only when asked for by name."""

from __future__ import annotations

import importlib
import re
import traceback
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from importlib import metadata
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Final

import pluggy
from msgspec import Struct, inspect

from akoolflow import hookspecs
from akoolflow.errors import PluginBroken, PluginError, PluginNameTaken, PluginNotFound
from akoolflow.registry import Entry, Kind, Registry

__all__ = ["GROUP", "OWN_KEYS", "Catalogue", "Claim", "blame", "offered_by", "readable"]

GROUP: Final = "akoolflow"
"""Of entry points: the name is what pipeline files `use`, the value a module with a hook `akoolflow_register`."""

OWN_KEYS: Final = ("use", "name", "required")
"""Keys of every component's table, which no plugin can have as options."""

_VALUE: Final = re.compile(r"[\w.]+\s*(:\s*[\w.]+\s*)?(\[.*\])?")
_KINDS: Final[tuple[Kind, ...]] = ("transport", "brain", "sink")


class Claim(Struct, frozen=True, eq=False):
    """One distribution's claim to a name; nothing of it is imported."""

    name: str
    module: str
    distribution: str
    version: str
    extras: frozenset[str]
    """Of the distribution: `pip install 'distribution[extra]'`."""
    entry_point: EntryPoint

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"


class Catalogue:
    """The plugins that are installed; each is imported at most once, and only if it is asked for."""

    def __init__(self, points: Iterable[EntryPoint] | None = None) -> None:
        """:param points: in place of the environment's own."""
        self._claims: dict[str, list[Claim]] = {}
        for point in entry_points(group=GROUP) if points is None else points:
            self._claims.setdefault(point.name, []).append(_claim(point))
        self._offers: dict[str, dict[Kind, Entry[Any]]] = {}

    @property
    def claims(self) -> Mapping[str, list[Claim]]:
        """Sorted by name; more than one to a name is a quarrel that only the user can end."""
        return dict(sorted(self._claims.items()))

    def entry(self, kind: Kind, name: str) -> Entry[Any]:
        """Import the plugin of this name and hand out what it offers as `kind`.

        :raises PluginNotFound: nothing of that name is installed, or it is of another kind.
        :raises PluginNameTaken: several distributions claim it.
        :raises PluginBroken: it cannot be imported or registered.
        """
        offered = self.offers(name, kind)
        if kind not in offered:
            other = " and ".join(f"a {each}" for each in offered)
            raise PluginNotFound(name, kind, f"{name} is {other}, not a {kind}")
        return offered[kind]

    def offers(self, name: str, sought: str = "plugin") -> Mapping[Kind, Entry[Any]]:
        """What the plugin of this name puts on the shelves under its own name; raises as `entry` does."""
        if name not in self._claims:
            near = get_close_matches(name[:64], self._claims, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"installed are {', '.join(self.claims) or 'none'}"
            raise PluginNotFound(name, sought, hint)
        if len(claims := self._claims[name]) > 1:
            raise PluginNameTaken(name, tuple(map(str, claims)))
        if name not in self._offers:
            self._offers[name] = _load(claims[0])
        return self._offers[name]


def offered_by(plugin: object, name: str) -> dict[Kind, Entry[Any]]:
    """Call the plugin's hook `akoolflow_register`, with shelves of its own so that it can take nobody's name.

    :raises PluginBroken: it has none, or the hook fails.
    """
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    registry = Registry()
    try:
        manager.register(plugin, name)
        manager.check_pending()
        manager.hook.akoolflow_register(registry=registry)
    except (PluginError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise PluginBroken(name, f"registering it failed: {blame(error)}") from error
    if not manager.hook.akoolflow_register.get_hookimpls():
        raise PluginBroken(name, "it has no hook", "write `@hookimpl def akoolflow_register(registry): ...` in it")
    offered = {kind: entry for kind in _KINDS if (entry := registry.shelf(kind).get(name))}
    if not offered:
        others = sorted(entry.name for kind in _KINDS for entry in registry.shelf(kind))
        what = f"it registers {', '.join(others)}" if others else "it puts nothing on a shelf"
        raise PluginBroken(name, f"{what}, not {name}", "the entry point's name has to be the shelf's")
    for entry in offered.values():
        readable(entry)
    return offered


def readable(entry: Entry[Any]) -> Entry[Any]:
    """The entry itself, if its options can be read from a component's table.

    :raises PluginBroken: they cannot.
    """
    try:
        fields = inspect.type_info(entry.options).fields  # type: ignore[attr-defined]
    except Exception as error:
        raise PluginBroken(entry.name, f"its options struct cannot be read: {blame(error)}") from error
    if taken := [field.encode_name for field in fields if field.encode_name in OWN_KEYS]:
        raise PluginBroken(entry.name, f"it has an option named {taken[0]}, a key of every component's table")
    return entry


def blame(error: BaseException) -> str:
    """Type, message and the line of the plugin where it happened; one line."""
    text = str(error)
    if isinstance(error, SyntaxError):
        text, place = error.msg, (error.filename, error.lineno)
    else:
        frames = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
        places = [
            frame for frame in frames if not frame[0].startswith("<") and Path(frame[0]).parent not in _NOT_THEIRS
        ]
        place = places[-1] if places else (None, None)
    where = f" (line {place[1]} of {Path(place[0]).name})" if place[0] and place[1] else ""
    return " ".join(f"{type(error).__name__}: {text}".split()).removesuffix(":") + where


def _load(claim: Claim) -> dict[Kind, Entry[Any]]:
    value = claim.entry_point.value
    if not _VALUE.fullmatch(value):
        reason = f"the entry point's value {value!r} names no module"
        raise PluginBroken(claim.name, reason, f"tell the authors of {claim.distribution}")
    try:
        plugin = claim.entry_point.load()
    except (PluginError, KeyboardInterrupt):
        raise
    except BaseException as error:
        reason = f"importing {claim.module} failed: {blame(error)}"
        raise PluginBroken(claim.name, reason, _cure(claim, error)) from error
    return offered_by(plugin, claim.name)


def _cure(claim: Claim, error: BaseException) -> str:
    """The extra that brings what is missing; guessing a package's name from its module's would be dangerous."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    if f"{claim.module}.".startswith(f"{error.name}."):
        return f"reinstall {claim.distribution}: its entry point names a module that is not there"
    extra = _normal(claim.name)
    return f"pip install '{claim.distribution}[{extra}]'" if extra in claim.extras else ""


def _claim(point: EntryPoint) -> Claim:
    about = getattr(point.dist, "metadata", None)
    return Claim(
        name=point.name,
        module=point.value.partition(":")[0].strip(),
        distribution=(about and about.get("Name")) or "?",
        version=(about and about.get("Version")) or "?",
        extras=frozenset(map(_normal, (about and about.get_all("Provides-Extra")) or ())),
        entry_point=point,
    )


def _normal(name: str) -> str:
    """As packaging tools compare names (PyPA, "Names and normalization")."""
    return re.sub(r"[-_.]+", "-", name).lower()


_NOT_THEIRS: Final = frozenset(
    Path(module.__file__ or "").parent for module in (importlib, metadata, pluggy, hookspecs)
)
