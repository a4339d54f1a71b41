"""No secret is logged, whatever its place."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from akoolflow.simulator.rest.redaction import redacted
from akoolflow.simulator.rest.room_tokens import AgoraSeat, Validity, agora_token, livekit_token, trtc_user_sig

KEY = "the-account-key"
VALID = Validity(1_800_000_000, 300)
TOKENS = {
    "livekit": livekit_token("devkey", "secret", "client", "room", VALID),
    "agora": agora_token("a" * 32, "b" * 32, AgoraSeat(channel="room", uid=1), VALID, 1),
    "trtc": trtc_user_sig(1, "key", "user", VALID),
    "elevenlabs": "sk_0123456789abcdef0123",
    "account": KEY,
}


@pytest.mark.parametrize(
    "key",
    [
        "clientSecret",
        "token",
        "agora_token",
        "livekit_token",
        "trtc_user_sig",
        "trtc_sdk_user_sig",
        "api_key",
        "apiKey",
        "x-api-key",
        "Authorization",
        "password",
    ],
)
def test_what_stands_under_a_secret_name_is_masked(key: str) -> None:
    assert redacted({"a": [{key: "hush"}]}, ()) == {"a": [{key: "***"}]}


@pytest.mark.parametrize("kind", TOKENS)
def test_a_secret_is_masked_by_its_looks_in_any_value_or_key(kind: str) -> None:
    token = TOKENS[kind]
    shown = str(redacted({"note": f"see {token}!", token: [token]}, {KEY}))
    assert (token not in shown, "see ***!" in shown) == (True, True)


def test_what_is_no_secret_is_shown() -> None:
    told = {"avatar_id": "dvp_Tristan_cloth2_1080P", "duration": 60, "voice_params": {"speed": 1.1}, "x": None}
    assert redacted(told, {KEY}) == told


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=1200) | st.just(KEY),
    lambda inner: st.lists(inner, max_size=60) | st.dictionaries(st.text(max_size=9), inner, max_size=9),
    max_leaves=30,
)


@given(JSON)
def test_whatever_comes_the_account_key_does_not_show_and_the_rest_is_bounded(value: Any) -> None:
    shown = msgspec.json.encode(redacted(value, {KEY})).decode()  # which has to be possible
    assert KEY not in shown


def test_long_texts_many_items_and_deep_nests_are_cut() -> None:
    deep: Any = "end"
    for _ in range(5000):
        deep = [deep]
    shown = redacted({"text": "x" * 10_000, "items": list(range(1000)), "deep": deep}, ())
    assert (len(shown["text"]) < 600, len(shown["items"]), "end" not in str(shown["deep"])) == (True, 50, True)
