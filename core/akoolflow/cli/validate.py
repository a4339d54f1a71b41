"""`akoolflow validate FILE`: every complaint about a pipeline file, and nothing opened."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from akoolflow.cli.exits import Exit
from akoolflow.errors import Complaint, ConfigInvalid
from akoolflow.pipeline import Component, Pipeline, load

__all__ = ["validate"]


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
def validate(file: Path, *, as_json: bool) -> Exit:
    """Check a pipeline file; nothing is opened.

    Prints one line for each complaint, as FILE:LINE:COLUMN: KEY: what is wrong (what to try), and exits with 78 if
    there are any. Only the plugins that the file names are imported. Warnings are printed, and are no fault.
    """
    try:
        pipeline = load(file)
    except ConfigInvalid as error:
        return _report(error.complaints, as_json=as_json)
    if as_json:
        _print_json((), pipeline.warnings)
    else:
        click.echo(f"{file}: ok: {_summary(pipeline)}")
        for warning in pipeline.warnings:
            click.echo(f"{warning.file}:{warning.line}:{warning.column}: warning: {_text(warning)}", err=True)
    return Exit.OK


def _report(complaints: tuple[Complaint, ...], *, as_json: bool) -> Exit:
    if as_json:
        _print_json(complaints, ())
    else:
        for complaint in complaints:
            click.echo(str(complaint), err=True)
        click.echo(f"{len(complaints)} complaint{'' if len(complaints) == 1 else 's'}", err=True)
    return Exit.CONFIG


def _print_json(complaints: tuple[Complaint, ...], warnings: tuple[Complaint, ...]) -> None:
    report = {"ok": not complaints, "complaints": complaints, "warnings": warnings}
    click.echo(msgspec.json.format(msgspec.json.encode(report)).decode())


def _summary(pipeline: Pipeline) -> str:
    parts = (
        (f"service {pipeline.session.service}", ()),
        ("transport", (pipeline.transport,)),
        (f"brain{'s' if len(pipeline.brains) > 1 else ''}", pipeline.brains),
        (f"sink{'s' if len(pipeline.sinks) > 1 else ''}", pipeline.sinks),
    )
    return ", ".join(f"{word} {_names(components)}".strip() for word, components in parts if components or " " in word)


def _names(components: tuple[Component, ...]) -> str:
    return " + ".join(component.name for component in components)


def _text(complaint: Complaint) -> str:
    hint = f" ({complaint.hint})" if complaint.hint else ""
    return f"{complaint.key}: {complaint.message}{hint}"
