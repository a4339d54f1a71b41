from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from msgspec import Meta, Struct

from akoolflow.secret import Secret
from akoolflow.toml.json_schema import Definitions


class Tree(Struct, frozen=True, forbid_unknown_fields=True):
    """A tree."""

    name: str
    children: tuple[Tree, ...] = ()


class Circle(Struct, frozen=True, tag="circle"):
    radius: float


class Square(Struct, frozen=True, tag="square"):
    side: float


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    number: Annotated[float, Meta(gt=0, le=5)] = 1.0
    """How many."""
    limit: float = float("inf")
    flag: bool = False
    mode: Literal["fast", "slow"] = "fast"
    path: Path = Path("a")
    key: Secret | None = None
    tree: Tree | None = None
    shape: Circle | Square | None = None
    names: Annotated[tuple[str, ...], Meta(min_length=1)] = ("a",)
    pair: tuple[str, int] = ("", 0)
    by_name: dict[str, int] = {}
    one_or_more: str | list[str] = ""


def schema() -> dict[str, Any]:
    definitions = Definitions()
    return {**definitions.ref(Options), "$defs": definitions.schemas}


def valid(table: dict[str, Any]) -> bool:
    return jsonschema.Draft202012Validator(schema()).is_valid(table)


def test_it_is_valid_json_schema_and_valid_json() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    json.dumps(schema(), allow_nan=False)


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"number": 5},
        {"number": "${N}"},
        {"flag": "${F:-true}"},
        {"mode": "${M}"},
        {"path": "x", "key": "${K}"},
        {"tree": {"name": "a", "children": [{"name": "b"}]}},
        {"shape": {"type": "circle", "radius": 1}},
        {"names": ["a"], "pair": ["a", 1], "by_name": {"a": 1}, "one_or_more": ["a"]},
    ],
)
def test_what_the_loader_takes_is_valid(table: dict[str, Any]) -> None:
    assert valid(table)


@pytest.mark.parametrize(
    "table",
    [
        {"nubmer": 1},
        {"number": 0},
        {"number": "5"},
        {"number": "x${N}"},
        {"flag": None},
        {"mode": "other"},
        {"tree": {"name": "a", "children": [{"nmae": "b"}]}},
        {"shape": {"type": "oval"}},
        {"names": []},
        {"pair": ["a"]},
    ],
)
def test_what_the_loader_refuses_is_not_valid(table: dict[str, Any]) -> None:
    assert not valid(table)


def test_descriptions_and_defaults_are_there_for_editors() -> None:
    number = schema()["$defs"]["Options"]["properties"]["number"]
    assert (number["description"], number["default"]) == ("How many.", 1.0)


def test_two_structs_of_one_name_have_a_definition_each() -> None:
    definitions = Definitions()
    refs = [definitions.ref(each) for each in (Tree, _other_tree())]
    assert refs[0] != refs[1]
    assert definitions.ref(Tree) == refs[0]


def _other_tree() -> type[Struct]:
    class Tree(Struct, frozen=True):
        leaves: int

    return Tree
