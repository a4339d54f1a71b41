"""The session calls: what they take, what they give, and the switches where sources disagree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from akoolflow.simulator.options import STOCK_AVATARS, SimulatorOptions

Make = Callable[..., Any]
PATH = "v4/liveAvatar/session"
FIELDS = {"_id", "uid", "type", "status", "stream_type", "credentials"}
AGORA = {"agora_uid", "agora_app_id", "agora_channel", "agora_token"}
LIVEKIT = {
    "livekit_url",
    "livekit_token",
    "livekit_room_name",
    "livekit_server_identity",
    "livekit_client_identity",
}
TRTC = {"trtc_app_id", "trtc_room_id", "trtc_user_id", "trtc_user_sig"}
TRTC_DOCUMENTED = {"trtc_sdk_app_id", "trtc_sdk_room_id", "trtc_sdk_user_id", "trtc_sdk_user_sig"}
DEMO = {
    "avatar_id": STOCK_AVATARS[0],
    "duration": 600,
    "knowledge_id": "",
    "voice_id": "",
    "voice_url": "",
    "language": "en",
    "mode_type": 2,
    "background_url": "",
    "voice_params": {},
    "stream_type": "agora",
}
PLUGIN: dict[str, Any] = {
    "avatar_id": STOCK_AVATARS[0],
    "duration": 600,
    "stream_type": "livekit",
    "scene_mode": "meeting",
    "mode_type": 2,
    "credentials": {"livekit_url": "wss://x", "livekit_token": "theirs"},
}


def wire(answer: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(answer))


def test_create_gives_the_six_documented_fields_at_once(world: Make) -> None:
    told = wire(world().create(duration=60))
    assert (told["code"], told["msg"], set(told["data"])) == (1000, "OK", FIELDS)
    assert [told["data"][name] for name in ("uid", "type", "status", "stream_type")] == [100010, 1, 1, "agora"]


@pytest.mark.parametrize(
    ("stream_type", "service", "names"),
    [
        ("agora", {}, AGORA),
        ("", {}, AGORA),
        ("livekit", {}, LIVEKIT),
        ("trtc", {}, TRTC),
        ("trtc", {"trtc_names": "documented"}, TRTC_DOCUMENTED),
    ],
)
def test_credentials_have_the_names_of_their_stream_type(
    world: Make, stream_type: str, service: dict[str, Any], names: set[str]
) -> None:
    told = wire(world(**service).create(stream_type=stream_type))
    assert set(told["data"]["credentials"]) == names
    assert all(told["data"]["credentials"].values())


@pytest.mark.parametrize(
    ("shown", "hidden"), [("create", [True, True]), ("open", [False, True]), ("always", [False] * 2)]
)
@pytest.mark.parametrize("stream_type", ["agora", "livekit", "trtc"])
def test_tokens_are_told_where_the_switch_says(world: Make, shown: str, hidden: list[bool], stream_type: str) -> None:
    one = world(tokens_shown=shown)
    created = wire(one.create(stream_type=stream_type))["data"]
    seen = []
    for _ in range(2):
        detail = wire(one.ask(f"{PATH}/detail", {"id": created["_id"]}))["data"]["credentials"]
        listed = wire(one.ask(f"{PATH}/list"))["data"]["result"][0]["credentials"]
        assert detail == listed
        assert detail.items() <= created["credentials"].items()
        seen.append(detail != created["credentials"])
        one.ask(f"{PATH}/close", {"id": created["_id"]})
    assert seen == hidden


def test_older_replies_repeat_the_credentials(world: Make) -> None:
    told = wire(world(stream_urls=True).create())["data"]
    assert told["stream_urls"] == told["credentials"]


def test_a_session_goes_from_queueing_to_running_to_over(world: Make) -> None:
    one = world(simulator=SimulatorOptions(join_delay_s=0.5))
    session = one.create(duration=60).data.id
    seen = []
    for age_s in (0, 0.5, 59, 60):
        one.now = 1_800_000_000.0 + age_s
        seen.append(one.ask(f"{PATH}/detail", {"id": session}).data.status)
    assert seen == [1, 2, 2, 3]


def test_a_failed_session_has_status_4(world: Make) -> None:
    one = world()
    session = one.create().data.id
    one.backend.fail(session, one.now)
    assert one.ask(f"{PATH}/detail", {"id": session}).data.status == 4


def test_what_the_browser_demo_sends_is_taken(world: Make) -> None:
    assert world().ask(f"{PATH}/create", DEMO).code == 1000


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"audio_only_from_data_stream": True},
        {"audio_input_source": "audio_track", "audio_publisher_identity": "me"},
    ],
)
def test_what_akools_livekit_plugin_sends_is_taken_and_told_again(world: Make, more: dict[str, Any]) -> None:
    one = world()
    asked = {**PLUGIN, "credentials": {**PLUGIN["credentials"], **more}}
    told = wire(one.ask(f"{PATH}/create", asked))
    assert (told["code"], told["data"]["credentials"]) == (1000, asked["credentials"])
    assert one.ask(f"{PATH}/close", {"session_id": told["data"]["_id"]}).code == 1000


@pytest.mark.parametrize("names", [sorted(TRTC), sorted(TRTC_DOCUMENTED)])
def test_a_room_of_ones_own_takes_either_spelling_of_trtc(world: Make, names: list[str]) -> None:
    values: list[Any] = [20001234, "r-77", "u-1", "eJw"]
    told = wire(world().create(stream_type="trtc", credentials=dict(zip(names, values, strict=True))))
    assert told["data"]["credentials"] == dict(zip(sorted(TRTC), values, strict=True))


@pytest.mark.parametrize(
    ("stream_type", "credentials", "missing"),
    [
        ("agora", {"agora_uid": 1, "agora_channel": "c"}, "agora_token"),
        ("livekit", {"livekit_url": "wss://x", "livekit_token": ""}, "livekit_token"),
        ("trtc", {"agora_uid": 1}, "trtc_app_id, trtc_room_id, trtc_user_id, trtc_user_sig"),
    ],
)
def test_a_room_of_ones_own_needs_all_that_it_takes_to_join(
    world: Make, stream_type: str, credentials: dict[str, Any], missing: str
) -> None:
    answer = world().create(stream_type=stream_type, credentials=credentials)
    assert (answer.code, missing in answer.msg) == (1003, True)


def test_empty_credentials_count_as_left_out(world: Make) -> None:
    assert set(wire(world().create(credentials={}))["data"]["credentials"]) == AGORA


@pytest.mark.parametrize(
    "fields",
    [
        {"avatar_id": ""},
        {"avatar_id": 5},
        {"duration": 3601},
        {"duration": 0},
        {"duration": -1},
        {"duration": "600"},
        {"mode_type": 3},
        {"mode_type": "1"},
        {"stream_type": "flv"},
        {"stream_type": "local"},
        {"scene_mode": "party"},
        {"scene_mode": "meeting"},
        {"e2e_type": "openai"},
        {"voice_params": []},
        {"voice_params": {"speed": 2}},
        {"voice_params": {"speed": 1}, "scene_mode": "fast_dialogue"},
        {"credentials": "mine"},
        {"credentials": {"agora_uid": "one", "agora_channel": "c", "agora_token": "t"}},
    ],
)
def test_a_wrong_field_is_a_parameter_error_and_opens_nothing(world: Make, fields: dict[str, Any]) -> None:
    one = world()
    assert (one.create(**fields).code, one.backend.all_sessions(one.now), one.credits) == (1003, [], 1000)


def test_unknown_keys_are_not_looked_at(world: Make) -> None:
    assert world().create(webhookUrl="", colour="red").code == 1000


def test_an_elevenlabs_key_is_not_kept(world: Make) -> None:
    one = world()
    one.create(voice_params={"elevenlabs_settings": {"api_key": "sk_theirs", "model_id": "eleven_flash_v2_5"}})
    (record,) = one.backend.all_sessions(one.now)
    assert record.request.voice_params == {"elevenlabs_settings": {"api_key": "***", "model_id": "eleven_flash_v2_5"}}


def test_close_tells_what_was_closed_and_when(world: Make) -> None:
    one = world()
    session = one.create().data.id
    one.now += 1.5
    told = wire(one.ask(f"{PATH}/close", {"id": session}))
    data = {"session_id": session, "status": "closed", "closed_at": 1_800_000_001_500}
    assert told == {"code": 1000, "msg": "ok", "data": data}


def test_close_may_be_answered_without_data(world: Make) -> None:
    one = world(close_data=False)
    assert wire(one.ask(f"{PATH}/close", {"id": one.create().data.id})) == {"code": 1000, "msg": "OK"}


@pytest.mark.parametrize(("close_by", "code"), [("either", 1000), ("id", 1003)])
def test_session_id_is_taken_for_id_unless_told_not_to(world: Make, close_by: str, code: int) -> None:
    one = world(close_by=close_by)
    assert one.ask(f"{PATH}/close", {"session_id": one.create().data.id}).code == code


@pytest.mark.parametrize("code", [1219, 1216, 1000])
def test_closing_what_is_over_is_answered_as_told(world: Make, code: int) -> None:
    one = world(closed_code=code)
    session = one.create(duration=60).data.id
    one.now += 61
    assert one.ask(f"{PATH}/close", {"id": session}).code == code


def test_sessions_of_others_do_not_exist(world: Make) -> None:
    one = world()
    session = one.create().data.id
    codes = [one.ask(f"{PATH}/{call}", {"id": session}, key="another-key").code for call in ("detail", "close")]
    assert (codes, one.ask(f"{PATH}/list", key="another-key").data.count) == ([1216, 1216], 0)


def test_an_avatar_is_busy_for_everybody(world: Make) -> None:
    one = world(simulator=SimulatorOptions(busy_code=1237))
    one.create()
    asked = {"avatar_id": STOCK_AVATARS[0]}
    assert [one.ask(f"{PATH}/create", asked, key=key).code for key in ("the-key", "another-key")] == [1237, 1237]


def test_an_account_may_be_held_to_so_many_open_sessions(world: Make) -> None:
    one = world(sessions_per_account=1)
    first = one.create().data.id
    second = one.create(avatar_id=STOCK_AVATARS[1]).code
    one.ask(f"{PATH}/close", {"id": first})
    assert (second, one.create(avatar_id=STOCK_AVATARS[1]).code) == (1006, 1000)


def test_the_list_is_newest_first_filtered_by_status_and_paged(world: Make) -> None:
    one = world(simulator=SimulatorOptions(sessions_per_avatar=9, join_delay_s=0))
    ids = [one.create(duration=60).data.id for _ in range(3)]
    one.ask(f"{PATH}/close", {"id": ids[1]})
    one.now += 1

    def listed(**query: str) -> list[str]:
        return [session.id for session in one.ask(f"{PATH}/list", query).data.result]

    assert listed() == ids[::-1]
    assert [listed(status=str(status)) for status in (1, 2, 3, 4)] == [[], [ids[2], ids[0]], [ids[1]], []]
    assert (listed(page="2", size="2"), one.ask(f"{PATH}/list", {"size": "2"}).data.count) == ([ids[0]], 3)


@pytest.mark.parametrize("call", ["create", "detail", "close", "pause", "list"])
def test_sessions_of_version_3_are_refused_with_the_way_to_go(world: Make, call: str) -> None:
    answer = world().ask(f"v3/liveAvatar/session/{call}", {"avatar_id": "x"})
    assert (answer.code, "v4/liveAvatar/session/" in answer.msg) == (1014, True)
