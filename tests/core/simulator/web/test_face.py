"""The REST calls over a real connection on loopback."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from akoolflow.simulator.options import STOCK_AVATARS
from akoolflow.simulator.rest.endpoints import ENDPOINTS
from akoolflow.simulator.web.server import RunningSimulator

Start = Callable[..., httpx.Client]
API = "/api/open"
SESSION = f"{API}/v4/liveAvatar/session"
ASKED = {"avatar_id": STOCK_AVATARS[0], "duration": 60}


def code(response: httpx.Response) -> int:
    answered: int = response.json()["code"]
    return answered


def test_a_session_is_opened_seen_closed_and_listed(client: httpx.Client) -> None:
    created = client.post(f"{SESSION}/create", json=ASKED).json()["data"]
    detail = client.get(f"{SESSION}/detail", params={"id": created["_id"]}).json()["data"]
    assert detail["credentials"].items() < created["credentials"].items()
    closed = client.post(f"{SESSION}/close", json={"id": created["_id"]}).json()
    assert (closed["code"], closed["data"]["status"]) == (1000, "closed")
    listed = client.get(f"{SESSION}/list", params={"status": 3}).json()["data"]
    assert [(each["_id"], each["status"]) for each in listed["result"]] == [(created["_id"], 3)]


def test_business_errors_come_with_http_status_200(client: httpx.Client) -> None:
    response = client.post(f"{SESSION}/create", json={"avatar_id": "nobody"})
    assert (response.status_code, code(response), response.headers["content-type"]) == (200, 1008, "application/json")


def test_either_header_lets_in(simulator: RunningSimulator) -> None:
    url = f"{simulator.base_url}{SESSION}/list"
    pair = {"clientId": simulator.account.client_id, "clientSecret": simulator.api_key}
    bought = httpx.post(f"{simulator.base_url}{API}/v3/getToken", json=pair).json()
    headers: list[dict[str, str]] = [
        {},
        {"x-api-key": simulator.api_key},
        {"Authorization": f"Bearer {bought['token']}"},
        {"Authorization": f"Bearer {simulator.token}"},
        {"Authorization": "Bearer no", "x-api-key": simulator.api_key},
    ]
    assert [code(httpx.get(url, headers=each)) for each in headers] == [1102, 1000, 1000, 1000, 1101]


def test_refusals_of_keys_may_come_with_http_status_401(start: Start) -> None:
    client = start(auth_status=401)
    refused = httpx.get(f"{client.base_url}{SESSION}/list")
    wrong = client.post(f"{SESSION}/create", json={})
    assert [refused.status_code, code(refused), wrong.status_code] == [401, 1102, 200]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_method_that_is_not_served_is_refused_with_those_that_are(client: httpx.Client, method: str) -> None:
    response = client.request(method, f"{SESSION}/list")
    assert (response.status_code, "GET" in response.headers["allow"], code(response)) == (405, True, 1014)


@pytest.mark.parametrize("path", ["/", "/api", f"{SESSION}/create/", "//api/open/v3/language/list", "/simulator/x"])
def test_what_is_not_there_says_where_to_look(client: httpx.Client, path: str) -> None:
    response = client.get(f"{str(client.base_url).rstrip('/')}{path}")
    assert (response.status_code, code(response), "/openapi.json" in response.json()["msg"]) == (404, 1014, True)


BODIES = {
    "nothing": b"",
    "spaces": b"  \n",
    "no JSON": b"{avatar_id: 1}",
    "half": b'{"avatar_id": "x"',
    "no UTF-8": b'{"avatar_id": "\xff\xfe"}',
    "half a surrogate": b'{"avatar_id": "\\ud800"}',
    "an array": b"[]",
    "a number": b"5",
    "null": b"null",
    "not a number": b'{"avatar_id": NaN}',
    "out of range": b'{"avatar_id": "x", "duration": 1e999}',
    "a huge number": b'{"avatar_id": "x", "duration": ' + b"9" * 4000 + b"}",
    "deep": b"[" * 100_000,
    "deep inside": b'{"avatar_id": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001,
    "zeros": bytes(1000),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("call", ["session/create", "session/close"])
def test_a_body_that_cannot_be_read_is_a_parameter_error(client: httpx.Client, call: str, body: bytes) -> None:
    response = client.post(f"{API}/v4/liveAvatar/{call}", content=body)
    assert (response.status_code, code(response)) == (200, 1003)


def test_who_has_no_key_is_told_that_first(simulator: RunningSimulator) -> None:
    assert code(httpx.post(f"{simulator.base_url}{SESSION}/create", content=b"{")) == 1102


def test_a_body_over_the_limit_is_refused_with_413(client: httpx.Client) -> None:
    fits, not_fits = (
        client.post(f"{SESSION}/create", content=b'{"avatar_id": "%s"}' % (b"x" * size)) for size in (10**6, 2**20)
    )
    assert [fits.status_code, code(fits), not_fits.status_code, code(not_fits)] == [200, 1008, 413, 1003]


def test_a_client_that_hangs_up_in_the_middle_does_no_harm(simulator: RunningSimulator, client: httpx.Client) -> None:
    _, _, address = simulator.base_url.partition("//")
    host, _, port = address.partition(":")
    with socket.create_connection((host, int(port))) as early:
        early.sendall(f"POST {SESSION}/create HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{".encode())
    entries = poll(client, "/simulator/log")
    assert [(entry["fault"], entry["status"]) for entry in entries] == [("the client went away", 0)]


def poll(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    """What is there, once something is."""
    while not (found := client.get(path).json()):
        pass
    told: list[dict[str, Any]] = found
    return told


def test_a_delete_has_its_id_in_the_body(client: httpx.Client) -> None:
    made = client.post(f"{API}/v4/knowledge/create", json={"name": "KB"}).json()["data"]["_id"]
    deleted = client.request("DELETE", f"{API}/v4/knowledge/delete", json={"id": made})
    assert deleted.json() == {"code": 1000, "msg": "OK"}


def test_the_content_type_of_a_request_is_not_looked_at(client: httpx.Client) -> None:
    body = json.dumps(ASKED).encode()
    assert code(client.post(f"{SESSION}/create", content=body, headers={"content-type": "text/plain"})) == 1000


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = ("avatar_id", "duration", "voice_params", "credentials", "mode_type", "stream_type", "id", "docs")
JSON_BODIES = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, VALUES)).map(json.dumps).map(str.encode)
QUERIES = st.dictionaries(st.sampled_from(["page", "size", "id", "type", "ß"]), st.text(max_size=8), max_size=3)
ANY_NAME = st.sampled_from([each.name for each in ENDPOINTS])


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=ANY_NAME, body=st.binary(max_size=200) | JSON_BODIES, query=QUERIES)
def test_no_request_makes_it_stumble(
    client: httpx.Client, method: str, name: str, body: bytes, query: dict[str, str]
) -> None:
    response = client.request(method, f"{API}/{name}", content=body, params=query)
    assert response.status_code in {200, 405}
    assert isinstance(code(response), int)
