from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from akoolflow.protocol.breaks import Break, breaks, fitting, last_before, mended, size_bytes


@given(st.text())
def test_a_size_is_what_the_encoder_makes_of_it(text: str) -> None:
    assert size_bytes(mended(text)) == len(msgspec.json.encode({"": mended(text)})) - len('{"":""}')


@given(st.text(), st.integers(0, 60))
def test_what_fits_fits_and_one_character_more_would_not(text: str, max_bytes: int) -> None:
    stop = fitting(text, max_bytes)
    assert size_bytes(text[:stop]) <= max_bytes
    if text.isascii() and "\r\n" not in text and stop < len(text):
        assert size_bytes(text[: stop + 1]) > max_bytes


@pytest.mark.parametrize(
    ("text", "max_bytes", "expected"),
    [
        ("abc\r\ndef", 5, 3),
        ("ab🇩🇪🇫🇷", 2 + 8 + 4, 4),
        ("e\u0301e\u0301", 4, 2),
        ("e\u0301\u0301\u0301", 5, 3),
        ("😀", 3, 0),
    ],
)
def test_what_fits_ends_with_a_whole_cluster_unless_not_even_one_fits(text: str, max_bytes: int, expected: int) -> None:
    assert fitting(text, max_bytes) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One two", [Break(4, sentence=False)]),
        ("One.  Two", [Break(6, sentence=True)]),
        ("One.Two", []),
        ("One,\ntwo", [Break(5, sentence=True)]),
        ('"One!" two', [Break(7, sentence=True)]),
        ("一。二", [Break(2, sentence=True)]),
        ("一、二", [Break(2, sentence=False)]),
        ("一。」 二", [Break(4, sentence=True)]),
        ("एक। दो", [Break(4, sentence=True)]),
        ("5\u00a0km far", [Break(5, sentence=False)]),
        ("  One two", [Break(6, sentence=False)]),
        ("One \u0301two", []),
    ],
)
def test_breaks_are_behind_what_follows_a_word(text: str, expected: list[Break]) -> None:
    assert breaks(text, 0, len(text) - 1) == expected


def test_a_run_of_spaces_that_goes_on_is_no_break() -> None:
    assert breaks("One  two", 0, 4) == []


def test_the_end_of_a_sentence_is_worth_the_slack_and_no_more() -> None:
    text = "One. Two three"
    places = breaks(text, 0, len(text) - 1)
    assert [last_before(text, places, 11, slack_bytes) for slack_bytes in (6, 5, 2, 1)] == [5, 9, 9, 11]
