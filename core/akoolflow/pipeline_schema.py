"""JSON Schema of the pipeline file, with the options of every plugin that it is given."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from akoolflow.pipeline import ComponentHead, PipelineTable
from akoolflow.plugins import OWN_KEYS
from akoolflow.registry import Entry, Kind
from akoolflow.session_table import SessionTable
from akoolflow.simulator.options import SimulatorOptions
from akoolflow.toml.json_schema import Definitions, Schema

__all__ = ["pipeline_schema"]


def pipeline_schema(entries: Iterable[Entry[Any]]) -> Schema:
    """`use` tells the plugins' options apart; a plugin in a file of its own may have any."""
    definitions = Definitions()
    head = definitions.of(ComponentHead)
    shelves: dict[Kind, list[Schema]] = {"transport": [], "brain": [], "sink": []}
    for entry in entries:
        shelves[entry.kind].append(_component(entry, head, definitions))
    tables = {kind: {"anyOf": [*schemas, _elsewhere(head)]} for kind, schemas in shelves.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "akoolflow pipeline file",
        "type": "object",
        "properties": {
            "pipeline": definitions.ref(PipelineTable),
            "session": definitions.ref(SessionTable),
            "simulator": definitions.ref(SimulatorOptions),
            "transport": tables["transport"],
            "brain": {"type": "array", "items": tables["brain"]},
            "sink": {"type": "array", "items": tables["sink"]},
        },
        "additionalProperties": False,
        "$defs": definitions.schemas,
    }


def _component(entry: Entry[Any], head: Schema, definitions: Definitions) -> Schema:
    options = definitions.of(entry.options)
    own = {key: head["properties"][key] for key in OWN_KEYS}
    use = {"description": own["use"]["description"], "const": entry.name}
    return {
        **options,
        "title": entry.name,
        "properties": {**own, "use": use, **options["properties"]},
        "required": ["use", *options.get("required", ())],
    }


def _elsewhere(head: Schema) -> Schema:
    """A plugin that is not known by name: in a file beside the pipeline, or named by the environment."""
    return {
        "title": "a plugin beside the pipeline file",
        "type": "object",
        "properties": {**head["properties"], "use": {"type": "string", "pattern": r"\.py:|\$\{"}},
        "required": ["use"],
    }
