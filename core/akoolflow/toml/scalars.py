"""One TOML scalar as the Python value that an option's type asks for."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import inspect

from akoolflow.secret import Secret
from akoolflow.toml.interpolation import Filled, plain
from akoolflow.toml.words import choices

__all__ = ["Unfit", "fit"]


class Unfit(ValueError):
    """The value is not what the type takes; the caller knows what was found and asks `expected` for the rest."""


def fit(value: Any, kind: inspect.Type, folder: Path) -> Any:
    """The value for a field of this type. Text that is wholly from the environment may stand for a number or a boolean.

    :raises Unfit: it is none.
    """
    if isinstance(kind, inspect.AnyType) or (isinstance(kind, inspect.CustomType) and kind.cls is object):
        return plain(value)
    rule = _FITS.get(type(kind))
    if rule is not None:
        return rule(value, kind)
    if isinstance(kind, inspect.CustomType) and issubclass(kind.cls, PurePath):
        return folder / _text(value, bad="\0", least=1)
    if isinstance(kind, inspect.CustomType) and kind.cls is Secret:
        return Secret(_text(value))
    try:
        return msgspec.convert(plain(value), _CONVERTED.get(type(kind)) or getattr(kind, "cls", None))
    except (msgspec.ValidationError, TypeError) as error:
        raise Unfit from error


_CONVERTED: Final[dict[type[inspect.Type], type]] = {
    inspect.BytesType: bytes,
    inspect.DateTimeType: datetime,
    inspect.DateType: date,
    inspect.DecimalType: Decimal,
    inspect.TimeDeltaType: timedelta,
    inspect.TimeType: time,
    inspect.UUIDType: UUID,
}
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}


def _text(value: Any, *, bad: str = "", least: int = 0) -> str:
    text = plain(value)
    if not isinstance(text, str) or len(text) < least or (bad and bad in text):
        raise Unfit
    return text


def _string(value: Any, kind: inspect.StrType) -> str:
    text = _text(value, least=kind.min_length or 0)
    if kind.max_length is not None and len(text) > kind.max_length:
        raise Unfit
    if kind.pattern is not None and not re.search(kind.pattern, text):
        raise Unfit
    return text


def _boolean(value: Any, _: inspect.BoolType) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, Filled) and value.whole and value.text.lower() in _BOOLEANS:
        return _BOOLEANS[value.text.lower()]
    raise Unfit


def _integer(value: Any, kind: inspect.IntType) -> int:
    number = _number(value, int)
    if not isinstance(number, int) or not -(1 << 63) <= number < 1 << 63:
        raise Unfit
    return int(_within(number, kind))


def _float(value: Any, kind: inspect.FloatType) -> float:
    number = float(_number(value, float))
    if math.isnan(number):
        raise Unfit
    return float(_within(number, kind))


def _number(value: Any, parse: Callable[[str], float]) -> float:
    if isinstance(value, Filled) and value.whole:
        try:
            return parse(value.text)
        except ValueError:
            raise Unfit from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unfit
    return value


def _within(number: float, kind: inspect.IntType | inspect.FloatType) -> float:
    within = (
        (kind.gt is None or number > kind.gt)
        and (kind.ge is None or number >= kind.ge)
        and (kind.lt is None or number < kind.lt)
        and (kind.le is None or number <= kind.le)
        and (kind.multiple_of is None or number % kind.multiple_of == 0)
    )
    if not within:
        raise Unfit
    return number


def _choice(value: Any, kind: inspect.LiteralType | inspect.EnumType) -> Any:
    known: dict[tuple[type, Any], Any] = {(type(choice), choice): choice for choice in choices(kind)}
    given = plain(value)
    if isinstance(given, dict | list) or (type(given), given) not in known:
        number = int(given) if isinstance(value, Filled) and value.whole and given.isdecimal() else None
        if (int, number) not in known:
            raise Unfit
        given = number
    return kind.cls(given) if isinstance(kind, inspect.EnumType) else given


_FITS: Final[dict[type[inspect.Type], Callable[[Any, Any], Any]]] = {
    inspect.BoolType: _boolean,
    inspect.EnumType: _choice,
    inspect.FloatType: _float,
    inspect.IntType: _integer,
    inspect.LiteralType: _choice,
    inspect.StrType: _string,
}
