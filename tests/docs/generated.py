"""The pages of the reference that are made from the code. `python tests/docs/generated.py` writes them anew."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec import Struct

from akoolflow import errors, events, hookspecs, turns
from akoolflow.cli import COMMANDS, cli
from akoolflow.cli.exits import Exit
from akoolflow.pipeline import ComponentHead, PipelineTable
from akoolflow.plugins import Catalogue
from akoolflow.session_table import SessionTable
from akoolflow.simulator.options import SimulatorOptions
from akoolflow.toml.option_docs import field_docs, option_docs

DOCS = Path(__file__).parents[2] / "docs"
NOTE = "<!-- Made from the code by tests/docs/generated.py; change it there. -->\n"


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |\n" for line in lines)


def one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def own_doc(struct: type[Struct]) -> str:
    return one_line(vars(struct).get("__doc__"))


def events_page() -> str:
    parts = [f"{NOTE}# Events\n\n{inspect.getdoc(events)}\n\nEvery event carries:\n\n"]
    stamps = {field.name for field in msgspec.structs.fields(events.Event)}
    parts.append(table(("field", "type", "meaning"), list(_fields(events.Event, set()))))
    for event_type in events.EVENT_TYPES:
        hook = events.hook_name(event_type)
        parts.append(f"\n## {event_type.__name__}\n\n{inspect.getdoc(event_type)}\nHook: `{hook}(event, session)`.\n\n")
        parts.append(table(("field", "type", "meaning"), list(_fields(event_type, stamps))))
    for struct in (events.TurnText, events.TurnTimes):
        parts.append(f"\n## {struct.__name__}\n\n{inspect.getdoc(struct)}\n\n")
        parts.append(table(("field", "type", "meaning"), list(_fields(struct, set()))))
    return "".join(parts)


def _fields(struct: type[Struct], without: set[str]) -> Iterator[tuple[str, ...]]:
    annotations = {name: text for cls in struct.__mro__ for name, text in vars(cls).get("__annotations__", {}).items()}
    docs = field_docs(struct)
    for field in msgspec.structs.fields(struct):
        if field.name not in without:
            yield f"`{field.name}`", f"`{annotations[field.name]}`", docs.get(field.name, "")


def hooks_page() -> str:
    parts = [f"{NOTE}# Hooks\n\n{inspect.getdoc(hookspecs)}\n\n"]
    functions = [item for name, item in vars(hookspecs).items() if name.startswith(("on_", "akoolflow_"))]
    rows = [
        (f"`{f.__name__}({', '.join(inspect.signature(f).parameters)})`", one_line(inspect.getdoc(f)))
        for f in functions
    ]
    return "".join([*parts, table(("hook", "when"), rows)])


def pipeline_page() -> str:
    parts = [f"{NOTE}# The pipeline file\n\n"]
    parts.append(
        "A TOML file of these tables; every one of them may be left out.\n"
        "`${NAME}` in a string stands for that environment variable, `${NAME:-text}` gives a text for when it is not"
        " set, and `$${` is a plain `${`.\n"
        "Relative paths begin at the file's own folder.\n"
        "`akoolflow validate FILE` checks a file, `akoolflow schema pipeline` prints its JSON Schema for editors.\n"
    )
    sections: dict[str, type[Struct]] = {
        "[pipeline]": PipelineTable,
        "[session]": SessionTable,
        "[transport], [[brain]] and [[sink]]": ComponentHead,
        "[simulator]": SimulatorOptions,
    }
    for title, struct in sections.items():
        parts.append(f"\n## {title}\n\n{own_doc(struct)}\n\n{_options(struct)}")
    return "".join(parts)


def options_page() -> str:
    parts = [f"{NOTE}# Options of the plugins that come with akoolflow\n\n"]
    parts.append("The same as `akoolflow plugins NAME` prints.\n")
    catalogue = Catalogue()
    for name in sorted(catalogue.claims):
        if any(claim.distribution == "akoolflow" for claim in catalogue.claims[name]):
            for kind, entry in catalogue.offers(name).items():
                doc = own_doc(entry.options)
                doc = f"{doc}\n\n" if doc else ""
                parts.append(f"\n## {name} ({kind}, {entry.stability})\n\n{doc}{_options(entry.options)}")
    return "".join(parts)


def _options(struct: type[Struct]) -> str:
    rows = [
        (f"`{o.key}`", o.type, "required" if o.required else f"`{o.default_text}`" if o.default_text else "", o.doc)
        for o in option_docs(struct)
    ]
    return table(("key", "type", "default", "meaning"), rows) if rows else "It has no options.\n"


def command_line_page() -> str:
    parts = [f"{NOTE}# The command line\n\n```text\n{_help(cli)}```\n"]
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        parts.append(f"\n## akoolflow {name}\n\n```text\n{_help(command, name)}```\n")
    rows = [(str(code.value), code.name, field_docs_of(Exit).get(code.name, "")) for code in Exit]
    parts.append(f"\n## Exit codes\n\n{table(('code', 'name', 'meaning'), rows)}")
    return "".join(parts)


def field_docs_of(enum: type[Any]) -> dict[str, str]:
    body = next(node for node in ast.parse(inspect.getsource(enum)).body if isinstance(node, ast.ClassDef)).body
    docs: dict[str, str] = {}
    for statement, follower in pairwise(body):
        match statement, follower:
            case ast.Assign(targets=[ast.Name(id=name)]), ast.Expr(value=ast.Constant(value=str(text))):
                docs[name] = one_line(text)
    return docs


def _help(command: click.Command, name: str = "") -> str:
    settings = cli.context_settings  # as a subcommand inherits them
    context = click.Context(
        command, info_name=f"akoolflow {name}".strip(), max_content_width=100, terminal_width=100, **settings
    )
    return command.get_help(context) + "\n"


def errors_page() -> str:
    return f"{NOTE}# Errors\n\n```text\n{inspect.getdoc(errors)}\n```\n"


def turns_page() -> str:
    return (
        f"{NOTE}# The states of a turn\n\n"
        "Rows are states, columns are what can happen; an empty cell leaves the turn as it is.\n\n"
        f"{turns.table()}\n"
    )


PAGES: dict[str, Callable[[], str]] = {
    "reference/events.md": events_page,
    "reference/hooks.md": hooks_page,
    "reference/pipeline-file.md": pipeline_page,
    "reference/plugin-options.md": options_page,
    "reference/command-line.md": command_line_page,
    "reference/errors.md": errors_page,
    "reference/turn-states.md": turns_page,
}

if __name__ == "__main__":
    for path, make in PAGES.items():
        (DOCS / path).write_text(make(), encoding="utf-8")
