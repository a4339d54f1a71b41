"""Who is let in, and with what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from akoolflow.secret import Secret
from akoolflow.simulator.rest.options import AccountOptions

Make = Callable[..., Any]
LIST = "v4/liveAvatar/session/list"
TOKEN = "v3/getToken"
PAIR = {"clientId": "the-id", "clientSecret": "the-key"}


def test_the_api_key_lets_in(world: Make) -> None:
    assert world().ask(LIST).code == 1000


def test_a_token_bought_with_id_and_secret_lets_in(world: Make) -> None:
    one = world()
    token = one.ask(TOKEN, PAIR).token
    assert one.ask(LIST, key="", authorization=f"Bearer {token}").code == 1000


@pytest.mark.parametrize(
    ("pair", "code"),
    [
        (PAIR, 1000),
        ({}, 1102),
        ({"clientId": "the-id"}, 1102),
        ({"clientId": "the-id", "clientSecret": ""}, 1102),
        ({"clientId": "the-id", "clientSecret": "wrong"}, 1101),
        ({"clientId": "nobody", "clientSecret": "the-key"}, 1101),
        ({"clientId": "the-id", "clientSecret": "another-key"}, 1101),
        ({"clientId": 5, "clientSecret": "the-key"}, 1003),
    ],
)
def test_only_the_right_pair_buys_a_token(world: Make, pair: dict[str, Any], code: int) -> None:
    answer = world().ask(TOKEN, pair, key="")
    assert (answer.code, isinstance(answer.token, str)) == (code, code == 1000)


@pytest.mark.parametrize(
    ("key", "authorization", "code"),
    [
        ("", "", 1102),
        (" ", " ", 1102),
        ("wrong", "", 1101),
        ("the-key", "Bearer", 1102),
        ("the-key", "Bearer ", 1102),
        ("the-key", "Bearer wrong", 1101),
        ("the-key", "the-key", 1101),
        ("the-key", "Basic the-key", 1101),
        ("", "Bearer the-key", 1101),
        ("", "Bearer a.b.c", 1101),
    ],
)
def test_what_is_not_a_key_or_a_token_is_refused(world: Make, key: str, authorization: str, code: int) -> None:
    assert world().ask(LIST, key=key, authorization=authorization).code == code


def test_authorization_goes_before_the_api_key(world: Make) -> None:
    one = world()
    one.create()
    other = one.ask(TOKEN, {"clientId": "another-id", "clientSecret": "another-key"}).token
    assert one.ask(LIST, authorization=f"bearer {other}").data.count == 0


def test_a_token_expires_after_its_life(world: Make) -> None:
    one = world(token_life_s=100.0)
    header = f"Bearer {one.ask(TOKEN, PAIR).token}"
    codes = []
    for age_s in (0, 99, 100):
        one.now = 1_800_000_000.0 + age_s
        codes.append(one.ask(LIST, key="", authorization=header).code)
    assert codes == [1000, 1000, 1101]


def test_a_token_of_an_account_that_is_no_more_is_refused(world: Make) -> None:
    token = world().ask(TOKEN, {"clientId": "another-id", "clientSecret": "another-key"}).token
    alone = world(account=(AccountOptions(client_secret=Secret("the-key")),))
    assert alone.ask(LIST, key="", authorization=f"Bearer {token}").code == 1101


def test_a_key_after_bearer_is_told_where_it_belongs_or_taken(world: Make) -> None:
    refusal = world().ask(LIST, key="", authorization="Bearer the-key")
    assert (refusal.code, "belongs in x-api-key" in refusal.msg) == (1101, True)
    assert world(key_as_bearer=True).ask(LIST, key="", authorization="Bearer the-key").code == 1000


def test_a_blocked_account_gets_in_nowhere(world: Make) -> None:
    one = world(account=(AccountOptions(client_id="the-id", client_secret=Secret("the-key"), state="blocked"),))
    assert [one.ask(LIST).code, one.ask(TOKEN, PAIR).code] == [1200, 1200]


@pytest.mark.parametrize(("state", "code"), [("unpaid", 1103), ("unsubscribed", 1221)])
def test_who_does_not_pay_may_look_but_not_open(world: Make, state: str, code: int) -> None:
    one = world(account=(AccountOptions(client_secret=Secret("the-key"), state=state),))  # type: ignore[arg-type]
    assert [one.ask(LIST).code, one.create().code] == [1000, code]


def test_keys_that_are_left_out_follow_from_the_seed_and_differ_between_accounts(world: Make) -> None:
    def keys() -> list[str]:
        made = world(account=(AccountOptions(), AccountOptions(uid=2))).backend.accounts
        return [each.client_secret for each in made]

    assert keys() == keys()
    assert len(set(keys())) == 2
    assert {len(key) for key in keys()} == {32}


def test_no_repr_shows_a_key(world: Make) -> None:
    one = world()
    assert "the-key" not in repr([*one.backend.accounts]) + repr(one.switches)
