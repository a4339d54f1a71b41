"""JSON Web Tokens: what was signed is read back, anything else is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akoolflow.simulator.rest.tokens import claims_of, signed

KEY = b"a key"


def unpadded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def handmade(header: Any, claims: Any, key: bytes = KEY) -> str:
    text = f"{unpadded(json.dumps(header).encode())}.{unpadded(json.dumps(claims).encode())}"
    return f"{text}.{unpadded(hmac.new(key, text.encode(), hashlib.sha256).digest())}"


@given(st.dictionaries(st.text(max_size=9), st.integers(-(2**53), 2**53) | st.text(max_size=20), max_size=5))
def test_what_was_signed_is_read_back(claims: dict[str, Any]) -> None:
    assert claims_of(signed(claims, KEY), KEY) == claims


def test_a_token_made_by_the_book_is_read() -> None:
    assert claims_of(handmade({"alg": "HS256", "typ": "JWT"}, {"uid": 7}), KEY) == {"uid": 7}


def test_another_key_is_refused() -> None:
    with pytest.raises(ValueError, match="not signed by this service"):
        claims_of(signed({"uid": 7}, b"another"), KEY)


@pytest.mark.parametrize("alg", ["none", "HS512", None])
def test_another_algorithm_is_refused_even_with_a_good_signature(alg: str | None) -> None:
    with pytest.raises(ValueError, match="HS256"):
        claims_of(handmade({"alg": alg}, {"uid": 7}), KEY)


@given(st.data())
def test_no_change_of_a_character_goes_unnoticed(data: st.DataObject) -> None:
    token = signed({"uid": 100010, "exp": 1_800_000_000}, KEY)
    n = data.draw(st.integers(0, len(token) - 1))
    character = data.draw(st.sampled_from("Aa0-_.é").filter(lambda one: one != token[n]))
    with pytest.raises(ValueError, match="not"):
        claims_of(token[:n] + character + token[n + 1 :], KEY)


@given(st.text(max_size=60))
def test_any_text_is_refused_in_order(text: str) -> None:
    with pytest.raises(ValueError, match="not"):
        claims_of(text, KEY)


@pytest.mark.parametrize("claims", [[], "text", 1, None])
def test_claims_that_are_no_object_are_refused(claims: Any) -> None:
    with pytest.raises(ValueError, match="not a JSON Web Token"):
        claims_of(handmade({"alg": "HS256"}, claims), KEY)


def test_a_token_of_ten_thousand_characters_is_refused_unread() -> None:
    with pytest.raises(ValueError, match="not a JSON Web Token"):
        claims_of(signed({"text": "x" * 10_000}, KEY), KEY)
