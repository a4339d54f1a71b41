"""What a plugin's source says about it, read without importing it: its kind and its stability."""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from importlib.abc import InspectLoader
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

__all__ = ["UNKNOWN", "Declaration", "read_declaration"]

UNKNOWN: Final = "?"
_KINDS: Final = {"transports": "transport", "brains": "brain", "sinks": "sink"}


class Declaration(Struct, frozen=True):
    """As the call `registry.<shelf>.add(...)` has it; `UNKNOWN` where that is not plain to see."""

    kind: str = UNKNOWN
    stability: str = UNKNOWN


def read_declaration(module: str, name: str) -> Declaration:
    """How the module puts `name` on a shelf. Nothing of it is run, nor of the packages that it is in."""
    try:
        source = _source(module)
        calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    except (ImportError, OSError, SyntaxError, ValueError, RecursionError, MemoryError):  # the last two: deep nesting
        return Declaration()
    adds = [call for call in calls if _shelf(call)]
    named = [call for call in adds if _constant(_argument(call, 0, "name")) == name]
    if not named and len(adds) == 1 and not isinstance(_argument(adds[0], 0, "name"), ast.Constant):
        named = adds  # the name is in a variable; with one call there is no doubt whose it is
    if not named:
        return Declaration()
    stability = _argument(named[0], None, "stability")
    word = "stable" if stability is None else _constant(stability)
    kinds = sorted({_KINDS[_shelf(call)] for call in named})
    return Declaration(kind="+".join(kinds), stability=word if isinstance(word, str) else UNKNOWN)


def _source(module: str) -> str:
    """Walks the dotted path with the finders themselves: `importlib.util.find_spec` would import the packages."""
    path: Sequence[str] | None = None
    *packages, _ = parts = module.split(".")
    for number, part in enumerate(packages, 1):
        path = _folders(".".join(parts[:number]), part, path)
    spec = _find(module, path)
    if spec is None or not isinstance(spec.loader, InspectLoader):
        raise ImportError(module)
    return spec.loader.get_source(module) or ""


def _folders(package: str, part: str, path: Sequence[str] | None) -> list[str]:
    """Where the modules of a package are, of which `part` is the last name and `path` where it is itself."""
    try:
        spec = _find(package, path)
        if spec is None or spec.submodule_search_locations is None:
            raise ImportError(package)
        return list(spec.submodule_search_locations)
    except KeyError:  # a namespace package inside another one looks its parent up among the imported modules
        return [str(Path(folder) / part) for folder in path or () if (Path(folder) / part).is_dir()]


def _find(name: str, path: Sequence[str] | None) -> ModuleSpec | None:
    for finder in sys.meta_path:
        if (spec := finder.find_spec(name, path)) is not None:
            return spec
    return None


def _shelf(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr="add", value=ast.Attribute(attr=shelf)) if shelf in _KINDS:
            return shelf
    return ""


def _argument(call: ast.Call, position: int | None, name: str) -> ast.expr | None:
    if position is not None and position < len(call.args):
        return call.args[position]
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def _constant(node: ast.expr | None) -> Any:
    return node.value if isinstance(node, ast.Constant) else None
