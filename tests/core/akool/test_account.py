from __future__ import annotations

import base64

import hypothesis.strategies as st
import pytest
from hypothesis import given

from akoolflow.akool.account import Account, keep
from akoolflow.errors import OptionInvalid
from akoolflow.secret import Secret

SECRET = Secret("sk-1")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "missing (AKOOL's console shows it; or give client_id and client_secret)"),
        ({"client_id": "id"}, "missing (they go together)"),
        ({"client_secret": SECRET}, "missing (they go together)"),
        ({"api_key": Secret("")}, "is empty (check how it was copied)"),
        ({"token": "tok-1"}, "is no Secret (wrap it: Secret(text))"),
    ],
)
def test_an_account_that_cannot_call_is_refused(fields: dict[str, object], sentence: str) -> None:
    with pytest.raises(OptionInvalid) as caught:
        Account(**fields)  # type: ignore[arg-type]
    assert str(caught.value) == sentence


@pytest.mark.parametrize("field", ["api_key", "token"])
@pytest.mark.parametrize("text", ["sk-1\n", " sk-1", "sk 1", "schlüssel", "\x00"])
def test_a_key_that_no_header_can_hold_is_refused_without_being_shown(field: str, text: str) -> None:
    with pytest.raises(OptionInvalid) as caught:
        Account(**{field: Secret(text)})  # type: ignore[arg-type]
    assert caught.value.key == (field,)
    assert text not in f"{caught.value!r}{caught.value}"


def test_its_repr_shows_no_secret() -> None:
    account = Account(api_key=SECRET, client_id="id", client_secret=Secret("cs-1"), token=Secret("tok-1"))
    assert not any(word in repr(account) for word in account.secrets())
    assert account.secrets() == ("sk-1", "cs-1", "tok-1")


@given(st.text() | st.binary().map(lambda b: f"h.{base64.urlsafe_b64encode(b).decode()}.s"))
def test_any_token_can_be_kept(token: str) -> None:
    assert keep(Secret(token), 1000.0).until_unix_s == 1000.0 + 3300.0
