"""The model that answers in dialogue mode: small, deterministic, and visibly about what it was told.

It speaks English only; a sentence that no intent knows is turned back on its speaker, or quoted.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

__all__ = ["INTENTS", "Dialogue", "Intent"]


class Intent(Struct, frozen=True, kw_only=True):
    """Sentences that mean one thing, and what to reply; with several replies they take turns."""

    words: frozenset[str]
    """Any of these, lower case …"""
    max_words: int = 1_000
    """… in a sentence of at most so many."""
    replies: tuple[str, ...]


INTENTS: Final = (
    Intent(
        words=frozenset({"hello", "hi", "hey", "greetings", "hola", "bonjour"}),
        max_words=4,
        replies=("Hello! What would you like to talk about?", "Hello again! I am still here."),
    ),
    Intent(
        words=frozenset({"thanks", "thank", "cheers"}),
        max_words=6,
        replies=("You are welcome.", "With pleasure."),
    ),
    Intent(
        words=frozenset({"bye", "goodbye", "farewell"}),
        max_words=6,
        replies=("Goodbye! It was good to talk to you.",),
    ),
    Intent(
        words=frozenset({"who", "name", "real", "human", "robot"}),
        max_words=6,
        replies=("I am a simulated avatar. I run on your own machine and cost nothing.",),
    ),
    Intent(
        words=frozenset({"help", "can"}),
        max_words=5,
        replies=("I can listen, answer in pieces, be interrupted, and change my settings. Tell me anything.",),
    ),
)

_PATTERNS: Final = (
    (re.compile(r"^my name is (.+)", re.IGNORECASE), "Nice to meet you, {0}."),
    (re.compile(r"^i(?: am|'m|’m) (.+)", re.IGNORECASE), "How long have you been {0}?"),  # noqa: RUF001
    (re.compile(r"^i (want|need|like|love|hate|feel|think|believe) (.+)", re.IGNORECASE), "Why do you {0} {1}?"),
)
_FALLBACKS: Final = (
    "You said: “{0}”. Tell me more about it.",
    "“{0}”. I see. What makes you say that?",
    "I heard: “{0}”. Please go on.",
)
_QUESTION: Final = "You ask: “{0}” That is a question for the real avatar; I am only its stand-in."
_MIRROR: Final = {"i": "you", "me": "you", "my": "your", "mine": "yours", "am": "are", "you": "me", "your": "my"}
_TOKEN: Final = re.compile(r"[^\W\d_]+")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?。！？])\s*")  # noqa: RUF001 - other scripts' marks are meant
_MAX_QUOTE_CHARS: Final = 80


class Dialogue:
    """Answers one conversation's sentences; the same sentences in the same order get the same answers."""

    def __init__(self) -> None:
        self._turns = 0

    def answer(self, text: str) -> str:
        self._turns += 1
        sentences = [sentence for sentence in _SENTENCE_END.split(text.strip()) if sentence]
        last = sentences[-1] if sentences else ""
        for pattern, reply in _PATTERNS:
            if match := pattern.match(last):
                return reply.format(*(_mirrored(group) for group in match.groups()))
        words = _TOKEN.findall(text.lower())
        for intent in INTENTS:
            if len(words) <= intent.max_words and not intent.words.isdisjoint(words):
                return self._pick(intent.replies)
        template = _QUESTION if last.endswith(("?", "\uff1f")) else self._pick(_FALLBACKS)
        return template.format(_short(last))

    def _pick(self, replies: tuple[str, ...]) -> str:
        return replies[(self._turns - 1) % len(replies)]


def _mirrored(text: str) -> str:
    plain = _short(text.rstrip(" .!?"))
    return _TOKEN.sub(lambda word: _MIRROR.get(word[0].lower(), word[0]), plain)


def _short(text: str) -> str:
    return text if len(text) <= _MAX_QUOTE_CHARS else text[: _MAX_QUOTE_CHARS - 1] + "…"
