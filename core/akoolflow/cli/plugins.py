"""`akoolflow plugins [NAME...]`: what is installed, without importing it; and the options of those that are named."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

import click
import msgspec
from msgspec import Struct

from akoolflow.cli.exits import Exit
from akoolflow.errors import PluginError
from akoolflow.plugin_source import UNKNOWN, read_declaration
from akoolflow.plugins import Catalogue, Claim
from akoolflow.toml.option_docs import OptionDoc, option_docs

__all__ = ["plugins"]

_COLUMNS = ("name", "kind", "version", "distribution", "stability")
_WIDTH = 100


class Listed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One installed plugin, as its metadata and its source have it."""

    name: str
    kind: str
    version: str
    distribution: str
    stability: str
    module: str
    problem: str = ""


class Shown(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One plugin that was imported."""

    name: str
    kind: str = UNKNOWN
    version: str = UNKNOWN
    distribution: str = UNKNOWN
    stability: str = UNKNOWN
    doc: str = ""
    options: tuple[OptionDoc, ...] = ()
    problem: str = ""


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array on standard output.")
def plugins(names: tuple[str, ...], *, as_json: bool) -> Exit:
    """List the installed plugins, or show the options of some.

    The list is made without importing any of them: a question mark stands for what their source does not plainly say.
    With names, those plugins are imported; the exit code is 1 if one of them cannot be used.
    """
    catalogue = Catalogue()
    if names:
        shown = [page for name in names for page in _shown(catalogue, name)]
        _print(shown, _pages(shown), as_json=as_json)
        return Exit.FAILED if any(page.problem for page in shown) else Exit.OK
    listed = list(_listed(catalogue))
    _print(listed, _table(listed), as_json=as_json)
    return Exit.OK


def _print(found: Sequence[Listed | Shown], lines: Iterable[str], *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
        return
    for line in lines:
        click.echo(line)


def _listed(catalogue: Catalogue) -> Iterable[Listed]:
    for claims in catalogue.claims.values():
        for claim in claims:
            others = " and ".join(str(other) for other in claims if other is not claim)
            declaration = read_declaration(claim.module, claim.name)
            yield Listed(
                name=claim.name,
                kind=declaration.kind,
                version=claim.version,
                distribution=claim.distribution,
                stability=declaration.stability,
                module=claim.module,
                problem=f"the name is claimed by {others}, too; uninstall one of them" if others else "",
            )


def _shown(catalogue: Catalogue, name: str) -> Iterable[Shown]:
    claims: list[Claim] = catalogue.claims.get(name, [])
    version, distribution = (claims[0].version, claims[0].distribution) if len(claims) == 1 else (UNKNOWN, UNKNOWN)
    try:
        offers = catalogue.offers(name)
    except PluginError as error:
        yield Shown(name=name, version=version, distribution=distribution, problem=str(error))
        return
    for kind, entry in offers.items():
        yield Shown(
            name=name,
            kind=kind,
            version=version,
            distribution=distribution,
            stability=entry.stability,
            doc=" ".join((entry.options.__doc__ or "").split()),
            options=option_docs(entry.options),
        )


def _table(found: Sequence[Listed]) -> Iterable[str]:
    if not found:
        yield "no plugins are installed"
        return
    rows = [tuple(str(getattr(each, column)) for column in _COLUMNS) for each in found]
    widths = [max(map(len, column)) for column in zip(_COLUMNS, *rows, strict=True)]
    problems = [each.problem for each in found]
    for row, problem in zip((_COLUMNS, *rows), ("", *problems), strict=True):
        cells = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield f"{cells}  {problem}".rstrip()


def _pages(found: Sequence[Shown]) -> Iterable[str]:
    for number, page in enumerate(found):
        if number:
            yield ""
        if page.problem:
            yield f"{page.name}: cannot be used: {page.problem}"
            continue
        yield f"{page.name} ({page.kind}, {page.distribution} {page.version}, {page.stability})"
        yield from _wrapped(page.doc, 2)
        for option in page.options:
            default = f", default {option.default_text}" if option.default_text else ""
            yield f"  {option.key}: {option.type}{', required' if option.required else default}"
            yield from _wrapped(option.doc, 6)
        if not page.options:
            yield "  no options"


def _wrapped(text: str, indent: int) -> list[str]:
    blank = " " * indent
    return textwrap.wrap(text, _WIDTH, initial_indent=blank, subsequent_indent=blank)
