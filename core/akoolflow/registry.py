"""Typed shelves: where plugins put their options struct and factory, and where names are looked up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from msgspec import Struct

from akoolflow.contracts import Brain, Transport
from akoolflow.errors import PluginBroken, PluginNameTaken

__all__ = ["Entry", "Kind", "Registry", "Shelf", "Stability"]

Kind: TypeAlias = Literal["transport", "brain", "sink"]
Stability: TypeAlias = Literal["stable", "beta", "alpha"]

C = TypeVar("C")
O = TypeVar("O", bound=Struct)  # noqa: E741 - reads as "options" beside C, "component"


class Entry(Struct, Generic[C], frozen=True, kw_only=True):
    """One plugin on its shelf."""

    name: str
    kind: Kind
    options: type[Struct]
    factory: Callable[[Any], C]
    stability: Stability = "stable"


class Shelf(Generic[C]):
    """All plugins of one kind, by name."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self._entries: dict[str, Entry[C]] = {}

    def add(self, name: str, options: type[O], factory: Callable[[O], C], *, stability: Stability = "stable") -> None:
        """Put a plugin on the shelf under the name that pipeline files use.

        :raises PluginNameTaken: the name is on this shelf already.
        :raises PluginBroken: `options` is not a frozen struct that forbids unknown fields.
        """
        if name in self._entries:
            raise PluginNameTaken(name, (f"{self._entries[name].factory!r}", f"{factory!r}"))
        config = options.__struct_config__
        if not (config.frozen and config.forbid_unknown_fields):
            hint = "declare it with `frozen=True, forbid_unknown_fields=True`"
            raise PluginBroken(name, f"its options struct {options.__name__} would let a misspelt key pass", hint)
        self._entries[name] = Entry(name=name, kind=self.kind, options=options, factory=factory, stability=stability)

    def get(self, name: str) -> Entry[C] | None:
        return self._entries.get(name)

    def __iter__(self) -> Iterator[Entry[C]]:
        return iter(self._entries.values())


class Registry:
    """The three shelves; one registry for each assembly, handed to every plugin's `akoolflow_register`."""

    def __init__(self) -> None:
        self.transports: Shelf[Transport] = Shelf("transport")
        self.brains: Shelf[Brain] = Shelf("brain")
        self.sinks: Shelf[object] = Shelf("sink")

    def shelf(self, kind: Kind) -> Shelf[Any]:
        shelves: dict[Kind, Shelf[Any]] = {"transport": self.transports, "brain": self.brains, "sink": self.sinks}
        return shelves[kind]
