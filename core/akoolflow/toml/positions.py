"""Where each key and value of a TOML text stands: a walk over tree-sitter's concrete tree.

Offsets are in bytes of the UTF-8 text. The tree is there for broken text too, as far as it goes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Final

import tree_sitter_toml
from msgspec import Struct
from tree_sitter import Language, Node, Parser

from akoolflow.toml.faults import KeyPath

__all__ = ["MAX_DEPTH", "Layout", "Span"]

MAX_DEPTH: Final = 200
"""Deepest nesting of the tree. The standard library's parser recurses, and takes seconds for a key of 20,000 parts."""

_LANGUAGE: Final = Language(tree_sitter_toml.language())
_KEYS: Final = frozenset({"bare_key", "quoted_key", "dotted_key"})


class Span(Struct, frozen=True):
    """Byte offsets of one value and of the key that names it."""

    key: int
    start: int
    end: int


class Layout:
    """The tree of one text and what was read from it."""

    def __init__(self, data: bytes) -> None:
        self._root: Final = Parser(_LANGUAGE).parse(data).root_node
        self.too_deep: Final = _deeper_than(self._root, MAX_DEPTH)
        """Offset of what is nested beyond `MAX_DEPTH`; then `spans` is empty."""
        self.spans: Final[dict[KeyPath, Span]] = {}
        self._tables: dict[KeyPath, int] = {}
        if self.too_deep is None:
            self._document()

    def damaged_row(self, row: int, *, syntax: bool) -> bool:
        """True if the statement on this row is one whole row, so that the text goes on soundly without it.

        With `syntax`, it must also be a row that the tree itself calls broken.
        """
        statement = self._statement_at(row)
        if statement is None:
            return False
        ends_on_row = statement.end_point.row == row or (
            statement.end_point.row == row + 1 and statement.end_point.column == 0
        )
        return statement.start_point.row == row and ends_on_row and (statement.has_error or not syntax)

    def _statement_at(self, row: int) -> Node | None:
        nodes, smallest = [self._root], None
        while nodes:
            node = next((n for n in nodes if n.start_point.row <= row <= n.end_point.row and _touches(n, row)), None)
            if node is None:
                return smallest
            if node.type not in {"document", "table", "table_array_element"}:
                return node
            if node.start_point.row == row and node.type != "document":
                header = [child for child in node.children if child.end_point.row == row]
                return header[-1] if any(child.has_error for child in header) else None
            nodes, smallest = node.children, None
        return None

    def _document(self) -> None:
        for node in self._root.named_children:
            if node.type == "pair":
                self._pair((), node)
            elif node.type in {"table", "table_array_element"}:
                self._table(node)

    def _table(self, node: Node) -> None:
        key = next((child for child in node.named_children if child.type in _KEYS), None)
        if key is None:
            return
        path: KeyPath = ()
        *outer, (name, start) = _key_parts(key)
        for part, offset in outer:
            path = (*path, part)
            self.spans.setdefault(path, Span(offset, offset, offset))
            path = self._into_last_element(path)
        path = (*path, name)
        here = Span(start, start, key.end_byte)
        if node.type == "table_array_element":
            self._tables[path] = self._tables.get(path, -1) + 1
            self.spans.setdefault(path, here)
            path = self._into_last_element(path)
        self.spans[path] = here
        for child in node.named_children:
            if child.type == "pair":
                self._pair(path, child)

    def _into_last_element(self, path: KeyPath) -> KeyPath:
        return (*path, self._tables[path]) if path in self._tables else path

    def _pair(self, path: KeyPath, node: Node) -> None:
        named = [child for child in node.named_children if child.type not in {"comment", "ERROR"}]
        if len(named) != 2 or named[0].type not in _KEYS:
            return
        key, value = named
        parts = _key_parts(key)
        for name, start in parts[:-1]:
            path = (*path, name)
            self.spans.setdefault(path, Span(start, start, start))
        name, start = parts[-1]
        self._value((*path, name), start, value)

    def _value(self, path: KeyPath, key: int, node: Node) -> None:
        self.spans[path] = Span(key, node.start_byte, node.end_byte)
        children = (child for child in node.named_children if child.type not in {"comment", "ERROR"})
        if node.type == "array":
            for number, item in enumerate(children):
                self._value((*path, number), item.start_byte, item)
        elif node.type == "inline_table":
            for pair in children:
                self._pair(path, pair)


def _touches(node: Node, row: int) -> bool:
    return not (node.end_point.row == row and node.end_point.column == 0 and node.start_point.row < row)


def _key_parts(key: Node) -> list[tuple[str, int]]:
    """The names of a dotted key and where each begins."""
    return [(_key_name(leaf), leaf.start_byte) for leaf in _leaves(key)]


def _leaves(key: Node) -> Iterator[Node]:
    if key.type != "dotted_key":
        yield key
        return
    for child in key.named_children:
        if child.type in _KEYS:
            yield from _leaves(child)


def _key_name(leaf: Node) -> str:
    text = (leaf.text or b"").decode()
    if leaf.type == "bare_key":
        return text
    if "\\" not in text or text.startswith("'"):
        return text[1:-1]
    try:
        name = tomllib.loads(f"name = {text}")["name"]
    except tomllib.TOMLDecodeError:
        return text
    return str(name)


def _deeper_than(root: Node, limit: int) -> int | None:
    cursor, depth = root.walk(), 0
    while depth <= limit:
        if cursor.goto_first_child():
            depth += 1
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return None
            depth -= 1
    return cursor.node.start_byte if cursor.node else 0
