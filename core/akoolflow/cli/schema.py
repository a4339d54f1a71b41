"""`akoolflow schema events|pipeline`: JSON Schema on standard output."""

from __future__ import annotations

import json
from typing import Any

import click

__all__ = ["schema"]


@click.command()
@click.argument("what", type=click.Choice(["events", "pipeline"]))
def schema(what: str) -> None:
    """Print the JSON Schema of pipeline files or of events.

    That of pipeline files has the options of every installed plugin, all of which are imported for it; editors
    complete and check with it.
    """
    document = _events() if what == "events" else _pipeline()
    click.echo(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))


def _events() -> dict[str, object]:
    from akoolflow.events import json_schema

    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "akoolflow event", **json_schema()}


def _pipeline() -> dict[str, object]:
    from akoolflow.errors import PluginError
    from akoolflow.pipeline_schema import pipeline_schema
    from akoolflow.plugins import Catalogue
    from akoolflow.registry import Entry

    catalogue = Catalogue()
    entries: list[Entry[Any]] = []
    for name in catalogue.claims:
        try:
            entries += catalogue.offers(name).values()
        except PluginError as error:
            click.echo(f"akoolflow: left out: {error}", err=True)
    return pipeline_schema(entries)
