"""The simulator on a port: in the main thread for the command line, in one of its own for tests and notebooks."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import uvicorn
from msgspec import Struct
from uvicorn.protocols.http.h11_impl import H11Protocol

from akoolflow.simulator.rest.accounts import Account
from akoolflow.simulator.rest.options import Switches
from akoolflow.simulator.web.app import application
from akoolflow.simulator.web.host import Host
from akoolflow.simulator.web.journal import Journal
from akoolflow.simulator.web.store import Store

__all__ = ["Address", "RunningSimulator", "listen", "running_simulator", "serve"]

_BACKLOG: Final = 2048
_STOP_S: Final = 10.0


class Address(Struct, frozen=True):
    host: str
    port: int

    @property
    def base_url(self) -> str:
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


class RunningSimulator(Struct, frozen=True, kw_only=True):
    """A simulator that answers, and the keys of its first account."""

    base_url: str
    host: Host
    """Belongs to the server's thread; read it, and change it through `/simulator`."""
    account: Account
    token: str
    """Of the first account, for `Authorization: Bearer`."""

    def __repr__(self) -> str:
        return f"RunningSimulator({self.base_url!r})"

    @property
    def api_key(self) -> str:
        return self.account.client_secret


def listen(host: str, port: int) -> socket.socket:
    """A listening socket: clients may connect from now on, and are served once `serve` runs.

    :raises OSError: nothing can listen there.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, place = found[0]
    # With its protocol named: asyncio sets TCP_NODELAY only then, and without it each answer waits 40 ms.
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def serve(host: Host, listener: socket.socket) -> None:
    """Serve until Ctrl-C or SIGTERM, which are raised again afterwards. In the main thread only."""
    _server(host).run(sockets=[listener])


@contextmanager
def running_simulator(
    switches: Switches | None = None, *, state: Path | None = None, port: int = 0
) -> Iterator[RunningSimulator]:
    """A simulator on loopback, on a free port unless one is named, in a thread of its own.

    :param state: where it remembers; in memory by default.
    """
    with ExitStack() as stack:
        store = stack.enter_context(Store(state)) if state else None
        host = Host(switches or Switches(), store=store, journal=Journal())
        listener = stack.enter_context(listen("127.0.0.1", port))
        server = _server(host)
        thread = threading.Thread(target=server.run, args=([listener],), name="simulator", daemon=True)
        thread.start()
        stack.callback(_stop, server, thread)
        account = next(iter(host.backend.accounts))
        yield RunningSimulator(
            base_url=Address(*listener.getsockname()[:2]).base_url,
            host=host,
            account=account,
            token=host.backend.accounts.issue(account, host.clock.now()),
        )


def _stop(server: uvicorn.Server, thread: threading.Thread) -> None:
    server.should_exit = True
    thread.join(_STOP_S)


def _server(host: Host) -> uvicorn.Server:
    config = uvicorn.Config(
        application(host),
        http="h11",  # the one that is always there, and whose connections can be dropped
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)

    def drop(client: Any) -> None:
        for connection in list(server.server_state.connections):
            if isinstance(connection, H11Protocol) and connection.client == client:
                connection.transport.abort()

    host.drop = drop
    return server
