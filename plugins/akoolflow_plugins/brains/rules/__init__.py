"""Brain `rules`: answers by patterns, offline and at once.

Read `folding` (how words are compared), then `matching`, `replies`, `book` (rules as written).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from akoolflow.contracts import PASS, Pass, Say, Turn
from akoolflow.errors import OptionInvalid
from akoolflow.events import SessionEnded, SessionFailed
from akoolflow.hookspecs import hookimpl
from akoolflow.registry import Registry
from akoolflow_plugins.brains.rules.book import Answer, Book, LanguageTable, Rule, RulesFile, ladder, noted, raise_all
from akoolflow_plugins.brains.rules.matching import Context, Heard
from akoolflow_plugins.brains.rules.replies import Template, parse_template

__all__ = ["LanguageTable", "Rule", "Rules", "RulesFile", "RulesOptions", "akoolflow_register"]


class RulesOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    rules: tuple[Rule, ...] = ()
    """Tried in order; the first that matches answers."""
    file: Path | None = None
    """A TOML file with `rules`, `intents` and `languages` of its own, beside the pipeline file; its rules are tried
    after those written here."""
    intents: dict[str, tuple[str, ...]] = {}
    """Example phrases by the intent's name. An utterance fits if it has all words of one of them, in any order."""
    intent_threshold: Annotated[float, Meta(gt=0, le=1)] = 1.0
    """Share of an example's words, above 0 and up to 1, that is enough."""
    languages: dict[str, LanguageTable] = {}
    """Rules by language code. A session in es-MX has those of es-MX, then those of es; a session whose language has
    no table here has `rules`."""
    no_match: Literal["pass", "reply", "silent"] = "pass"
    """If no rule matches: hand the turn to the next brain, say `no_match_reply`, or take it and say nothing."""
    no_match_reply: str | None = None
    """Said if no rule matches and `no_match` is `reply`; `{text}` is the utterance."""
    regex_max_chars: Annotated[int, Meta(ge=1, le=100_000)] = 2000
    """Characters; to a longer utterance no regex is applied, which bounds what one costs (worst found: 0.2 s)."""

    def __post_init__(self) -> None:
        faults: list[Exception] = []
        for check in (_check_sense, _no_match, _inline, _from_file):
            with noted(faults):
                check(self)
        raise_all(faults)


class Rules:
    """The first rule that matches answers; without one, `no_match` says what happens."""

    def __init__(self, options: RulesOptions) -> None:
        self._policy = options.no_match
        self._books = (*_inline(options), *_from_file(options))
        self._no_match = _no_match(options)
        self._said: dict[str, dict[int, int]] = {}
        """By session, how often each rule with several replies has answered."""

    async def respond(self, turn: Turn, say: Say) -> Pass | None:
        heard = Heard(turn.text)
        for answer in self._answers(turn.language):
            captures = answer.matcher.test(heard)
            if captures is not None:
                template = answer.replies[self._next(turn, answer)]
                await _say(say, template.fill({**captures, "text": heard.text}))
                return None
        if self._policy == "pass":
            return PASS
        reply = self._no_match_reply(turn.language) if self._policy == "reply" else None
        if reply is not None:
            await _say(say, reply.fill({"text": heard.text}))
        return None

    def _answers(self, language: str) -> Iterator[Answer]:
        """Most specific language first, in each the rules written inline before those of the file."""
        spoken = [tag for tag in ladder(language) if any(tag in book.languages for book in self._books)]
        if not spoken:
            for book in self._books:
                yield from book.answers
        for tag in spoken:
            for book in self._books:
                yield from book.languages.get(tag, ())

    def _next(self, turn: Turn, answer: Answer) -> int:
        if len(answer.replies) == 1:
            return 0
        session = getattr(turn.session, "id", "")  # a brain may be asked without a session, as in its own tests
        counts = self._said.setdefault(session, {})
        count = counts[id(answer)] = counts.get(id(answer), -1) + 1
        return count % len(answer.replies)

    def _no_match_reply(self, language: str) -> Template | None:
        found = (book.no_match[tag] for tag in ladder(language) for book in self._books if tag in book.no_match)
        return next(found, self._no_match)

    @hookimpl
    def on_session_ended(self, event: SessionEnded) -> None:
        self._said.pop(event.session, None)

    @hookimpl
    def on_session_failed(self, event: SessionFailed) -> None:
        self._said.pop(event.session, None)


async def _say(say: Say, text: str) -> None:
    if text.strip():  # a template of nothing but an empty capture
        await say(text)


def _check_sense(options: RulesOptions) -> None:
    if not (options.rules or options.languages or options.file):
        raise OptionInvalid("rules", "there are no rules", "write `rules = [...]`, or name a `file` of rules")
    if options.no_match == "reply" and options.no_match_reply is None:
        raise OptionInvalid("no_match", "there is nothing to reply", "write `no_match_reply`, too")
    if options.no_match != "reply" and options.no_match_reply is not None:
        raise OptionInvalid("no_match_reply", "it would never be said", 'set no_match = "reply"')


def _inline(options: RulesOptions) -> tuple[Book, ...]:
    return (Book.of(options, _context(options)),)


def _from_file(options: RulesOptions) -> tuple[Book, ...]:
    if options.file is None:
        return ()
    from akoolflow.toml.documents import load_struct  # noqa: PLC0415 - needs a parser that inline rules do not

    return (Book.of(load_struct(options.file, RulesFile), _context(options)),)


def _context(options: RulesOptions) -> Context:
    return Context(intent_threshold=options.intent_threshold, regex_max_chars=options.regex_max_chars)


def _no_match(options: RulesOptions) -> Template | None:
    if options.no_match_reply is None:
        return None
    return parse_template(options.no_match_reply, ("text",), ("no_match_reply",))


@hookimpl
def akoolflow_register(registry: Registry) -> None:
    registry.brains.add("rules", RulesOptions, Rules)
