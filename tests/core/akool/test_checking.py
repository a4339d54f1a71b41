"""What is checked before it is sent, and what is sent."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import IntEnum, StrEnum
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given

from akoolflow.akool import AkoolClient, AvatarUpload, Document, KnowledgeFields, KnowledgeFilter, VoiceFilter
from akoolflow.akool.checking import checked
from akoolflow.akool.endpoints import ENDPOINTS, KNOWLEDGE_CREATE, SESSION_CREATE, SESSION_LIST
from akoolflow.akool.fields import SessionFields
from akoolflow.akool.redaction import Vault
from akoolflow.contracts import SessionRequest
from akoolflow.errors import RequestInvalid, ServiceError
from akoolflow.secret import Secret
from akoolflow.session_rules import TurnDetection, VoiceParams

MiB = 1024 * 1024


class Mode(IntEnum):
    RETELLING = 1


class Room(StrEnum):
    LIVEKIT = "livekit"


def body(**fields: Any) -> dict[str, Any]:
    return checked(SESSION_CREATE, {"avatar_id": "a1", "stream_type": "agora"} | fields, Vault())


def faults(**fields: Any) -> list[str]:
    with pytest.raises(RequestInvalid) as caught:
        body(**fields)
    return [f"{'.'.join(map(str, fault.key))}: {fault}" for fault in caught.value.faults]


# -- session/create ----------------------------------------------------------------------------


def test_every_field_of_a_session_request_is_checked() -> None:
    names = {field.name for field in msgspec.structs.fields(SessionRequest)}
    assert {field.name for field in msgspec.structs.fields(SessionFields)} == names


def test_what_is_right_is_sent_as_it_is() -> None:
    fields = {
        "duration": 600,
        "mode_type": 2,
        "language": "es",
        "voice_id": "v1",
        "voice_url": "https://x.test/v",
        "knowledge_id": "k1",
        "background_url": "https://x.test/b.png",
        "voice_params": {
            "speed": 1.15,
            "pron_map": {"AKOOL": "a cool"},
            "stt_language": "es",
            "stt_type": "openai_realtime",
            "turn_detection": {"type": "server_vad", "threshold": 0.4, "silence_duration_ms": 2000},
            "elevenlabs_settings": {"api_key": "el-1", "model_id": "eleven_flash_v2_5", "stability": 0.5},
        },
        "credentials": {"agora_uid": 1, "agora_channel": "c", "agora_token": "t"},
    }
    assert body(**fields) == {"avatar_id": "a1", "stream_type": "agora"} | fields


def test_fast_dialogue_is_sent_with_its_own_voice_parameters() -> None:
    fields = {
        "scene_mode": "fast_dialogue",
        "e2e_type": "openai",
        "voice_params": {"voice_id": "marin", "stt_language": "en", "turn_detection": {"type": "semantic_vad"}},
    }
    assert body(**fields) == {"avatar_id": "a1", "stream_type": "agora"} | fields


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"avatar_id": ""}, 'avatar_id: found a string "", expected a string that is not empty'),
        ({"duration": 3600.5}, "duration: found a float 3600.5, expected a number from 1 to 3600"),
        ({"duration": 0}, "duration: found an integer 0, expected a number from 1 to 3600"),
        ({"duration": "600"}, 'duration: found a string "600", expected a number from 1 to 3600'),
        ({"duration": math.nan}, "duration: found a number that is out of every range"),
        ({"duration": math.inf}, "duration: found a number that is out of every range"),
        ({"duration": 10**5000}, "duration: found a number that is out of every range"),
        ({"mode_type": 3}, "mode_type: found an integer 3, expected one of 1, 2"),
        ({"mode_type": True}, "mode_type: found a boolean true, expected one of 1, 2"),
        ({"stream_type": "local"}, 'stream_type: found a string "local", expected one of "agora", "livekit", "trtc"'),
        (
            {"stream_type": "Agora"},
            'stream_type: found a string "Agora", expected one of "agora", "livekit", "trtc" (did you mean "agora"?)',
        ),
        ({"scene_mode": "meeting"}, 'scene_mode: found a string "meeting", expected "fast_dialogue"'),
        (
            {"e2e_type": "openai"},
            'e2e_type: only with scene_mode fast_dialogue (add scene_mode = "fast_dialogue")',
        ),
        (
            {"scene_mode": "fast_dialogue", "e2e_type": "google"},
            'e2e_type: found a string "google", expected "openai"',
        ),
        ({"voice_params": {"sped": 1}}, 'voice_params.sped: unknown key (did you mean "speed"?)'),
        (
            {"voice_params": {"speed": 2}},
            "voice_params.speed: found an integer 2, expected a number from 0.8 to 1.2",
        ),
        (
            {"voice_params": {"turn_detection": {"type": "semantic_vad", "threshold": 0.5}}},
            "voice_params.turn_detection.threshold: only with type server_vad (leave out threshold)",
        ),
        (
            {"credentials": {"agora_uid": 1, "agora_channel": "c"}},
            (
                "credentials.agora_token: missing"
                " (a room of one's own in agora takes agora_channel, agora_token, agora_uid)"
            ),
        ),
        ({"voice_params": object()}, "voice_params: found a value of type object, which JSON cannot hold"),
        ({"voice_params": {1: "x"}}, "voice_params: found a key that is no text"),
        ({"language": "\ud800"}, "language: found text that is no valid Unicode"),
        (
            {"voice_params": {"pron_map": {"a": None}, "speed": b"1"}},
            "voice_params.speed: found a value of type bytes, which JSON cannot hold",
        ),
    ],
)
def test_what_breaks_a_rule_is_told_with_its_path(fields: dict[str, Any], fault: str) -> None:
    assert faults(**fields) == [fault]


def test_all_that_is_wrong_is_told_at_once() -> None:
    found = faults(duration=4000, mode_type=7, voice_params={"speed": 3, "x": 1})
    assert [fault.split(":")[0] for fault in found] == [
        "duration",
        "mode_type",
        "voice_params.x",
        "voice_params.speed",
    ]


def test_the_sentence_names_the_call_and_all_faults() -> None:
    with pytest.raises(RequestInvalid) as caught:
        body(duration=0, mode_type=9)
    assert str(caught.value) == (
        "session/create: duration: found an integer 0, expected a number from 1 to 3600; "
        "mode_type: found an integer 9, expected one of 1, 2"
    )
    assert (caught.value.fault, caught.value.may_have_happened) == ("caller", False)


def test_a_value_that_holds_itself_is_refused() -> None:
    params: dict[str, Any] = {}
    params["pron_map"] = params
    assert faults(voice_params=params)[0].endswith("nested too deeply")


def test_whole_numbers_lose_their_point_and_none_leaves_a_field_out() -> None:
    sent = body(duration=600.0, language=None, voice_params={"speed": 1.0, "stt_language": None})
    assert msgspec.json.encode(sent) == (
        b'{"avatar_id":"a1","stream_type":"agora","duration":600,"voice_params":{"speed":1}}'
    )


def test_structs_enums_and_secrets_are_taken_too() -> None:
    sent = body(
        stream_type=Room.LIVEKIT,
        mode_type=Mode.RETELLING,
        voice_params=VoiceParams(speed=1.1, turn_detection=TurnDetection(threshold=0.2)),
        credentials={"livekit_url": "wss://x.test", "livekit_token": Secret("tok")},
    )
    assert msgspec.json.decode(msgspec.json.encode(sent)) == {
        "avatar_id": "a1",
        "stream_type": "livekit",
        "mode_type": 1,
        "voice_params": {"speed": 1.1, "turn_detection": {"type": "server_vad", "threshold": 0.2}},
        "credentials": {"livekit_url": "wss://x.test", "livekit_token": "tok"},
    }


@pytest.mark.anyio
async def test_empty_strings_leave_a_field_out_as_in_the_official_demo(stub: Any) -> None:
    stub.says({"_id": "s1"})
    async with stub.client() as client:
        await client.sessions.create(
            SessionRequest(avatar_id="a1", duration=60, language="", voice_id="", scene_mode="", background_url="")
        )
    assert stub.bodies == [{"avatar_id": "a1", "stream_type": "agora", "duration": 60}]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.builds(object),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=4),
    max_leaves=12,
)
NAMES = sorted({field.encode_name for e in ENDPOINTS for kind in e.takes for field in msgspec.structs.fields(kind)})


@given(st.sampled_from(ENDPOINTS), st.dictionaries(st.sampled_from(NAMES) | st.text(), JSON, max_size=6))
def test_whatever_is_given_is_sent_as_json_or_refused_with_our_error(endpoint: Any, values: dict[str, Any]) -> None:
    error: RequestInvalid | None = None
    sent: dict[str, Any] = {}
    try:
        sent = checked(endpoint, values, Vault())
    except RequestInvalid as refusal:
        error = refusal
    assert str(error).isprintable()
    assert msgspec.json.decode(msgspec.json.encode(sent)) == sent


# -- the other calls ---------------------------------------------------------------------------


async def refused(stub: Any, call: Callable[[AkoolClient], Any]) -> str:
    async with stub.client() as client:
        with pytest.raises(RequestInvalid) as caught:
            await call(client)
    assert stub.requests == []
    return str(caught.value)


def upload(**fields: Any) -> AvatarUpload:
    return AvatarUpload(**({"url": "https://x.test/v.mp4", "avatar_id": "Tom2", "name": "Tom"} | fields))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        (
            {"avatar_id": "dvp_Tom"},
            r'avatar_id: found a string "dvp_Tom", expected a string that matches ^[a-zA-Z0-9]+\Z',
        ),
        ({"avatar_id": "Tom\n"}, "avatar_id: found"),
        ({"avatar_id": "Töm"}, "avatar_id: found"),
        ({"avatar_id": ""}, "avatar_id: found"),
        ({"url": "ftp://x.test/v"}, "url: found"),
        ({"url": "https://x.test/a b"}, "url: found"),
        ({"name": ""}, "name: found"),
        ({"url_from": 3}, "url_from: found an integer 3, expected one of 1, 2"),
        ({"type": 1}, "type: found an integer 1, expected 2"),
    ],
)
async def test_an_upload_is_checked(fields: dict[str, Any], fault: str, stub: Any) -> None:
    assert (await refused(stub, lambda akool: akool.avatars.upload(upload(**fields)))).startswith(
        f"avatar/create: {fault}"
    )


def document(name: str = "a.pdf", url: str = "https://x.test/a.pdf", size: Any = 1) -> Document:
    return Document(name, url, size)


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "n" * 100, "prologue": "p" * 2000, "prompt": "q" * 10000},
        {"docs": (document(size=100 * MiB),) * 5, "urls": ("https://x.test/page",)},
        {
            "docs": (
                document("Manual"),
                document("v1.2 notes", "https://x.test/n.MD?sig=1"),
                document("x.csv", "https://x.test/1"),
            )
        },
        {"name": "", "prologue": "", "docs": (), "urls": ()},
    ],
)
def test_a_knowledge_base_within_the_limits_is_sent(fields: dict[str, Any]) -> None:
    assert set(checked(KNOWLEDGE_CREATE, fields, Vault())) == set(fields)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"name": "n" * 101}, "name: found a string"),
        ({"prologue": "p" * 2001}, "prologue: found a string"),
        ({"prompt": "q" * 10001}, "prompt: found a string"),
        (
            {"docs": (document(size=100 * MiB + 1),)},
            "docs.0.size: found an integer 104857601, expected an integer from 0 to 104857600",
        ),
        ({"docs": (document(size="1"),)}, "docs.0.size: found"),
        ({"docs": (document(size=100 * MiB),) * 6}, "docs: together 629145600 B, the service takes 524288000 B"),
        ({"docs": (document("a.exe", "https://x.test/a.exe"),)}, "docs.0.name: no type of file that the service reads"),
        ({"docs": (document(url="file:///etc/passwd"),)}, "docs.0.url: found"),
        ({"urls": ("x",)}, "urls.0: found"),
    ],
)
async def test_a_knowledge_base_beyond_the_limits_is_told(fields: dict[str, Any], fault: str, stub: Any) -> None:
    text = await refused(stub, lambda akool: akool.knowledge.create(KnowledgeFields(**fields)))
    assert text.startswith(f"knowledge/create: {fault}")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("call", "fault"),
    [
        (lambda akool: akool.knowledge.update("k1", KnowledgeFields()), "knowledge/update: id: nothing to change"),
        (lambda akool: akool.knowledge.update("", KnowledgeFields(name="x")), "knowledge/update: id: found"),
        (lambda akool: akool.knowledge.delete(""), "knowledge/delete: id: found"),
        (lambda akool: akool.knowledge.page(only=KnowledgeFilter(origin=3)), "knowledge/list: from: found"),  # type: ignore[arg-type]
        (lambda akool: akool.sessions.detail(""), "session/detail: id: found"),
        (lambda akool: akool.sessions.close(""), "session/close: id: found"),
        (lambda akool: akool.sessions.page(0), "session/list: page: found"),
        (lambda akool: akool.sessions.page(size=101), "session/list: size: found"),
        (lambda akool: akool.sessions.page(status=5), "session/list: status: found"),
        (lambda akool: akool.avatars.page(platform="web"), "avatar/list: platform: found"),
        (lambda akool: akool.avatars.detail(""), "avatar/detail: avatar_id: found"),
        (lambda akool: akool.voices.page(only=VoiceFilter(type=3)), "voice/list: type: found"),  # type: ignore[arg-type]
    ],
)
async def test_questions_are_checked_too(call: Callable[[AkoolClient], Any], fault: str, stub: Any) -> None:
    assert (await refused(stub, call)).startswith(fault)


def test_a_request_that_breaks_a_rule_is_one_of_our_errors_and_a_value_error() -> None:
    assert issubclass(RequestInvalid, ServiceError)
    assert issubclass(RequestInvalid, ValueError)


def test_pages_have_their_default_when_nothing_is_said() -> None:
    assert checked(SESSION_LIST, {}, Vault()) == {}


def test_a_secret_in_the_wrong_place_is_not_shown() -> None:
    assert faults(mode_type=Secret("sk-0123456789")) == ['mode_type: found a string "***", expected one of 1, 2']
    assert faults(credentials="sk-0123456789") == ['credentials: found a string "***", expected a table']
    elevenlabs = {"elevenlabs_settings": "sk-0123456789"}
    assert faults(voice_params=elevenlabs) == [
        'voice_params.elevenlabs_settings: found a string "***", expected a table'
    ]
