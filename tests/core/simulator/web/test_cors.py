"""A web page on another origin may use the REST calls; it may not touch the simulator itself."""

from __future__ import annotations

import httpx
import pytest

PAGE = "https://demo.example.com"
PATHS = ["/api/open/v4/liveAvatar/session/create", "/api/open/v4/knowledge/delete", "/api/open/v3/nothing"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_browser_that_asks_first_is_let_through(client: httpx.Client, path: str, method: str) -> None:
    asked = {
        "Origin": PAGE,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type,x-api-key",
        "Access-Control-Request-Private-Network": "true",
    }
    response = client.options(path, headers=asked)
    told = response.headers
    allowed = {each.strip().lower() for each in told["access-control-allow-headers"].split(",")}
    assert response.status_code == 200
    assert told["access-control-allow-origin"] in {"*", PAGE}
    assert allowed >= {"authorization", "content-type", "x-api-key"}
    assert method in told["access-control-allow-methods"]
    assert told["access-control-allow-private-network"] == "true"


@pytest.mark.parametrize("path", [*PATHS, "/openapi.json"])
def test_any_page_may_read_answers_and_refusals(client: httpx.Client, path: str) -> None:
    response = client.get(path, headers={"Origin": PAGE})
    assert response.headers["access-control-allow-origin"] in {"*", PAGE}


@pytest.mark.parametrize("path", ["/simulator/state", "/simulator/log", "/simulator/reset"])
def test_no_page_may_read_the_simulator(client: httpx.Client, path: str) -> None:
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    answers = [client.get(path, headers={"Origin": PAGE}), client.options(path, headers=asked)]
    assert [each.status_code for each in answers] == [403, 403]
    assert [each for each in answers if "access-control-allow-origin" in each.headers] == []


def test_no_page_may_bend_the_simulator_with_a_form_either(client: httpx.Client) -> None:
    before = client.get("/simulator/clock").json()["ahead_s"]
    headers = {"Origin": PAGE, "Content-Type": "text/plain"}
    response = client.post("/simulator/clock", content=b'{"advance_s": 60}', headers=headers)
    assert (response.status_code, client.get("/simulator/clock").json()["ahead_s"]) == (403, before)
