"""Faults over a real connection: what the client sees, and what was done all the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from akoolflow.simulator.options import STOCK_AVATARS
from akoolflow.simulator.rest.faults import Fault
from akoolflow.simulator.rest.options import Switches
from akoolflow.simulator.web.server import RunningSimulator

Start = Callable[..., httpx.Client]
CREATE = "/api/open/v4/liveAvatar/session/create"
ASKED = {"avatar_id": STOCK_AVATARS[0], "duration": 60}
NAME = "v4/liveAvatar/session/create"


def trouble(client: httpx.Client, **fault: Any) -> None:
    client.put("/simulator/faults", json=[{"endpoint": NAME, **fault}]).raise_for_status()


def open_sessions(client: httpx.Client) -> int:
    return sum(session["status"] in {1, 2} for session in client.get("/simulator/state").json()["sessions"])


def test_a_refusal_carries_the_code_in_the_services_words_and_nothing_is_done(client: httpx.Client) -> None:
    trouble(client, does="refuse", code=1005)
    told = client.post(CREATE, json=ASKED).json()
    assert (told["code"], told["msg"].startswith("Frequent operation"), open_sessions(client)) == (1005, True, 0)


def test_a_lost_answer_is_a_connection_that_ends_after_the_call_was_carried_out(client: httpx.Client) -> None:
    trouble(client, does="lose_answer")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        client.post(CREATE, json=ASKED)
    assert open_sessions(client) == 1


def test_a_dropped_connection_is_one_on_which_nothing_was_done(client: httpx.Client) -> None:
    trouble(client, does="drop")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        client.post(CREATE, json=ASKED)
    assert open_sessions(client) == 0


def test_only_the_struck_connection_is_dropped(simulator: RunningSimulator, client: httpx.Client) -> None:
    with httpx.Client(base_url=simulator.base_url) as other:
        other.get("/simulator/clock")
        trouble(client, does="drop")
        with pytest.raises(httpx.RemoteProtocolError):
            client.post(CREATE, json=ASKED)
        assert other.get("/simulator/clock").status_code == 200


def test_a_gateways_error_is_a_page_and_no_json(client: httpx.Client) -> None:
    trouble(client, does="http_error", status=504)
    response = client.post(CREATE, json=ASKED)
    assert (response.status_code, response.headers["content-type"].partition(";")[0]) == (504, "text/html")
    assert open_sessions(client) == 0


def test_a_delay_comes_before_the_call_and_leaves_its_answer(simulator: RunningSimulator, client: httpx.Client) -> None:
    waited: list[float] = []

    async def sleep(delay: float) -> None:
        waited.append(delay)

    simulator.host.sleep, real = sleep, simulator.host.sleep
    try:
        trouble(client, does="delay", delay_s=30)
        assert (client.post(CREATE, json=ASKED).json()["code"], waited) == (1000, [30.0])
    finally:
        simulator.host.sleep = real


def test_faults_of_the_switches_strike_from_the_start(start: Start) -> None:
    client = start(Switches(fault=(Fault(does="refuse", code=1215, times=1),)))
    assert [client.post(CREATE, json=ASKED).json()["code"] for _ in range(2)] == [1215, 1000]


def test_no_call_is_struck_that_is_not_named(client: httpx.Client) -> None:
    trouble(client, does="drop")
    assert client.get("/api/open/v3/language/list").json()["code"] == 1000


def test_what_struck_is_counted_and_told(client: httpx.Client) -> None:
    trouble(client, does="refuse", code=1215, skip=1)
    for _ in range(3):
        client.post(CREATE, json=ASKED)
    (told,) = client.get("/simulator/faults").json()
    assert (told["matched"], told["fired"], told["fault"]["code"]) == (3, 2, 1215)


@pytest.mark.parametrize(
    "faults", [[{"does": "dance"}], [{"does": "drop", "endpoint": "nowhere"}], [{"does": "refuse"}], {}, "x"]
)
def test_a_wrong_fault_is_refused_and_the_others_stay(client: httpx.Client, faults: Any) -> None:
    trouble(client, does="refuse", code=1215)
    response = client.put("/simulator/faults", json=faults)
    assert (response.status_code, bool(response.json()["error"])) == (400, True)
    assert client.post(CREATE, json=ASKED).json()["code"] == 1215
