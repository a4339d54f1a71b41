"""Rules as they are written, inline or in a file of their own, and the book that is made of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from akoolflow.errors import ConfigError, OptionInvalid
from akoolflow_plugins.brains.rules.matching import KINDS, Context, Key, Matcher, check_phrase
from akoolflow_plugins.brains.rules.replies import Template, parse_template

__all__ = ["Answer", "Book", "LanguageTable", "Rule", "RulesFile", "Sheet", "ladder", "noted", "raise_all"]


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way to be asked, one reply. Exactly one of `match`, `exact`, `any`, `all`, `regex` and `intent` is given.

    All of them leave case aside; all but `regex` leave punctuation and width aside, too.
    """

    match: str | None = None
    """A phrase: its words, one after the other, anywhere in the utterance."""
    exact: str | tuple[str, ...] | None = None
    """The whole utterance, or several ways to say it."""
    any: tuple[str, ...] | None = None
    """Phrases, at least one of which occurs."""
    all: tuple[str, ...] | None = None
    """Phrases, all of which occur, in any order."""
    regex: str | None = None
    """A pattern in RE2's syntax, found anywhere in the utterance; `(?-i)` in it makes it mind case."""
    intent: str | None = None
    """Name of a list of example phrases in `intents`."""
    reply: str | tuple[str, ...]
    """What to say; of a list, the next one each time in a session. `{text}` is the utterance, `{0}` what a regex
    matched, `{1}` and `{name}` its groups."""


class LanguageTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules of one language."""

    rules: tuple[Rule, ...]
    intents: dict[str, tuple[str, ...]] = {}
    """Example phrases by the intent's name; they go before intents of the same name outside this table."""
    no_match_reply: str | None = None
    """Said in this language in place of the `no_match_reply` of all."""


class Sheet(Protocol):
    """What the plugin's options and a rules file have in common."""

    @property
    def rules(self) -> tuple[Rule, ...]: ...

    @property
    def intents(self) -> dict[str, tuple[str, ...]]: ...

    @property
    def languages(self) -> dict[str, LanguageTable]: ...


class RulesFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A TOML file of rules; its intents are its own."""

    rules: tuple[Rule, ...] = ()
    intents: dict[str, tuple[str, ...]] = {}
    languages: dict[str, LanguageTable] = {}

    def __post_init__(self) -> None:
        if not (self.rules or self.languages):
            raise OptionInvalid("rules", "there are no rules in this file", "write [[rules]], once for each")
        Book.of(self, Context())


class Answer(Struct, frozen=True):
    """One rule, ready to be tried."""

    matcher: Matcher
    replies: tuple[Template, ...]


class Book(Struct, frozen=True):
    """The rules of one sheet, ready to be tried; languages by their tag in lower case, `es-mx`."""

    answers: tuple[Answer, ...]
    languages: Mapping[str, tuple[Answer, ...]]
    no_match: Mapping[str, Template]

    @staticmethod
    def of(sheet: Sheet, context: Context) -> Book:
        """Check a sheet and make it ready.

        :raises OptionInvalid: at the key of the fault.
        :raises ExceptionGroup: of them, if there are several.
        """
        faults: list[Exception] = []
        _check_intents(sheet.intents, (), faults)
        answers = _answers(sheet.rules, replace(context, intents=sheet.intents), (), faults)
        languages: dict[str, tuple[Answer, ...]] = {}
        no_match: dict[str, Template] = {}
        for name, table in sheet.languages.items():
            key, tag = ("languages", name), _tag(name)
            with noted(faults):
                if not tag or tag in languages:
                    raise OptionInvalid(key, f"{tag} has a table already" if tag else "a language without a name")
                if table.no_match_reply is not None:
                    no_match[tag] = parse_template(table.no_match_reply, ("text",), (*key, "no_match_reply"))
            _check_intents(table.intents, key, faults)
            known = replace(context, intents=sheet.intents | table.intents)
            languages[tag] = _answers(table.rules, known, key, faults)
        raise_all(faults)
        return Book(answers, languages, no_match)


@contextmanager
def noted(faults: list[Exception]) -> Iterator[None]:
    """Keep a fault for later, so that the next can be found, too."""
    try:
        yield
    except* ConfigError as found:
        faults.extend(found.exceptions)


def raise_all(faults: list[Exception]) -> None:
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise ExceptionGroup("the rules have faults", faults)


def ladder(language: str) -> tuple[str, ...]:
    """The language's tag and the wider ones it belongs to: `es-MX` → `es-mx`, `es`."""
    parts = [part for part in _tag(language).split("-") if part]
    return tuple("-".join(parts[:length]) for length in range(len(parts), 0, -1))


def _tag(language: str) -> str:
    return language.strip().replace("_", "-").casefold()


def _check_intents(intents: Mapping[str, tuple[str, ...]], key: Key, faults: list[Exception]) -> None:
    for name, phrases in intents.items():
        where = (*key, "intents", name)
        with noted(faults):
            if not phrases:
                raise OptionInvalid(where, "an intent without example phrases", "write at least one")
        for index, phrase in enumerate(phrases):
            with noted(faults):
                check_phrase(phrase, (*where, index))


def _answers(rules: Iterable[Rule], context: Context, key: Key, faults: list[Exception]) -> tuple[Answer, ...]:
    answers = []
    for index, rule in enumerate(rules):
        with noted(faults):
            answers.append(_answer(rule, context, (*key, "rules", index)))
    return tuple(answers)


def _answer(rule: Rule, context: Context, key: Key) -> Answer:
    given = [kind for kind in KINDS if getattr(rule, kind) is not None]
    if len(given) != 1:
        found = f"{' and '.join(given)} in one rule" if given else "a rule that says nothing about when it matches"
        raise OptionInvalid(key, found, f"give exactly one of {', '.join(KINDS)}")
    kind = given[0]
    matcher = KINDS[kind](getattr(rule, kind), context, (*key, kind))
    names = ("text", *matcher.names)
    where: Key = (*key, "reply")
    if isinstance(rule.reply, str):
        return Answer(matcher, (parse_template(rule.reply, names, where),))
    if not rule.reply:
        raise OptionInvalid(where, "an empty list of replies", "write at least one, or leave the rule out")
    replies = enumerate(rule.reply)
    return Answer(matcher, tuple(parse_template(text, names, (*where, index)) for index, text in replies))
