from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akoolflow.toml.faults import KeyPath, dotted, nearest, one_line, printable, quoted


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("brain", 1, "rules", 0, "regex"), "brain[1].rules[0].regex"),
        (("a b", "c.d", ""), '"a b"."c.d".""'),
        (("é\n",), '"é\\n"'),
    ],
)
def test_a_path_is_written_as_in_toml(path: KeyPath, text: str) -> None:
    assert dotted(path) == text


@settings(deadline=None)
@given(st.text())
def test_whatever_is_quoted_can_be_printed_in_one_line(text: str) -> None:
    assert quoted(text).isprintable()
    assert one_line(text).isprintable()
    assert printable(text).isprintable()


def test_a_long_text_is_cut() -> None:
    assert len(quoted("x" * 10_000)) < 100
    assert len(one_line("x" * 10_000)) <= 500


def test_a_right_to_left_override_is_shown_as_an_escape() -> None:
    assert quoted("a\u202eb") == '"a\\u202eb"'


def test_the_nearest_spelling_is_offered_and_else_all_of_them() -> None:
    assert nearest("spede", ["speed", "name"]) == 'did you mean "speed"?'
    assert nearest("x", ["speed", "name"]) == "known: speed, name"
    assert nearest("x", []) == "none is known here"
