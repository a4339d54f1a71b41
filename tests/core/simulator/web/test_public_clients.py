"""The calls of public clients, as they make them and as they read the answers.

Facts about the browser demo: it needs a number under `code`, a string under `msg` and a key `data` in every reply, that
to a close too; it sends a token after `Bearer` and every field of create, empty or not.
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from akoolflow.simulator.options import STOCK_AVATARS
from akoolflow.simulator.web.server import RunningSimulator

API = "/api/open"
SESSION = f"{API}/v4/liveAvatar/session"
JOINS_WITH = {
    "agora": ("agora_app_id", "agora_channel", "agora_token", "agora_uid"),
    "livekit": ("livekit_url", "livekit_token", "livekit_room_name", "livekit_client_identity"),
    "trtc": ("trtc_app_id", "trtc_user_id", "trtc_user_sig", "trtc_room_id"),
}


class Demo:
    """The official browser demo, as far as the service sees it."""

    def __init__(self, simulator: RunningSimulator, http: httpx.Client) -> None:
        self._base_url, self._http = simulator.base_url, http
        self._headers = {
            "Authorization": f"Bearer {simulator.token}",
            "Content-Type": "application/json",
            "Origin": "http://localhost:5173",
        }

    def fetch(self, path: str, body: dict[str, Any] | None = None) -> Any:
        method = "GET" if body is None else "POST"
        response = self._http.request(method, f"{self._base_url}{path}", headers=self._headers, json=body)
        assert response.headers["access-control-allow-origin"] in {"*", "http://localhost:5173"}
        told = response.json()
        assert (type(told["code"]), type(told["msg"]), "data" in told) == (int, str, True)
        assert told["code"] == 1000
        return told["data"]


@pytest.fixture
def demo(simulator: RunningSimulator, client: httpx.Client) -> Demo:
    return Demo(simulator, client)


@pytest.mark.parametrize("stream_type", JOINS_WITH)
def test_the_browser_demo_opens_and_closes_a_session(demo: Demo, stream_type: str) -> None:
    avatar = demo.fetch(f"{API}/v4/liveAvatar/avatar/list?page=1&size=100")["result"][0]
    asked = {
        "avatar_id": avatar["avatar_id"],
        "duration": 600,
        "knowledge_id": "",
        "voice_id": avatar["voice_id"],
        "voice_url": "",
        "language": "en",
        "mode_type": 2,
        "background_url": "",
        "voice_params": {},
        "stream_type": stream_type,
    }
    session = demo.fetch(f"{SESSION}/create", asked)
    assert all(session["credentials"][name] for name in JOINS_WITH[stream_type])
    assert demo.fetch(f"{SESSION}/close", {"id": session["_id"]})["status"] == "closed"


def test_the_browser_demo_fills_its_menus(demo: Demo) -> None:
    languages = demo.fetch(f"{API}/v3/language/list")["lang_list"]
    voices = [demo.fetch(f"{API}/v4/voice/list?support_stream=1&type={kind}")["result"] for kind in (1, 2)]
    assert all(isinstance(each[key], str) for each in languages for key in ("lang_code", "lang_name", "url"))
    assert {voice["support_stream"] for group in voices for voice in group} == {True}
    assert [len(group) for group in voices] == [1, 4]


def test_a_field_client_on_trtc_gets_what_it_reads(simulator: RunningSimulator, client: httpx.Client) -> None:
    pair = {"clientId": simulator.account.client_id, "clientSecret": simulator.api_key}
    token = client.post(f"{API}/v3/getToken", json=pair).json()["token"]
    turn = {"type": "server_vad", "threshold": 0.5, "silence_duration_ms": 2000}
    asked = {
        "avatar_id": STOCK_AVATARS[1],
        "duration": 300,
        "language": "en",
        "mode_type": 1,
        "stream_type": "trtc",
        "voice_params": {"stt_language": "en", "turn_detection": turn},
    }
    headers = {"Authorization": f"Bearer {token}"}
    told = client.post(f"{SESSION}/create", json=asked, headers=headers).json()["data"]["credentials"]
    assert isinstance(told["trtc_app_id"], int)
    assert all(isinstance(told[name], str) for name in ("trtc_room_id", "trtc_user_id", "trtc_user_sig"))


def test_the_livekit_plugin_opens_and_closes_a_session_in_its_own_room(client: httpx.Client) -> None:
    room = {"livekit_url": "wss://x", "livekit_token": "theirs", "audio_input_source": "data_stream"}
    asked = {"avatar_id": STOCK_AVATARS[0], "mode_type": 2, "scene_mode": "meeting", "stream_type": "livekit"}
    session = client.post(f"{SESSION}/create", json={**asked, "credentials": room}).json()
    closed = client.post(f"{SESSION}/close", json={"session_id": session["data"]["_id"]}).json()
    assert [session["code"], closed["code"]] == [1000, 1000]
