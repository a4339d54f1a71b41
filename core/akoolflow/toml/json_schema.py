"""JSON Schema (2020-12) of option structs, for editors that complete and check TOML.

msgspec's own generator describes JSON: it allows null, which TOML has not, knows nothing of `${NAME}`, and stops at a
default that is a path.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import PurePath
from typing import Any, Final, TypeAlias

from msgspec import Struct
from msgspec.inspect import (
    AnyType,
    BoolType,
    CollectionType,
    CustomType,
    DictType,
    EnumType,
    Field,
    FloatType,
    FrozenSetType,
    IntType,
    ListType,
    LiteralType,
    Metadata,
    NoneType,
    SetType,
    StrType,
    StructType,
    TupleType,
    Type,
    UnionType,
    VarTupleType,
    type_info,
)

from akoolflow.secret import Secret
from akoolflow.toml.option_docs import default_of, field_docs
from akoolflow.toml.words import RawTable, choices

__all__ = ["REFERENCE", "Definitions", "Schema"]

Schema: TypeAlias = dict[str, Any]

REFERENCE: Final[Schema] = {"type": "string", "pattern": r"^\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}$"}
"""`${NAME}`, which may stand for a number or a boolean."""
_BOUNDS: Final = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}


class Definitions:
    """The schemas of struct types, each once, under a name of its own in `$defs`."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {"reference": REFERENCE}
        self._names: dict[type, str] = {}

    def of(self, struct: type[Struct]) -> Schema:
        """The schema of a struct itself, for a caller that puts it together with others."""
        return self._table(type_info(struct))

    def ref(self, struct: type[Struct]) -> Schema:
        return self._ref(type_info(struct))

    def _ref(self, kind: Any) -> Schema:
        if kind.cls not in self._names:
            name = next(n for n in _names(kind.cls) if n not in self.schemas)
            self._names[kind.cls] = name
            self.schemas[name] = {}  # the name is taken before its fields are looked at: a struct may hold itself
            self.schemas[name] = self._table(kind)
        return {"$ref": f"#/$defs/{self._names[kind.cls]}"}

    def _table(self, kind: Any) -> Schema:
        docs = field_docs(kind.cls)
        tag = {kind.tag_field: {"const": kind.tag}} if kind.tag_field else {}
        schema: Schema = {
            "type": "object",
            "properties": tag | {f.encode_name: self._field(f, docs.get(f.name, "")) for f in kind.fields},
        }
        if required := [field.encode_name for field in kind.fields if field.required]:
            schema["required"] = required
        if kind.forbid_unknown_fields:
            schema["additionalProperties"] = False
        if doc := " ".join((kind.cls.__doc__ or "").split()):
            schema["description"] = doc
        return schema

    def _field(self, field: Field, doc: str) -> Schema:
        schema = self.node(field.type)
        if doc:
            schema = {"description": doc, **schema}
        default = default_of(field)
        return schema if default is None or not _is_json(default) else {**schema, "default": default}

    def node(self, kind: Type) -> Schema:
        """The schema of any type that a field can have."""
        if isinstance(kind, Metadata):
            return {**self.node(kind.type), **(kind.extra_json_schema or {})}
        if isinstance(kind, StructType):
            return self._ref(kind)
        write = _NODES.get(type(kind))
        return write(kind, self) if write else {}


def _union(kind: UnionType, definitions: Definitions) -> Schema:
    members = [definitions.node(member) for member in kind.types if not isinstance(member, NoneType)]
    return members[0] if len(members) == 1 else {"anyOf": members}


def _array(kind: CollectionType, definitions: Definitions) -> Schema:
    limits = {"minItems": kind.min_length, "maxItems": kind.max_length}
    return {"type": "array", "items": definitions.node(kind.item_type), **_given(limits)}


def _tuple(kind: TupleType, definitions: Definitions) -> Schema:
    items = [definitions.node(item) for item in kind.item_types]
    return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}


def _dict(kind: DictType, definitions: Definitions) -> Schema:
    limits = {"minProperties": kind.min_length, "maxProperties": kind.max_length}
    return {"type": "object", "additionalProperties": definitions.node(kind.value_type), **_given(limits)}


def _number(kind: IntType | FloatType, _definitions: Definitions) -> Schema:
    bounds = {word: getattr(kind, name) for name, word in _BOUNDS.items()} | {"multipleOf": kind.multiple_of}
    return _or_reference({"type": "integer" if isinstance(kind, IntType) else "number", **_given(bounds)})


def _string(kind: StrType, _definitions: Definitions) -> Schema:
    limits = {"minLength": kind.min_length, "maxLength": kind.max_length, "pattern": kind.pattern}
    schema = {"type": "string", **_given(limits)}
    return schema if kind.pattern is None and kind.max_length is None else _or_reference(schema)


def _choice(kind: LiteralType | EnumType, _definitions: Definitions) -> Schema:
    return _or_reference({"enum": list(choices(kind))})


def _boolean(_kind: BoolType, _definitions: Definitions) -> Schema:
    return _or_reference({"type": "boolean"})


def _custom(kind: CustomType, _definitions: Definitions) -> Schema:
    if issubclass(kind.cls, PurePath | Secret):
        return {"type": "string"}
    return {"type": "object"} if kind.cls is RawTable else {}


def _or_reference(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"$ref": "#/$defs/reference"}]}


def _names(cls: type) -> list[str]:
    long = f"{cls.__module__}.{cls.__qualname__}"
    return [cls.__name__, long, *(f"{long}-{n}" for n in range(2, 100))]


def _given(limits: Schema) -> Schema:
    return {word: limit for word, limit in limits.items() if limit is not None}


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


_NODES: Final[dict[type[Type], Callable[[Any, Definitions], Schema]]] = {
    AnyType: lambda _, __: {},
    BoolType: _boolean,
    CustomType: _custom,
    DictType: _dict,
    EnumType: _choice,
    FloatType: _number,
    FrozenSetType: _array,
    IntType: _number,
    ListType: _array,
    LiteralType: _choice,
    SetType: _array,
    StrType: _string,
    TupleType: _tuple,
    UnionType: _union,
    VarTupleType: _array,
}
