"""`akoolflow sessions`: what is open and paid for, and how to end it."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from typing import Any, Final, TypeVar

import anyio
import click
import msgspec
from msgspec import Struct

from akoolflow.cli.exits import Exit
from akoolflow.cli.session_rows import Row, foreign, is_named, page, row_of, table
from akoolflow.errors import OptionInvalid, ServiceError
from akoolflow.leases import (
    Lease,
    LeaseBook,
    ListingService,
    OpenSession,
    Outcome,
    Payer,
    Rules,
    book_path,
    payer_of,
    reap,
)
from akoolflow.leases.closing import Closing, Hand, close_by_hand
from akoolflow.leases.lease import UNSETTLED
from akoolflow.leases.matching import SETTLE_S

__all__ = ["service_of", "sessions"]

_KEY: Final = "AKOOL_API_KEY"
_LIST_TIMEOUT_S: Final = 15.0
_PATIENCE_S: Final = SETTLE_S + 5

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def service_of(base_url: str, key: str) -> tuple[Payer, ListingService]:
    """The service, not entered yet, and who pays there."""
    from akoolflow.akool import Account, AkoolClient, AkoolService
    from akoolflow.secret import Secret

    try:
        client = AkoolClient(Account(api_key=Secret(key)), base_url=base_url)
    except OptionInvalid as error:
        raise click.UsageError(f"{'.'.join(map(str, error.key))}: {error}") from error
    return payer_of(base_url, key), AkoolService(client)


@click.group()
def sessions() -> None:
    """List, close and reap avatar sessions that are paid for.

    They are noted in a book of leases in $AKOOLFLOW_STATE, else $XDG_STATE_HOME/akoolflow, else
    ~/.local/state/akoolflow. The service is asked with the key in $AKOOL_API_KEY.
    """


def _service_options(command: F) -> F:
    url = click.option(
        "--base-url",
        envvar="AKOOL_BASE_URL",
        default="https://openapi.akool.com",
        show_default=True,
        show_envvar=True,
        help="The service, or a simulator of it.",
    )
    return url(command)


_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on standard output.")
_dry_run = click.option("--dry-run", is_flag=True, help="Tell what would be done, and do nothing.")


@sessions.command("list")
@click.option("--all", "with_settled", is_flag=True, help="With those that are over, of the last five weeks.")
@_json
@_service_options
def list_(base_url: str, *, with_settled: bool, as_json: bool) -> Exit:
    """List sessions that are open, or may be: those in the book and, if a key is given, those at the service."""
    rows = anyio.run(partial(_rows, base_url, with_settled=with_settled))
    if as_json:
        _print_json(rows)
    else:
        for line in table(rows) if rows else ["no sessions are open"]:
            click.echo(line)
    return Exit.OK


@sessions.command()
@click.argument("name", metavar="ID")
@_json
@_service_options
def show(name: str, base_url: str, *, as_json: bool) -> Exit:
    """Show all that is known of sessions. ID is its own or its lease's, or six or more characters of either."""
    rows = [row for row in anyio.run(partial(_rows, base_url, with_settled=True)) if is_named(row, name)]
    if as_json:
        _print_json(rows)
    for number, row in enumerate(() if as_json else rows):
        click.echo("\n" * min(number, 1) + "\n".join(page(row)))
    if not rows:
        hint = "`akoolflow sessions list --all` shows which there are"
        click.echo(f"akoolflow: no session or lease {name!r}; {hint}", err=True)
    return Exit.OK if rows else Exit.FAILED


@sessions.command()
@click.argument("names", metavar="ID...", nargs=-1, required=True)
@click.option("--force", is_flag=True, help="Close even what a live process holds.")
@_dry_run
@_json
@_service_options
def close(names: Sequence[str], base_url: str, *, force: bool, dry_run: bool, as_json: bool) -> Exit:
    """Close sessions. ID is a session's or its lease's, or six or more characters of either.

    The exit code is 1 if one of them is not known, is held by a live process, or could not be closed.
    """
    payer, service = _service(base_url)

    async def work(book: LeaseBook) -> list[Closing]:
        hand = Hand(book, service, payer, force=force, dry_run=dry_run)
        return [await close_by_hand(hand, name) for name in names]

    closings = anyio.run(_with, service, work)
    would = "would be " if dry_run else ""
    lines = [
        f"{one.session or one.name}: {would if one.ending == 'closed' else ''}{one.ending}: {one.detail}"
        for one in closings
    ]
    return _report(closings, lines, as_json=as_json)


@sessions.command("reap")
@click.option("--wait/--no-wait", default=True, help="Wait up to half a minute for what a lost create may bring.")
@click.option(
    "--sole-user",
    is_flag=True,
    help="Nobody else uses the account: a session that no lease explains may be taken for a lost create's.",
)
@_dry_run
@_json
@_service_options
def reap_(base_url: str, *, wait: bool, sole_user: bool, dry_run: bool, as_json: bool) -> Exit:
    """Close what killed processes have left open.

    Sessions that live processes hold are not touched, nor are those of which it is not certain that they were opened
    from here. The exit code is 1 if something is left to do.
    """
    payer, service = _service(base_url)
    rules = Rules(sole_user=sole_user)

    async def work(book: LeaseBook) -> list[Outcome]:
        outcomes = await reap(book, service, payer, rules, dry_run=dry_run)
        if wait and not dry_run and any(one.deed == "waiting" for one in outcomes):
            click.echo("akoolflow: a create was lost less than half a minute ago; waiting for what may come", err=True)
            patient = msgspec.structs.replace(rules, patience_s=_PATIENCE_S)
            outcomes = [one for one in outcomes if one.done] + await reap(book, service, payer, patient)
        others = {lease.ask.payer for lease in await book.leases(settled=False) if lease.held == "nobody"} - {payer}
        for other in sorted(map(str, others)):
            click.echo(f"akoolflow: something is left behind that this key does not reach: {other}", err=True)
        return outcomes

    outcomes = anyio.run(_with, service, work)
    would = "would be " if dry_run else ""
    lines = [one.line(would if one.deed == "closed" else "") for one in outcomes] or ["nothing was left behind"]
    return _report(outcomes, lines, as_json=as_json)


# -- reading -------------------------------------------------------------------------------------


async def _rows(base_url: str, *, with_settled: bool) -> list[Row]:
    leases: list[Lease] = []
    if book_path().exists():
        async with LeaseBook(book_path()) as book:
            leases = await book.leases()
    payer, listed = await _listed(base_url)
    known = {lease.session_id for lease in leases}
    rows = [row_of(lease, listed if lease.ask.payer == payer else None) for lease in leases]
    shown = [row for row in rows if with_settled or row.state in UNSETTLED or row.service == "open"]
    return shown + [foreign(each, base_url) for each in (listed or {}).values() if each.id not in known]


async def _listed(base_url: str) -> tuple[Payer | None, Mapping[str, OpenSession] | None]:
    """What the service has open; None if it was not asked, or did not say."""
    if not os.environ.get(_KEY):
        return None, None
    payer, service = _service(base_url)
    try:
        with anyio.fail_after(_LIST_TIMEOUT_S):
            async with AsyncExitStack() as stack:
                if isinstance(service, AbstractAsyncContextManager):
                    await stack.enter_async_context(service)
                return payer, {session.id: session for session in await service.open_sessions()}
    except (ServiceError, TimeoutError) as error:
        why = str(error) or f"no answer within {_LIST_TIMEOUT_S:g} s"
        click.echo(f"akoolflow: what the service has open is not known: {why}", err=True)
        return payer, None


# -- the service ---------------------------------------------------------------------------------


def _service(base_url: str) -> tuple[Payer, ListingService]:
    key = os.environ.get(_KEY)
    if not key:
        raise click.UsageError(f"the service has to be asked, and wants a key: set {_KEY}")
    return service_of(base_url, key)


async def _with(service: ListingService, work: Callable[[LeaseBook], Awaitable[list[T]]]) -> list[T]:
    async with AsyncExitStack() as stack:
        if isinstance(service, AbstractAsyncContextManager):
            await stack.enter_async_context(service)
        return await work(await stack.enter_async_context(LeaseBook(book_path())))


# -- printing ------------------------------------------------------------------------------------


def _report(done: Sequence[Closing | Outcome], lines: Iterable[str], *, as_json: bool) -> Exit:
    if as_json:
        _print_json(done)
    for line in () if as_json else lines:
        click.echo(line)
    return Exit.OK if all(each.done for each in done) else Exit.FAILED


def _print_json(document: Sequence[Struct]) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(document)).decode())
