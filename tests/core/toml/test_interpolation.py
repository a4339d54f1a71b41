from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from akoolflow.toml.interpolation import Unfilled, fill, plain, scrub

ENV = {"A": "alpha", "EMPTY": "", "N": "7", "BAD": "\udcff"}


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("${A}", "alpha"),
        ("x ${A}-${N}", "x alpha-7"),
        ("${NONE:-other}", "other"),
        ("${EMPTY:-other}", "other"),
        ("${EMPTY}", ""),
        ("${A:-other}", "alpha"),
        ("${NONE:-}", ""),
        ("${NONE:-a:-b $ c}", "a:-b $ c"),
        ("$${A}", "${A}"),
        ("$$${A}", "$${A}"),
        ("$A $", "$A $"),
        ("{A}", "{A}"),
    ],
)
def test_a_reference_stands_for_its_value(raw: str, text: str) -> None:
    filled, faults = fill(raw, ENV)
    assert faults == []
    assert plain(filled) == text


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("${NONE}", "the environment variable NONE is not set"),
        ("${}", "found a `${` that is no reference"),
        ("${1A}", "found a `${` that is no reference"),
        ("${A", "found a `${` that is no reference"),
        ("${A:default}", "found a `${` that is no reference"),
        ("${NONE:-${A}}", "found a `${` that is no reference"),
        ("${NONE:-{}}", "found a `${` that is no reference"),
        ("${BAD}", "the environment variable BAD does not hold UTF-8 text"),
    ],
)
def test_a_reference_without_an_answer_is_a_fault(raw: str, message: str) -> None:
    filled, faults = fill(raw, ENV)
    assert [fault.message for fault in faults] == [message]
    assert filled == Unfilled(raw)


def test_every_unset_name_is_told_with_its_place() -> None:
    document = {"a": ["${X}", {"b": "${Y} ${A} ${Z}"}], "c": "$${W}"}
    _, faults = fill(document, ENV)
    assert [(fault.path, fault.mark) for fault in faults] == [(("a", 0), 0), (("a", 1, "b"), 0), (("a", 1, "b"), 2)]


def test_numbers_dates_and_keys_are_left_alone() -> None:
    document: dict[str, Any] = {"${A}": 1, "b": [True, 2.5, None]}
    assert fill(document, ENV) == (document, [])


@pytest.mark.parametrize(
    ("raw", "whole"), [("${A}", True), ("${NONE:-7}", True), ("${A} ", False), ("${A}${A}", False)]
)
def test_only_a_lone_reference_is_whole(raw: str, *, whole: bool) -> None:
    filled, _ = fill(raw, ENV)
    assert filled.whole is whole


def test_what_came_from_the_environment_is_in_no_repr() -> None:
    filled, _ = fill({"k": "Bearer ${A}"}, ENV)
    assert "alpha" not in repr(filled)
    assert "Bearer ${A}" in repr(filled)


@settings(deadline=None)
@given(st.text(min_size=4).filter(str.strip))
@example("'quoted' \"twice\"\n")
@example("\\1\\1")
def test_a_foreign_message_is_rid_of_the_environment_however_it_quotes_it(secret: str) -> None:
    filled, _ = fill({"k": "<${S}>"}, {"S": secret})
    message = scrub(f"[{secret}] [{secret!r}] [{json.dumps(secret)}] [<{secret}>]", filled)
    left = message.translate(str.maketrans("", "", "${S}[]<> '\"\\"))
    assert left == ""


def test_a_short_value_does_not_eat_parts_of_words() -> None:
    filled, _ = fill("${N}", ENV)
    assert scrub("7 of 70, a7", filled) == "${N} of 70, a7"


def test_the_longest_value_is_replaced_first() -> None:
    filled, _ = fill(["${S}", "${T}"], {"S": "abcd", "T": "abcdef"})
    assert scrub("abcdef abcd", filled) == "${T} ${S}"


def test_text_of_the_file_itself_is_not_scrubbed() -> None:
    filled, _ = fill(["plain", "${NONE:-default}"], ENV)
    assert scrub("plain default", filled) == "plain default"


@pytest.mark.parametrize("text", ["${" * 200_000, "${A}" * 200_000, "$${" * 200_000, "${A" * 200_000])
def test_a_flood_of_references_is_read_in_linear_time(text: str) -> None:
    begin = time.process_time()
    fill(text, {})
    assert time.process_time() - begin < 10
