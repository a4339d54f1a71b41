"""An option's type in TOML's words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath
from typing import Any, Final

from msgspec import inspect

from akoolflow.toml.faults import quoted

__all__ = ["RawTable", "choices", "expected"]


class RawTable:
    """As a field's type: a table that is left as it is, for a second look."""


def expected(kind: inspect.Type) -> str:
    """`an integer from 1 to 3600`, `an array of strings`, `one of "a", "b"`."""
    return _WORDS[type(kind)](kind) if type(kind) in _WORDS else "a string"


def choices(kind: inspect.Type) -> tuple[Any, ...]:
    """The values of a Literal or an Enum; nothing for any other type."""
    if isinstance(kind, inspect.LiteralType):
        return tuple(value for value in kind.values if value is not None)
    return tuple(member.value for member in kind.cls) if isinstance(kind, inspect.EnumType) else ()


def _choice(kind: inspect.Type) -> str:
    shown = [quoted(value) if isinstance(value, str) else str(value) for value in choices(kind)]
    return shown[0] if len(shown) == 1 else f"one of {', '.join(shown)}"


def _union(kind: inspect.UnionType) -> str:
    members = [expected(member) for member in kind.types if not isinstance(member, inspect.NoneType)]
    return " or ".join(dict.fromkeys(members))


def _array(kind: inspect.CollectionType) -> str:
    item = kind.item_type
    while isinstance(item, inspect.Metadata):
        item = item.type
    items = _PLURALS.get(type(item), "")
    return ("an array" + (f" of {items}" if items else "")) + (" that is not empty" if kind.min_length else "")


def _number(kind: inspect.IntType | inspect.FloatType) -> str:
    word = "an integer" if isinstance(kind, inspect.IntType) else "a number"
    if kind.ge is not None and kind.le is not None:
        return f"{word} from {_figure(kind.ge)} to {_figure(kind.le)}"
    bounds = {"above": kind.gt, "at least": kind.ge, "below": kind.lt, "at most": kind.le}
    limits = [f"{name} {_figure(bound)}" for name, bound in bounds.items() if bound is not None]
    if limits and limits[0].startswith("at "):
        limits[0] = f"of {limits[0]}"
    if kind.multiple_of is not None:
        limits.append(f"that is a multiple of {_figure(kind.multiple_of)}")
    return " ".join((word, " and ".join(limits))).strip()


def _string(kind: inspect.StrType) -> str:
    limits, least, most = [], kind.min_length or 0, kind.max_length
    if least and most is not None:
        limits.append(f"of {least} to {most} characters")
    elif most is not None:
        limits.append(f"of at most {most} characters")
    elif least:
        limits.append("that is not empty" if least == 1 else f"of at least {least} characters")
    if kind.pattern is not None:
        limits.append(f"that matches {kind.pattern}")
    return " ".join(("a string", " and ".join(limits))).strip()


def _custom(kind: inspect.CustomType) -> str:
    return "a path (a string)" if issubclass(kind.cls, PurePath) else _CUSTOM.get(kind.cls, "a string")


def _figure(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)


_CUSTOM: Final[dict[type, str]] = {RawTable: "a table", object: "any value"}
_PLURALS: Final[dict[type[inspect.Type], str]] = {
    inspect.StrType: "strings",
    inspect.IntType: "integers",
    inspect.FloatType: "numbers",
    inspect.BoolType: "booleans",
    inspect.StructType: "tables",
    inspect.DictType: "tables",
    inspect.ListType: "arrays",
    inspect.VarTupleType: "arrays",
}
_WORDS: Final[dict[type[inspect.Type], Callable[[Any], str]]] = {
    inspect.AnyType: lambda _: "any value",
    inspect.BoolType: lambda _: "true or false",
    inspect.BytesType: lambda _: "base64 in quotes",
    inspect.CustomType: _custom,
    inspect.DataclassType: lambda _: "a table",
    inspect.DateTimeType: lambda _: "a date-time",
    inspect.DateType: lambda _: "a date",
    inspect.DecimalType: lambda _: "a decimal number in quotes",
    inspect.DictType: lambda _: "a table",
    inspect.EnumType: _choice,
    inspect.FloatType: _number,
    inspect.FrozenSetType: _array,
    inspect.IntType: _number,
    inspect.ListType: _array,
    inspect.LiteralType: _choice,
    inspect.Metadata: lambda kind: expected(kind.type),
    inspect.SetType: _array,
    inspect.StrType: _string,
    inspect.StructType: lambda _: "a table",
    inspect.TimeDeltaType: lambda _: 'a duration such as "PT1M30S"',
    inspect.TimeType: lambda _: "a time",
    inspect.TupleType: lambda kind: f"an array of {len(kind.item_types)} items",
    inspect.TypedDictType: lambda _: "a table",
    inspect.UnionType: _union,
    inspect.UUIDType: lambda _: "a UUID in quotes",
    inspect.VarTupleType: _array,
}
