"""Words as they are compared: without case, width, punctuation and invisible characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from itertools import groupby, islice
from typing import Final

__all__ = ["contains", "fold"]

_MOST_MARKS: Final = 30
"""Combining marks kept on one letter: Unicode's stream-safe limit (UAX 15), far above what any language writes."""
_SPACELESS: Final = re.compile(
    "[\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f"  # Myanmar
    "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"  # Hangul: has spaces, but particles stick to the words
    "\u1780-\u17ff"  # Khmer
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\u3031-\u312f\u31f0-\u31ff]"  # kana, bopomofo
)
"""Scripts without spaces between words. Each of their characters counts as a word, so that a phrase is a substring."""
_INVISIBLE: Final = re.compile("[\u034f\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0100-\U000e01ef]")
"""Joiners, variation selectors and skin tones, which are not in category Cf: left out like those of Cf."""
_APOSTROPHE_LETTERS: Final = "\u02bb\u02bc"
_GAPS: Final = frozenset({"Cc", "Cs", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "Sk", "Zl", "Zp", "Zs"})
_SYMBOLS: Final = frozenset({"Cn", "Co", "Sc", "Sm", "So"})
_DOTLESS_I: Final = "\u0131"
_DOTTED_I: Final = re.compile("i\u0307+")


def fold(text: str) -> str:
    """The words of `text` with one space between them; folding twice changes nothing more.

    A symbol, such as an emoji or `+`, is a word of its own.
    """
    flat = _normal(_each(text, _visible))
    # Turkish has I with and without a dot in both cases: not knowing the language, all four have to be one letter.
    flat = _normal(_DOTTED_I.sub("i", flat.casefold().replace(_DOTLESS_I, "i")))
    return " ".join(_each(flat, _apart).split())


def contains(folded: str, phrase: str) -> bool:
    """True if the words of `phrase` stand one after the other in `folded`; both are folded."""
    return f" {phrase} " in f" {folded} "


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", _without_mark_runs(text))


def _without_mark_runs(text: str) -> str:
    # Python sorts the marks of a letter by insertion: 50 000 of them would stop the program for seconds.
    marks = {c for c in set(text) if all(map(unicodedata.combining, unicodedata.normalize("NFKD", c)))}
    if not marks:
        return text
    runs = groupby(text, marks.__contains__)
    return "".join("".join(islice(run, _MOST_MARKS) if is_mark else run) for is_mark, run in runs)


def _each(text: str, change: Callable[[str], str]) -> str:
    return text.translate({ord(c): change(c) for c in set(text)})


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf" or _INVISIBLE.match(character):
        return ""
    # Before NFKC, which takes an acute accent used as an apostrophe for a space and a combining mark.
    return " " if category == "Sk" else character


def _apart(character: str) -> str:
    category = unicodedata.category(character)
    if category in _GAPS or character in _APOSTROPHE_LETTERS:
        return " "
    return f" {character} " if category in _SYMBOLS or _SPACELESS.match(character) else character
