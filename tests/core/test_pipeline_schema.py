from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from msgspec import Struct

from akoolflow.pipeline_schema import pipeline_schema
from akoolflow.registry import Entry, Kind


class ParrotOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Says it again."""

    loud: bool = False
    model: str


def _entry(kind: Kind, name: str) -> Entry[Any]:
    return Entry(name=name, kind=kind, options=ParrotOptions, factory=print)


SCHEMA = pipeline_schema([_entry("brain", "parrot"), _entry("brain", "crow"), _entry("sink", "log")])


def test_it_is_valid_json_schema_and_valid_json() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    json.dumps(SCHEMA, allow_nan=False)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"pipeline": {"name": "x"}, "session": {"duration": 600, "mode_type": "${M}"}, "simulator": {"speed": 2}},
        {"brain": [{"use": "parrot", "model": "x", "loud": True, "name": "a", "required": True}]},
        {"brain": [{"use": "./mine.py:Mine", "anything": 1}]},
        {"brain": [{"use": "${BRAIN:-parrot}", "anything": 1}]},
        {"transport": {"use": "./mine.py:Mine"}},
    ],
)
def test_a_sound_file_is_valid(document: dict[str, Any]) -> None:
    assert jsonschema.Draft202012Validator(SCHEMA).is_valid(document)


@pytest.mark.parametrize(
    "document",
    [
        {"brains": []},
        {"brain": {"use": "parrot"}},
        {"brain": [{"use": "parrot"}]},
        {"brain": [{"use": "parrot", "model": "x", "luod": True}]},
        {"brain": [{"use": "log", "model": "x"}]},
        {"brain": [{"model": "x"}]},
        {"session": {"duration": 7200}},
        {"session": {"service": "akool"}},
    ],
)
def test_a_faulty_file_is_not_valid(document: dict[str, Any]) -> None:
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(document)
