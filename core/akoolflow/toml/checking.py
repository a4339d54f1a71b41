"""A document's values against a type: every fault at once.

msgspec would stop at the first fault; here the types that it describes are walked one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from itertools import repeat
from pathlib import Path
from typing import Any, Final, TypeAlias

from msgspec import Struct, inspect

from akoolflow.secret import Secret
from akoolflow.toml.faults import Fault, KeyPath, quoted
from akoolflow.toml.findings import BAD, Findings
from akoolflow.toml.interpolation import Filled, Unfilled
from akoolflow.toml.scalars import Unfit, fit
from akoolflow.toml.words import RawTable, expected

__all__ = ["REFUSALS", "Checked", "check"]

REFUSALS: Final = "refusals"
"""Key of a field's `Meta(extra=...)`: sentences for values that deserve a better answer than a list of the others."""


class Checked(Struct, frozen=True):
    value: Any
    """An instance of the type; None if there are faults."""
    faults: list[Fault]
    literal_secrets: list[KeyPath]
    """Secrets that are written out in the file."""


def check(value: Any, expected_type: Any, *, folder: Path, path: KeyPath = ()) -> Checked:
    """Make an `expected_type` of a filled value; relative paths in it begin at `folder`."""
    findings = Findings(folder)
    made = _check(value, _type_info(expected_type), path, findings)
    return Checked(None if made is BAD or findings.faults else made, findings.faults, findings.literal_secrets)


@cache
def _type_info(expected_type: Any) -> inspect.Type:
    # msgspec builds it anew at each call, which takes longer than a whole check.
    return inspect.type_info(expected_type)


def _check(value: Any, kind: inspect.Type, path: KeyPath, findings: Findings) -> Any:
    if isinstance(value, Unfilled):
        return BAD
    if isinstance(kind, inspect.Metadata):
        refusals: dict[str, str] = (kind.extra or {}).get(REFUSALS, {})
        if isinstance(value, str) and value in refusals:
            return findings.fault(path, refusals[value])
        return _check(value, kind.type, path, findings)
    shape, walk = _WALKS.get(type(kind), (object, _scalar))
    return walk(value, kind, path, findings) if isinstance(value, shape) else findings.misfit(path, value, kind)


def _scalar(value: Any, kind: inspect.Type, path: KeyPath, findings: Findings) -> Any:
    if _is(kind, RawTable):
        return value if isinstance(value, dict) else findings.misfit(path, value, kind)
    if _is(kind, Secret) and isinstance(value, str) and value:
        findings.literal_secrets.append(path)
    try:
        return fit(value, kind, findings.folder)
    except Unfit:
        return findings.misfit(path, value, kind)


def _struct(table: dict[str, Any], kind: inspect.StructType, path: KeyPath, findings: Findings) -> Any:
    fields = {field.encode_name: field for field in kind.fields}
    known = [*fields, kind.tag_field] if kind.tag_field else list(fields)
    if kind.forbid_unknown_fields:
        for key in (key for key in table if key not in known):
            findings.unknown_key((*path, key), known)
    if kind.tag_field in table:
        _check(table[kind.tag_field], inspect.LiteralType((kind.tag,)), (*path, kind.tag_field), findings)
    arguments: dict[str, Any] = {}
    for key, field in fields.items():
        if key in table:
            arguments[field.name] = _check(table[key], field.type, (*path, key), findings)
        elif field.required:
            arguments[field.name] = findings.missing((*path, key), field.type)
    if _bad(arguments.values()):
        return BAD
    try:
        return kind.cls(**arguments)
    except Exception as error:  # noqa: BLE001 - a struct's __post_init__ is a plugin's code
        return findings.rejected(path, error, table)


def _dict(table: dict[str, Any], kind: inspect.DictType, path: KeyPath, findings: Findings) -> Any:
    made: dict[Any, Any] = {}
    for name, item in table.items():
        where = (*path, name)
        try:
            key = fit(Filled(name, name, whole=True, parts=()), kind.key_type, findings.folder)
        except Unfit:
            message = f"found the key {quoted(name)}, expected {expected(kind.key_type)}"
            findings.fault(where, message, at="key")
            key = name
        made[key] = _check(item, kind.value_type, where, findings)
    return BAD if _bad(made.values()) else _sized(made, kind, path, findings)


def _array(
    array: list[Any], kind: inspect.CollectionType | inspect.TupleType, path: KeyPath, findings: Findings
) -> Any:
    if isinstance(kind, inspect.TupleType):
        kinds: Iterable[inspect.Type] = kind.item_types
        if len(array) != len(kind.item_types):
            return findings.fault(path, f"found {_items(len(array))}, expected {len(kind.item_types)}")
    else:
        kinds = repeat(kind.item_type)
    items = [_check(item, each, (*path, n), findings) for n, (item, each) in enumerate(zip(array, kinds, strict=False))]
    if _bad(items):
        return BAD
    try:
        made = _BUILD[type(kind)](items)
    except TypeError:  # a table in a set
        return findings.fault(path, "these items cannot be told apart, as this array needs")
    return made if isinstance(kind, inspect.TupleType) else _sized(made, kind, path, findings)


def _sized(made: Any, kind: Any, path: KeyPath, findings: Findings) -> Any:
    if len(made) < (kind.min_length or 0):
        return findings.fault(path, f"found {_items(len(made))}, expected at least {kind.min_length}")
    if kind.max_length is not None and len(made) > kind.max_length:
        return findings.fault(path, f"found {_items(len(made))}, expected at most {kind.max_length}")
    return made


def _union(value: Any, union: inspect.UnionType, path: KeyPath, findings: Findings) -> Any:
    members = [member for member in map(_bare, union.types) if not isinstance(member, inspect.NoneType)]
    tables = [member for member in members if isinstance(member, inspect.StructType)]
    if isinstance(value, dict) and len(tables) > 1:
        return _tagged(value, tables, path, findings)
    if isinstance(value, Filled):  # it stays a string where a string is allowed
        members.sort(key=lambda member: not isinstance(member, inspect.StrType))
    alike: list[Findings] = []
    for member in members:
        attempt = Findings(findings.folder)
        made = _check(value, member, path, attempt)
        if made is not BAD and not attempt.faults:
            findings.literal_secrets += attempt.literal_secrets
            return made
        if len(members) == 1 or _same_shape(value, member):
            alike.append(attempt)
    if len(alike) != 1:
        return findings.misfit(path, value, union)
    findings.faults += alike[0].faults
    return BAD


def _tagged(table: dict[str, Any], members: list[inspect.StructType], path: KeyPath, findings: Findings) -> Any:
    field = members[0].tag_field or "type"
    tags = inspect.LiteralType(tuple(member.tag for member in members))
    if field not in table:
        return findings.missing((*path, field), tags)
    tag = _check(table[field], tags, (*path, field), findings)
    return BAD if tag is BAD else _struct(table, next(m for m in members if m.tag == tag), path, findings)


def _bare(kind: inspect.Type) -> inspect.Type:
    return _bare(kind.type) if isinstance(kind, inspect.Metadata) else kind


def _same_shape(value: Any, kind: inspect.Type) -> bool:
    if isinstance(value, dict):
        return isinstance(kind, inspect.StructType | inspect.DictType)
    return isinstance(value, list) and type(kind) in _BUILD


def _items(count: int) -> str:
    return f"{count} item{'' if count == 1 else 's'}"


def _bad(values: Iterable[Any]) -> bool:
    return any(value is BAD for value in values)


def _is(kind: inspect.Type, cls: type) -> bool:
    return isinstance(kind, inspect.CustomType) and kind.cls is cls


_BUILD: Final[dict[type[inspect.Type], type]] = {
    inspect.ListType: list,
    inspect.VarTupleType: tuple,
    inspect.TupleType: tuple,
    inspect.SetType: set,
    inspect.FrozenSetType: frozenset,
}
_Walk: TypeAlias = Callable[[Any, Any, KeyPath, Findings], Any]
_WALKS: Final[dict[type[inspect.Type], tuple[type, _Walk]]] = {
    inspect.StructType: (dict, _struct),
    inspect.DictType: (dict, _dict),
    inspect.UnionType: (object, _union),
    **dict.fromkeys(_BUILD, (list, _array)),
}
