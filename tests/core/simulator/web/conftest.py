from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from akoolflow.simulator.rest.options import ServiceOptions, Switches
from akoolflow.simulator.web.server import RunningSimulator, running_simulator


@pytest.fixture(scope="session")
def _running() -> Iterator[tuple[RunningSimulator, httpx.Client]]:
    with running_simulator() as simulator, client_of(simulator) as client:
        yield simulator, client


@pytest.fixture
def client(_running: tuple[RunningSimulator, httpx.Client]) -> httpx.Client:
    """Over a real connection, with the API key, to a simulator in which nothing has happened."""
    _, client = _running
    client.put("/simulator/faults", json=[]).raise_for_status()
    client.post("/simulator/reset").raise_for_status()
    return client


@pytest.fixture
def simulator(_running: tuple[RunningSimulator, httpx.Client], client: httpx.Client) -> RunningSimulator:
    """The one that `client` talks to."""
    return _running[0]


@pytest.fixture
def start() -> Iterator[Callable[..., httpx.Client]]:
    """Start another simulator: `start(close_data=False)`; gives a client with its API key."""
    with ExitStack() as stack:

        def start(switches: Switches | None = None, *, state: Path | None = None, **service: Any) -> httpx.Client:
            switches = switches or Switches(service=ServiceOptions(**service))
            simulator = stack.enter_context(running_simulator(switches, state=state))
            return stack.enter_context(client_of(simulator))

        yield start


def client_of(simulator: RunningSimulator) -> httpx.Client:
    return httpx.Client(base_url=simulator.base_url, headers={"x-api-key": simulator.api_key}, timeout=10)
