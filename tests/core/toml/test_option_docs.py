from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import Struct, defstruct, field

from akoolflow.secret import Secret
from akoolflow.toml.option_docs import field_docs, option_docs


class Inner(Struct, frozen=True):
    word: str
    """A word,
    on two lines."""
    again: tuple[Inner, ...] = ()


class Options(Struct, frozen=True, kw_only=True):
    first: int
    """Whole."""
    second: str | None = None
    third: bool = True
    path: Path = Path("a/b")
    """Where."""
    key: Secret = Secret("sk-1")
    inner: Inner = Inner("x")
    list_of: tuple[Inner, ...] = ()
    by_name: dict[str, Inner] = field(default_factory=dict)
    limit: float = float("inf")


def test_each_option_has_its_type_default_and_docstring() -> None:
    docs = {doc.key: doc for doc in option_docs(Options)}
    assert (docs["first"].type, docs["first"].required, docs["first"].doc) == ("an integer", True, "Whole.")
    assert docs["inner.word"].doc == "A word, on two lines."
    assert docs["third"].doc == ""


def test_tables_in_options_are_listed_by_the_way_to_their_keys_and_not_for_ever() -> None:
    keys = [doc.key for doc in option_docs(Options)]
    assert {"inner.word", "list_of[].word", "by_name.*.word"} <= set(keys)
    assert "inner.again[].word" not in keys


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("first", ""),
        ("second", ""),
        ("third", "true"),
        ("path", '"a/b"'),
        ("key", '"***"'),
        ("inner", '{ word = "x", again = [] }'),
        ("by_name", "{}"),
        ("limit", "inf"),
    ],
)
def test_a_default_is_written_as_in_the_file_with_secrets_masked(key: str, text: str) -> None:
    assert {doc.key: doc.default_text for doc in option_docs(Options)}[key] == text


def test_a_struct_without_source_has_no_field_docs() -> None:
    assert field_docs(defstruct("Made", [("a", int)])) == {}
