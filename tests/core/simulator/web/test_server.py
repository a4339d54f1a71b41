"""A port, a thread, and the end of both."""

from __future__ import annotations

import socket
import threading

import httpx
import pytest

from akoolflow.simulator.web.server import Address, listen, running_simulator


def test_two_run_at_once_on_ports_of_their_own() -> None:
    with running_simulator() as one, running_simulator() as other:
        told = [httpx.get(f"{each.base_url}/simulator/clock").status_code for each in (one, other)]
    assert (told, one.base_url != other.base_url) == ([200, 200], True)


def test_nothing_is_left_when_it_ends() -> None:
    before = set(threading.enumerate())
    with running_simulator() as simulator:
        httpx.get(f"{simulator.base_url}/simulator/clock")
    assert set(threading.enumerate()) <= before  # threads of earlier tests may end meanwhile
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{simulator.base_url}/simulator/clock")


def test_a_client_that_connects_early_is_served_once_it_runs() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()) as early:
        assert early.getpeername() == listener.getsockname()


def test_answers_leave_at_once() -> None:
    """asyncio switches Nagle's algorithm off only where the socket names its protocol; else each answer waits 40 ms."""
    with listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_a_port_that_is_taken_is_an_error() -> None:
    with listen("127.0.0.1", 0) as listener, pytest.raises(OSError, match="in use"):
        listen("127.0.0.1", listener.getsockname()[1])


@pytest.mark.parametrize(("host", "url"), [("127.0.0.1", "http://127.0.0.1:80"), ("::1", "http://[::1]:80")])
def test_an_address_is_written_as_a_url_has_it(host: str, url: str) -> None:
    assert Address(host, 80).base_url == url


def test_its_repr_shows_no_key() -> None:
    with running_simulator() as simulator:
        assert (simulator.api_key in repr(simulator), simulator.token in repr(simulator)) == (False, False)
