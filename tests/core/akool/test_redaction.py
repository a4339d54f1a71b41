from __future__ import annotations

import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from akoolflow.akool.redaction import Vault, redacted
from akoolflow.secret import Secret


@pytest.mark.parametrize(
    "name",
    [
        "token", "livekit_token", "agora_token", "trtc_user_sig", "trtc_sdk_user_sig", "userSig", "sig", "api_key",
        "apiKey", "x-api-key", "API_KEY", "clientSecret", "password", "Authorization", "signature", "Set-Cookie",
    ],
)  # fmt: skip
def test_what_stands_under_the_name_of_a_secret_is_not_written(name: str) -> None:
    assert redacted({name: "abc"}) == {name: "***"}
    assert redacted({"data": [{name: {"deep": "abc"}}]}) == {"data": [{name: {"deep": "***"}}]}


@pytest.mark.parametrize("name", ["credentials", "stream_urls", "elevenlabs_settings"])
def test_of_tables_of_secrets_only_the_names_are_written(name: str) -> None:
    assert redacted({name: {"room": "r1", "n": 1}}) == {name: {"room": "***", "n": "***"}}
    assert redacted({name: "abc"}) == {name: "***"}


def test_the_rest_is_written_as_it_is() -> None:
    value = {"avatar_id": "a1", "voice_params": {"speed": 1.1}, "n": [1, None, True]}
    assert redacted(value) == value


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://x.test/v.mp4?X-Sig=abc&y=1", "https://x.test/v.mp4?***"),
        ("https://x.test/v.mp4#abc", "https://x.test/v.mp4?***"),
        ("https://me:pw@x.test/v.mp4", "https://***@x.test/v.mp4"),
        ("see https://x.test/a?b and http://y.test/c?d.", "see https://x.test/a?*** and http://y.test/c?***"),
        ("https://x.test/v.mp4", "https://x.test/v.mp4"),
    ],
)
def test_what_signs_a_url_is_not_written(url: str, written: str) -> None:
    assert redacted({"url": url}) == {"url": written}


def test_long_and_deep_values_are_cut_short() -> None:
    assert redacted("x" * 300) == "x" * 200 + "… (300 characters)"
    assert redacted([0] * 1000) == "… (1000 items)"
    deep: Any = "x"
    for _ in range(50):
        deep = [deep]
    assert len(json.dumps(redacted(deep))) < 100


SECRET = "sk-0123456789/ab+cd=ef"


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        (f"key {SECRET} is wrong", "key *** is wrong"),
        (f"{SECRET}{SECRET}", "***"),
        ("key sk-01234567… is wrong", "key ***… is wrong"),
        ("ends in 89/ab+cd=ef", "ends in ***"),
        ("key sk-0123456789%2Fab%2Bcd%3Def", "key ***"),
        ("nothing to see", "nothing to see"),
        ("sk-0123", "sk-0123"),
        ("a\nb\x07", "a b\\x07"),
    ],
)
def test_a_secret_and_any_longer_piece_of_it_are_taken_out_of_a_text(text: str, scrubbed: str) -> None:
    assert Vault([SECRET]).scrub(text) == scrubbed


def test_a_short_secret_is_taken_out_as_a_whole_word_only() -> None:
    assert Vault(["abc"]).scrub("abc abcd (abc) xabc") == "*** abcd (***) xabc"


def test_a_secret_that_json_escapes_is_found_in_json() -> None:
    assert Vault(['ab"cd\\efghij']).scrub('{"x":"ab\\"cd\\\\efghij"}') == '{"x":"***"}'


def test_what_passed_by_under_the_name_of_a_secret_is_remembered() -> None:
    vault = Vault()
    vault.learn({"data": {"credentials": {"agora_token": "tok-0123456789", "agora_channel": "channel-1234"}}})
    assert vault.scrub("tok-0123456789 of channel-1234") == "*** of channel-1234"


def test_a_secret_is_remembered_whatever_its_name() -> None:
    vault = Vault()
    vault.add(Secret("channel-1234"))
    assert vault.scrub("of channel-1234") == "of ***"


def test_the_accounts_secrets_are_never_forgotten_and_those_that_pass_by_do_not_pile_up() -> None:
    vault = Vault([SECRET])
    for number in range(1000):
        vault.learn({"token": f"passing-{number:08}"})
    assert repr(vault) == "Vault(258 secrets)"
    assert vault.scrub(f"{SECRET} passing-00000999") == "*** ***"


def test_a_log_line_of_json_holds_no_secret_even_where_nobody_expects_it() -> None:
    assert Vault([SECRET]).written({"note": f"<{SECRET}>", "token": "x"}) == '{"note": "<***>", "token": "***"}'


@given(
    st.text(min_size=8, max_size=40), st.text(max_size=60), st.text(max_size=60), st.integers(0, 31), st.integers(8, 40)
)
def test_no_eight_characters_of_a_secret_survive(secret: str, before: str, after: str, start: int, length: int) -> None:
    piece = secret[start : start + length]
    scrubbed = Vault([secret])._scrubbed(before + piece + after)
    assert not any(secret[n : n + 8] in scrubbed.replace("***", "\0") for n in range(len(secret) - 7))
