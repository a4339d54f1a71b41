from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akoolflow.room_credentials import CREDENTIALS, credential_faults, normalised, stream_type_of
from akoolflow.secret import Secret

AGORA = {"agora_uid": 7, "agora_channel": "room", "agora_token": "t"}
LIVEKIT = {"livekit_url": "wss://x.test", "livekit_token": "t"}
TRTC = {"trtc_app_id": 7, "trtc_room_id": "r", "trtc_user_id": "u", "trtc_user_sig": "s"}
TRTC_AS_PRINTED = {name.replace("trtc_", "trtc_sdk_"): value for name, value in TRTC.items()}


def faults(credentials: dict[str, Any], stream_type: str | None = None) -> list[str]:
    return [f"{fault.key[-1]}: {fault}" for fault in credential_faults(credentials, stream_type)]


@pytest.mark.parametrize(
    ("stream_type", "credentials"),
    [
        ("agora", AGORA),
        ("agora", {**AGORA, "agora_app_id": "app"}),
        ("livekit", LIVEKIT),
        (
            "livekit",
            {
                **LIVEKIT,
                "livekit_room_name": "r",
                "livekit_server_identity": "s",
                "livekit_client_identity": "c",
                "audio_only_from_data_stream": True,
            },
        ),
        ("trtc", TRTC),
        ("trtc", TRTC_AS_PRINTED),
        ("trtc", {**TRTC, **TRTC_AS_PRINTED}),
        ("livekit", {**LIVEKIT, "livekit_token": Secret("t")}),
        (None, AGORA),
        (None, LIVEKIT),
        (None, TRTC_AS_PRINTED),
    ],
)
def test_a_room_of_ones_own_takes_the_documented_fields(stream_type: str | None, credentials: dict[str, Any]) -> None:
    assert faults(credentials, stream_type) == []


@pytest.mark.parametrize("stream_type", CREDENTIALS)
def test_every_required_field_is_missed(stream_type: str) -> None:
    required = [field.name for field in CREDENTIALS[stream_type] if field.required]
    assert [fault.split(":")[0] for fault in faults({}, stream_type)] == required


@pytest.mark.parametrize(
    ("credentials", "stream_type", "expected"),
    [
        ({**AGORA, "agora_uid": "7"}, "agora", "agora_uid: expected a whole number that is not negative"),
        ({**AGORA, "agora_uid": -1}, "agora", "agora_uid: expected a whole number that is not negative"),
        ({**AGORA, "agora_uid": True}, "agora", "agora_uid: expected a whole number that is not negative"),
        ({**AGORA, "agora_token": ""}, "agora", "agora_token: expected a string that is not empty"),
        ({**AGORA, "agora_token": Secret("")}, "agora", "agora_token: expected a string that is not empty"),
        ({**TRTC_AS_PRINTED, "trtc_sdk_room_id": 5}, "trtc", "trtc_sdk_room_id: expected a string that is not empty"),
        (
            {**LIVEKIT, "audio_only_from_data_stream": 1},
            "livekit",
            "audio_only_from_data_stream: expected true or false",
        ),
        ({**LIVEKIT, "livekit_tokn": "t"}, "livekit", "livekit_tokn: unknown key (did you mean livekit_token?)"),
        (
            {**AGORA, "livekit_url": "u"},
            "agora",
            (
                "livekit_url: belongs to stream type livekit, not agora"
                " (known: agora_app_id, agora_channel, agora_token, agora_uid)"
            ),
        ),
        (
            {**TRTC, "trtc_sdk_app_id": 8},
            "trtc",
            "trtc_sdk_app_id: differs from trtc_app_id (two spellings of one thing: leave one out)",
        ),
    ],
)
def test_a_wrong_field_is_told_without_its_value(credentials: dict[str, Any], stream_type: str, expected: str) -> None:
    assert faults(credentials, stream_type) == [expected]


def test_credentials_of_no_known_room_are_told() -> None:
    assert faults({"x": 1}) == ["credentials: they fit no stream type; known: agora, livekit, trtc"]


def test_either_spelling_of_trtc_comes_out_as_one() -> None:
    assert normalised(TRTC) == normalised(TRTC_AS_PRINTED) == TRTC


def test_where_both_spellings_are_there_that_of_the_live_service_holds() -> None:
    assert normalised({"trtc_sdk_room_id": "printed", "trtc_room_id": "live"})["trtc_room_id"] == "live"
    assert normalised({"trtc_room_id": "", "trtc_sdk_room_id": "printed"})["trtc_room_id"] == "printed"


@pytest.mark.parametrize(
    ("given_value", "made"),
    [
        ({"agora_uid": "100000"}, {"agora_uid": 100000}),
        ({"trtc_sdk_app_id": "20001234"}, {"trtc_app_id": 20001234}),
        ({"trtc_room_id": 77}, {"trtc_room_id": "77"}),
        ({"agora_uid": "7x"}, {"agora_uid": "7x"}),
        ({"agora_uid": "\N{ARABIC-INDIC DIGIT SEVEN}"}, {"agora_uid": "\N{ARABIC-INDIC DIGIT SEVEN}"}),
        ({"trtc_user_id": None}, {"trtc_user_id": None}),
        ({"future": [1]}, {"future": [1]}),
        ({"agora_token": Secret("t")}, {"agora_token": "t"}),
    ],
)
def test_each_field_has_its_own_type_whatever_the_service_wrote(
    given_value: dict[str, Any], made: dict[str, Any]
) -> None:
    assert normalised(given_value) == made


@pytest.mark.parametrize(
    ("names", "stream_type"),
    [(AGORA, "agora"), (LIVEKIT, "livekit"), (TRTC_AS_PRINTED, "trtc"), ({}, ""), ({"room": 1}, "")],
)
def test_the_names_tell_the_stream_type(names: dict[str, Any], stream_type: str) -> None:
    assert stream_type_of(names) == stream_type


NAMES = [name for fields in CREDENTIALS.values() for field in fields for name in (field.name, field.also) if name]


@given(
    st.dictionaries(
        st.sampled_from(NAMES) | st.text(),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text().map("{}<secret>".format)
        | st.lists(st.integers()),
    ),
    st.sampled_from([*CREDENTIALS, None, "local"]),
)
def test_odd_credentials_are_told_and_never_shown_and_normalising_twice_changes_nothing(
    credentials: dict[str, Any], stream_type: str | None
) -> None:
    for fault in faults(credentials, stream_type):
        assert "<secret>" not in fault
    assert repr(normalised(normalised(credentials))) == repr(normalised(credentials))
