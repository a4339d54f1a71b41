"""The built-in model of dialogue mode."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akoolflow.simulator.dialogue import INTENTS, Dialogue


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("hello", "Hello! What would you like to talk about?"),
        ("My name is Ada.", "Nice to meet you, Ada."),
        ("I am tired of my phone.", "How long have you been tired of your phone?"),
        ("I want a boat!", "Why do you want a boat?"),
        ("Hi there, old friend. I like trains", "Why do you like trains?"),
        ("Where is the station?", "You ask: “Where is the station?” "),
        ("Trains leave at nine", "You said: “Trains leave at nine”. "),
        ("{0} {x}", "You said: “{0} {x}”. "),
        ("你好吗？", "You ask: “你好吗？” "),  # noqa: RUF001 - another script's mark is meant
    ],
)
def test_the_answer_follows_from_what_was_said(said: str, answer: str) -> None:
    assert Dialogue().answer(said).startswith(answer)


def test_the_same_words_said_again_get_another_reply() -> None:
    model = Dialogue()
    assert len({model.answer("Trains leave at nine") for _ in range(3)}) == 3


def test_a_long_sentence_is_quoted_short() -> None:
    assert len(Dialogue().answer("x" * 10_000)) < 200


@given(st.lists(st.text(max_size=200), max_size=5))
def test_anything_gets_an_answer_and_the_same_conversation_the_same(texts: list[str]) -> None:
    one, other = Dialogue(), Dialogue()
    answers = [one.answer(text) for text in texts]
    assert all(answer.strip() for answer in answers)
    assert answers == [other.answer(text) for text in texts]


def test_intents_are_spelt_as_they_are_compared() -> None:
    assert all(word == word.lower() and word.isalpha() for intent in INTENTS for word in intent.words)
