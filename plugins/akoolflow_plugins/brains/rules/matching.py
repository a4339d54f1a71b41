"""The ways a rule can match an utterance: each is a function from what was heard to what it captured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from msgspec import Struct

from akoolflow.errors import OptionInvalid
from akoolflow.toml.faults import nearest
from akoolflow_plugins.brains.rules.folding import contains, fold

__all__ = ["KINDS", "Captures", "Context", "Heard", "Key", "Matcher", "check_phrase"]

Key: TypeAlias = tuple[str | int, ...]
Captures: TypeAlias = Mapping[str, str]

_RE2_MAX_MEM_BYTES: Final = 8 << 20
"""RE2's own default, written out: much less, and it falls back from its automaton to something 50 times slower."""
_RE2_HINTS: Final = (
    ("invalid perl operator", "RE2 knows no lookaround, which is why no pattern can stall a session"),
    ("invalid escape sequence: \\", "RE2 knows no backreferences, which is why no pattern can stall a session"),
    ("pattern too large", "make its counted repetitions smaller"),
)
"""By how RE2's reason begins."""


class Heard:
    """One utterance, folded once for all rules."""

    __slots__ = ("folded", "text")

    def __init__(self, text: str) -> None:
        self.text = text.encode(errors="replace").decode()  # half a surrogate pair is no text for RE2
        self.folded = fold(text)


class Context(Struct, frozen=True, kw_only=True):
    """What a rule may refer to, and the options that hold for all rules."""

    intents: Mapping[str, tuple[str, ...]] = {}
    intent_threshold: float = 1.0
    regex_max_chars: int = 2000


Test: TypeAlias = Callable[[Heard], Captures | None]


class Matcher(Struct, frozen=True):
    """`test` returns the captures, or None if the rule does not match; `names` are those that it captures."""

    test: Test
    names: tuple[str, ...] = ()


def check_phrase(text: str, key: Key) -> str:
    """The phrase, folded.

    :raises OptionInvalid: nothing is left of it to compare.
    """
    folded = fold(text)
    if not folded:
        raise OptionInvalid(key, "no word to match", "write at least one letter, digit or symbol")
    return folded


def _phrases(value: str | tuple[str, ...], key: Key) -> tuple[str, ...]:
    if isinstance(value, str):
        return (check_phrase(value, key),)
    if not value:
        raise OptionInvalid(key, "an empty list matches nothing", "write at least one phrase")
    return tuple(check_phrase(each, (*key, index)) for index, each in enumerate(value))


def _plain(holds: Callable[[str], bool]) -> Matcher:
    return Matcher(lambda heard: {} if holds(heard.folded) else None)


def _exact(value: str | tuple[str, ...], _: Context, key: Key) -> Matcher:
    phrases = frozenset(_phrases(value, key))
    return _plain(phrases.__contains__)


def _any(value: str | tuple[str, ...], _: Context, key: Key) -> Matcher:
    phrases = _phrases(value, key)
    return _plain(lambda folded: any(contains(folded, phrase) for phrase in phrases))


def _all(value: tuple[str, ...], _: Context, key: Key) -> Matcher:
    phrases = _phrases(value, key)
    return _plain(lambda folded: all(contains(folded, phrase) for phrase in phrases))


def _intent(name: str, context: Context, key: Key) -> Matcher:
    if name not in context.intents:
        raise OptionInvalid(key, f"no intent is called {name!r}", nearest(name, context.intents))
    # A phrase is cut at its spaces only: what is written in one piece, in whatever script, has to be heard so.
    phrases = [tuple(filter(None, map(fold, text.split()))) for text in context.intents[name]]
    return _plain(lambda folded: any(_share(words, folded) >= context.intent_threshold for words in phrases))


def _share(words: tuple[str, ...], folded: str) -> float:
    return sum(contains(folded, word) for word in words) / len(words)


def _regex(pattern: str, context: Context, key: Key) -> Matcher:
    compiled = _compile(pattern, key)
    names = ("0", *map(str, range(1, compiled.groups + 1)), *compiled.groupindex)
    if "text" in names:
        raise OptionInvalid(key, "a group named `text`", "{text} is the whole utterance; give the group another name")

    def test(heard: Heard) -> Captures | None:
        found = None if len(heard.text) > context.regex_max_chars else compiled.search(heard.text)
        if found is None:
            return None
        by_number = {str(number): text or "" for number, text in enumerate((found.group(0), *found.groups()))}
        return by_number | {name: by_number[str(number)] for name, number in compiled.groupindex.items()}

    return Matcher(test, names)


def _compile(pattern: str, key: Key) -> Any:
    if not pattern:
        raise OptionInvalid(key, "an empty pattern matches everything", "write '.*' if that is what you mean")
    try:
        import re2  # noqa: PLC0415 - an extra: imported only if a rule asks for it
    except ImportError as error:
        raise OptionInvalid(key, "`regex` needs Google's RE2", "pip install 'akoolflow[rules]'") from error
    options = re2.Options()
    options.max_mem, options.log_errors, options.case_sensitive = _RE2_MAX_MEM_BYTES, False, False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if error.args else "unknown reason"
        hint = next((hint for start, hint in _RE2_HINTS if reason.startswith(start)), "")
        raise OptionInvalid(key, f"not a pattern that RE2 takes: {reason}", hint) from error
    except UnicodeEncodeError as error:
        raise OptionInvalid(key, "not a pattern that RE2 takes: half a surrogate pair") from error


KINDS: Final[Mapping[str, Callable[[Any, Context, Key], Matcher]]] = {
    "match": _any,
    "exact": _exact,
    "any": _any,
    "all": _all,
    "regex": _regex,
    "intent": _intent,
}
"""By the key of the rule; each takes its value and where it stands, and raises `OptionInvalid` there."""
