"""`akoolflow simulate`: the AKOOL service on loopback, with credits that cost nothing."""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec
from msgspec.structs import fields, replace

from akoolflow.simulator.options import SimulatorOptions
from akoolflow.simulator.rest.options import ServiceOptions, Switches
from akoolflow.toml.checking import check
from akoolflow.toml.documents import load_struct
from akoolflow.toml.faults import dotted, nearest

if TYPE_CHECKING:
    from akoolflow.simulator.web.host import Host

__all__ = ["simulate", "switches_of"]

_TABLES: Final = {
    **{field.encode_name: "simulator" for field in fields(SimulatorOptions)},
    **{field.encode_name: "service" for field in fields(ServiceOptions)},
}
"""In which table a switch is; no name is in both."""
_EXTRA: Final = frozenset({"starlette", "uvicorn", "h11"})


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8765, show_default=True, type=click.IntRange(0, 65_535), help="0 takes a free one.")
@click.option("--state", type=click.Path(dir_okay=False, path_type=Path), help="Remember sessions in this file.")
@click.option(
    "--option", "options", multiple=True, metavar="KEY=VALUE|FILE", help="A switch, or a TOML file of them; repeatable."
)
@click.option("--log", type=click.Path(allow_dash=True), help="Append each call as a JSON line; - is standard error.")
@click.option("--json", "as_json", is_flag=True, help="Print address and keys as one JSON object.")
def simulate(  # noqa: PLR0913 - an argument for each option
    host: str, port: int, state: Path | None, options: tuple[str, ...], log: str | None, *, as_json: bool
) -> None:
    """Serve the AKOOL REST API on loopback, free of charge.

    Prints the address and the keys to use, then one can point any client of the API at it. Sessions live and expire
    as they would, with credits, busy avatars and the published quirks; there is no avatar in their rooms. Calls below
    /simulator show the log and the state, move the clock and make trouble; /openapi.json describes all of them.
    """
    switches = switches_of(options)
    with _extra():
        from akoolflow.simulator.web.host import Host
        from akoolflow.simulator.web.journal import Journal
        from akoolflow.simulator.web.server import Address, listen, serve
        from akoolflow.simulator.web.store import Store
    with ExitStack() as stack:
        store = stack.enter_context(Store(state)) if state else None
        simulator = Host(switches, store=store, journal=Journal(stack.enter_context(_lines(log)) if log else None))
        try:
            listener = stack.enter_context(listen(host, port))
        except OSError as error:
            hint = "; --port 0 takes a free one" if port else ""
            raise click.ClickException(
                f"cannot listen on {host}, port {port}: {error.strerror or error}{hint}"
            ) from error
        base_url = Address(*listener.getsockname()[:2]).base_url
        (_print_json if as_json else _print)(simulator, base_url)
        if not as_json and not _is_loopback(listener.getsockname()[0]):
            click.echo(f"akoolflow: whoever can reach {host} can use the simulator", err=True)
        serve(simulator, listener)


def switches_of(options: tuple[str, ...]) -> Switches:
    """What the `--option`s say; single switches go before those of a file.

    :raises ConfigInvalid: with every complaint about the file.
    :raises click.UsageError: with a line for each other option that is wrong.
    """
    complaints = []
    files = [option for option in options if "=" not in option]
    tables: dict[str, dict[str, Any]] = {}
    for option in (each for each in options if "=" in each):
        key, _, text = option.partition("=")
        if (key := key.strip()) in _TABLES:
            tables.setdefault(_TABLES[key], {})[key] = _value(text.strip())
        else:
            complaints.append(f"--option {key}: unknown switch; {nearest(key, _TABLES)}")
    if len(files) > 1:
        complaints.append(f"--option {files[1]}: one file at most; single switches are KEY=VALUE")
    checked = check(tables, Switches, folder=Path.cwd())
    complaints += [f"--option {dotted(fault.path[1:])}: {fault.message}" for fault in checked.faults]
    if complaints:
        raise click.UsageError("\n".join(complaints))
    switches = load_struct(Path(files[0]), Switches) if files else Switches()
    made = {name: _merged(getattr(switches, name), getattr(checked.value, name), tables[name]) for name in tables}
    return replace(switches, **made)


def _merged(old: Any, new: Any, given: dict[str, Any]) -> Any:
    return replace(old, **{key: getattr(new, key) for key in given})


def _value(text: str) -> Any:
    """As TOML has it; what is no TOML is a string."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


@contextmanager
def _extra() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        raise click.ClickException(f"{error.name} is missing; pip install 'akoolflow[simulator]'") from error


@contextmanager
def _lines(log: str) -> Iterator[Callable[[bytes], object]]:
    if log == "-":
        yield lambda line: click.echo(line, nl=False, err=True)
        return
    with ExitStack() as stack:
        try:
            file = stack.enter_context(Path(log).open("ab", buffering=0))
        except OSError as error:
            raise click.ClickException(f"cannot write {log}: {error.strerror}") from error
        yield file.write


def _print(host: Host, base_url: str) -> None:
    now = host.clock.now()
    first, *others = host.backend.accounts
    click.echo(f"The simulated AKOOL service is at {base_url}, API key {first.client_secret}; Ctrl-C ends it.")
    click.echo(
        f"export AKOOL_BASE_URL={base_url} AKOOL_API_KEY={first.client_secret}"
        f" AKOOL_CLIENT_ID={first.client_id} AKOOL_CLIENT_SECRET={first.client_secret}"
    )
    token = host.backend.accounts.issue(first, now)
    click.echo(f"For AKOOL's browser demo: VITE_OPENAPI_HOST={base_url} VITE_OPENAPI_TOKEN={token}")
    for account in others:
        click.echo(f"Account {account.name} ({account.uid}): API key {account.client_secret}, id {account.client_id}")


def _print_json(host: Host, base_url: str) -> None:
    now = host.clock.now()
    accounts = [
        {
            "uid": account.uid,
            "name": account.name,
            "api_key": account.client_secret,
            "client_id": account.client_id,
            "client_secret": account.client_secret,
            "token": host.backend.accounts.issue(account, now),
        }
        for account in host.backend.accounts
    ]
    click.echo(msgspec.json.encode({"base_url": base_url, "accounts": accounts}))


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback
