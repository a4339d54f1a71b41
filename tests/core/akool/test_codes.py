from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import httpx
import pytest

from akoolflow.akool.codes import BUSY, CODES, OVER, SUCCESS, UNKNOWN, markdown
from akoolflow.errors import Culprit, Retry, ServiceRefused

OFFICIAL = {
    *range(1003, 1012), *range(1013, 1018), *range(1101, 1106), *range(1108, 1113), *range(1200, 1224),
    *range(1232, 1237),
}  # fmt: skip
SEEN_ELSEWHERE = {1001, 1002, 1237, 1500, 4001, 4003, 4004}


def test_the_table_holds_every_code_that_is_published_or_was_seen_and_success_is_none_of_them() -> None:
    assert set(CODES) == OFFICIAL | SEEN_ELSEWHERE
    assert SUCCESS not in CODES


def test_only_published_codes_claim_to_be_documented() -> None:
    assert {code for code, row in CODES.items() if row.source == "documented"} == OFFICIAL


@pytest.mark.parametrize("code", CODES)
def test_each_row_says_whose_fault_it_is_and_what_to_do(code: int) -> None:
    row = CODES[code]
    assert row.fault in get_args(Culprit)
    assert row.retry in get_args(Retry)
    assert row.meaning
    assert row.advice


def test_codes_of_a_busy_avatar_may_be_tried_again_later() -> None:
    assert {(CODES[code].fault, CODES[code].retry) for code in BUSY} == {("avatar", "later")}


def test_codes_of_a_session_that_is_over_never_heal() -> None:
    assert {CODES[code].retry for code in OVER} == {"never"}


@pytest.mark.anyio
@pytest.mark.parametrize("code", CODES)
async def test_each_code_becomes_an_error_that_has_what_the_table_says(
    code: int, stub: Any, refusal: Callable[..., httpx.Response]
) -> None:
    stub.answers(*[refusal(code, "whatever")] * 3)
    async with stub.client() as client:
        with pytest.raises(ServiceRefused) as caught:
            await client.sessions.detail("s1")
    error, row = caught.value, CODES[code]
    assert (error.code, error.msg, error.hint, error.call) == (code, "whatever", row.advice, "session/detail")
    assert (error.fault, error.retry, error.can_retry) == (row.fault, row.retry, row.retry in {"soon", "later"})
    assert str(error) == f"the service refused session/detail: code {code}, whatever; {row.advice}"


@pytest.mark.anyio
@pytest.mark.parametrize("code", CODES)
async def test_a_refusal_without_words_gets_those_of_the_table(
    code: int, stub: Any, refusal: Callable[..., httpx.Response]
) -> None:
    stub.answers(refusal(code, " "))
    async with stub.client(attempts=1) as client:
        with pytest.raises(ServiceRefused) as caught:
            await client.sessions.detail("s1")
    assert caught.value.msg == CODES[code].meaning


@pytest.mark.anyio
@pytest.mark.parametrize("code", [0, -1, 999, 1238, 2**53])
async def test_an_unknown_code_is_told_as_unknown(code: int, stub: Any, refusal: Callable[..., httpx.Response]) -> None:
    stub.answers(refusal(code, "what the service said"))
    async with stub.client() as client:
        with pytest.raises(ServiceRefused) as caught:
            await client.sessions.detail("s1")
    error = caught.value
    assert (error.code, error.msg, error.hint) == (code, "what the service said", UNKNOWN.advice)
    assert (error.fault, error.retry, error.can_retry) == ("unknown", "unknown", False)


def test_the_markdown_table_has_a_row_of_six_cells_for_each_code() -> None:
    head, line, *rows = markdown().splitlines()
    assert head == "| code | meaning | whose fault | try again | what to do | source |"
    assert line == "| --- | --- | --- | --- | --- | --- |"
    assert [int(row.split(" | ")[0].removeprefix("| ")) for row in rows] == sorted(CODES)
    assert {len(row.split(" | ")) for row in rows} == {6}
