"""What a plugin's options are, for people: each with its type in TOML's words, its default and its docstring."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.inspect import CollectionType, DictType, Field, Metadata, StructType, Type, UnionType, type_info

from akoolflow.secret import masked
from akoolflow.toml.words import expected

__all__ = ["OptionDoc", "default_of", "field_docs", "option_docs"]


class OptionDoc(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One key of a component's table."""

    key: str
    """As in `rules[].reply` or `languages.*.rules`, where the table has tables."""
    type: str
    required: bool = False
    default: Any = None
    """As JSON has it, secrets masked; None if there is none, or if it means "left out"."""
    doc: str = ""

    @property
    def default_text(self) -> str:
        """As it would be written in the file; empty if leaving the key out cannot be written."""
        return _toml(self.default)


def option_docs(options: type[Struct]) -> tuple[OptionDoc, ...]:
    """The options of a struct and of the tables in it, in the order of their declaration."""
    return tuple(_options(type_info(options), "", ()))


def field_docs(struct: type) -> dict[str, str]:
    """The docstrings below the struct's fields, each in one line; those that can be read."""
    docs: dict[str, str] = {}
    for cls in reversed(struct.__mro__):
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
        except (OSError, TypeError, SyntaxError):  # no source, built in, or not to be cut out of its file
            continue
        body = tree.body[0].body if tree.body and isinstance(tree.body[0], ast.ClassDef) else []
        for statement, follower in pairwise(body):
            match statement, follower:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    docs[name] = " ".join(text.split())
    return docs


def default_of(field: Field) -> Any:
    """As JSON has it, secrets masked; None if there is none, or if it means "left out"."""
    value = field.default
    if value is NODEFAULT and field.default_factory is not NODEFAULT:
        value = field.default_factory()
    if value is NODEFAULT:
        return None
    return msgspec.to_builtins(value, enc_hook=masked, str_keys=True)


def _options(kind: Type, prefix: str, above: tuple[type, ...]) -> Iterator[OptionDoc]:
    if not isinstance(kind, StructType) or kind.cls in above:
        return
    docs = field_docs(kind.cls)
    for field in kind.fields:
        key = f"{prefix}{field.encode_name}"
        yield OptionDoc(
            key=key,
            type=expected(field.type),
            required=field.required,
            default=default_of(field),
            doc=docs.get(field.name, ""),
        )
        for suffix, table in _tables(field.type):
            yield from _options(table, f"{key}{suffix}.", (*above, kind.cls))


def _tables(kind: Type) -> Iterator[tuple[str, Type]]:
    """The struct types in a field's type, with how a key of theirs is reached."""
    if isinstance(kind, StructType):
        yield "", kind
    elif isinstance(kind, Metadata):
        yield from _tables(kind.type)
    elif isinstance(kind, UnionType):
        for member in kind.types:
            yield from _tables(member)
    elif isinstance(kind, CollectionType):
        yield from ((f"[]{suffix}", table) for suffix, table in _tables(kind.item_type))
    elif isinstance(kind, DictType):
        yield from ((f".*{suffix}", table) for suffix, table in _tables(kind.value_type))


def _toml(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple | set | frozenset):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        items = ", ".join(f"{key} = {_toml(item)}" for key, item in value.items() if item is not None)
        return f"{{ {items} }}" if items else "{}"
    return _TOML.get(repr(value)) or (json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value))


_TOML: Final = {"True": "true", "False": "false"}
