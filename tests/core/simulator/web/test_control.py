"""What the simulator tells of itself, and how its clock is moved."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from akoolflow.simulator.options import STOCK_AVATARS
from akoolflow.simulator.web.server import RunningSimulator

API = "/api/open"
SESSION = f"{API}/v4/liveAvatar/session"
ASKED = {"avatar_id": STOCK_AVATARS[0], "duration": 60}


def log(client: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = client.get("/simulator/log", params=query).json()
    return entries


def test_the_log_has_each_call_with_its_answer(client: httpx.Client) -> None:
    client.post(f"{SESSION}/create", json=ASKED)
    client.get(f"{SESSION}/detail", params={"id": "none"})
    first, second = log(client)
    told = [first[key] for key in ("method", "endpoint", "body", "uid", "status", "code", "fault")]
    assert told == ["POST", "v4/liveAvatar/session/create", ASKED, 100010, 200, 1000, ""]
    assert (second["query"], second["code"], second["number"]) == ({"id": "none"}, 1216, first["number"] + 1)


def test_the_log_goes_on_from_a_number(client: httpx.Client) -> None:
    for _ in range(3):
        client.get(f"{SESSION}/list")
    numbers = [entry["number"] for entry in log(client)]
    assert [entry["number"] for entry in log(client, after=numbers[0])] == numbers[1:]


def test_the_log_can_be_forgotten(client: httpx.Client) -> None:
    client.get(f"{SESSION}/list")
    assert (client.delete("/simulator/log").json(), log(client)) == ({"done": True}, [])


def test_the_log_shows_trouble_and_the_answer_that_was_lost(client: httpx.Client) -> None:
    faults = [{"does": "lose_answer", "endpoint": "*/create", "times": 1}, {"does": "drop", "endpoint": "*/close"}]
    client.put("/simulator/faults", json=faults)
    for call in ("create", "close"):
        with pytest.raises(httpx.RemoteProtocolError):
            client.post(f"{SESSION}/{call}", json=ASKED)
    told = [(entry["fault"], entry["status"], entry["code"]) for entry in log(client)]
    assert told == [("lose_answer", 0, 1000), ("drop", 0, 0)]


def test_the_log_shows_calls_of_what_is_not_there(simulator: RunningSimulator, client: httpx.Client) -> None:
    client.get(f"{API}/v4/liveAvatar/stream/message", params={"id": simulator.api_key})
    client.post(f"{SESSION}/list")
    told = [(entry["method"], entry["path"], entry["query"], entry["status"], entry["code"]) for entry in log(client)]
    assert told == [
        ("GET", f"{API}/v4/liveAvatar/stream/message", {"id": "***"}, 404, 0),
        ("POST", f"{SESSION}/list", {}, 405, 0),
    ]


def test_the_log_takes_numbers_of_any_size(client: httpx.Client) -> None:
    client.post(f"{SESSION}/create", content=b'{"avatar_id": "x", "n": %s}' % (b"9" * 40))
    assert log(client)[0]["body"]["n"] == "an integer of 133 bits"


def test_no_secret_is_in_the_log(simulator: RunningSimulator, client: httpx.Client) -> None:
    pair = {"clientId": simulator.account.client_id, "clientSecret": simulator.api_key}
    token = client.post(f"{API}/v3/getToken", json=pair).json()["token"]
    theirs = {"livekit_url": "wss://x", "livekit_token": "their-room-token"}
    voice = {"elevenlabs_settings": {"api_key": "their-eleven-key"}}
    body = {"avatar_id": simulator.api_key, "stream_type": "livekit", "credentials": theirs, "voice_params": voice}
    client.post(f"{SESSION}/create", json=body)
    client.post(f"{SESSION}/create", json=body | {"avatar_id": token})
    client.get(f"{SESSION}/detail", params={"id": simulator.api_key, "token": "x"})
    client.get(f"{SESSION}/detail", headers={"Authorization": "Bearer " + token})
    text = client.get("/simulator/log").text
    assert [secret for secret in (simulator.api_key, token, "their-room", "their-eleven") if secret in text] == []
    assert len(log(client)) == 5


def test_the_state_has_accounts_and_sessions_of_everybody_and_no_key(
    simulator: RunningSimulator, client: httpx.Client
) -> None:
    session = client.post(f"{SESSION}/create", json=ASKED).json()["data"]["_id"]
    response = client.get("/simulator/state")
    state = response.json()
    assert [(each["uid"], each["credits"]) for each in state["accounts"]] == [(100010, 9994.0)]
    (told,) = state["sessions"]
    seen = (told["_id"], told["uid"], told["avatar_id"], told["ends_s"] - told["created_s"], told["credits"])
    assert seen == (session, 100010, STOCK_AVATARS[0], pytest.approx(60), 6.0)
    assert simulator.api_key not in response.text


def test_the_clock_put_forward_ends_sessions_and_refunds_nothing_of_theirs(client: httpx.Client) -> None:
    session = client.post(f"{SESSION}/create", json=ASKED).json()["data"]["_id"]
    before = client.get("/simulator/clock").json()["now_s"]
    after = client.post("/simulator/clock", json={"advance_s": 61}).json()["now_s"]
    assert 61 <= after - before < 71
    detail = client.get(f"{SESSION}/detail", params={"id": session}).json()["data"]
    assert (detail["status"], client.get("/simulator/state").json()["accounts"][0]["credits"]) == (3, 9994.0)


@pytest.mark.parametrize("body", [{"advance_s": -1}, {"advance_s": 1e9}, {}, {"advance": 1}, "x", None])
def test_the_clock_does_not_go_back_or_out_of_sight(client: httpx.Client, body: Any) -> None:
    response = client.post("/simulator/clock", json=body)
    assert (response.status_code, list(response.json())) == (400, ["error"])


def test_a_session_can_be_made_to_fail(client: httpx.Client) -> None:
    session = client.post(f"{SESSION}/create", json=ASKED).json()["data"]["_id"]
    done = [client.post("/simulator/session/fail", json={"id": session}).json()["done"] for _ in range(2)]
    detail = client.get(f"{SESSION}/detail", params={"id": session}).json()["data"]
    assert (done, detail["status"]) == ([True, False], 4)


def test_a_reset_forgets_all_but_the_time(client: httpx.Client) -> None:
    client.post(f"{SESSION}/create", json=ASKED)
    client.post(f"{API}/v4/knowledge/create", json={"name": "KB"})
    client.post("/simulator/clock", json={"advance_s": 5})
    client.post("/simulator/reset")
    state = client.get("/simulator/state").json()
    assert (state["sessions"], state["knowledge"], state["accounts"][0]["credits"]) == ([], 0, 10_000.0)
    assert state["time"]["ahead_s"] >= 5
    assert client.post(f"{SESSION}/create", json=ASKED).json()["code"] == 1000


@pytest.mark.parametrize("path", ["/simulator/clock", "/simulator/session/fail", "/simulator/faults"])
def test_a_body_of_the_control_calls_has_a_limit_too(client: httpx.Client, path: str) -> None:
    response = client.request("PUT" if "faults" in path else "POST", path, content=b" " * (2 << 20))
    assert response.status_code == 400
