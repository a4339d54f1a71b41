"""Brain `rules`."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from akoolflow.contracts import PASS, Turn
from akoolflow.errors import ConfigInvalid, OptionInvalid
from akoolflow.events import SessionEnded, SessionFailed
from akoolflow.registry import Registry
from akoolflow.toml.checking import check
from akoolflow_plugins.brains import rules
from akoolflow_plugins.brains.rules import Rules, RulesFile, RulesOptions
from akoolflow_plugins.brains.rules.folding import fold
from akoolflow_plugins.brains.rules.matching import Heard

PAGE = Path(__file__).parents[2] / "docs/reference/plugins/rules.md"


class FakeSession:
    def __init__(self, name: str) -> None:
        self.id = name


def brain(*written: dict[str, Any], **options: Any) -> Rules:
    return Rules(options_of(rules=written, **options))


def options_of(**table: Any) -> RulesOptions:
    def path_of(kind: type, value: Any) -> Any:
        return kind(value)

    return msgspec.convert(table, RulesOptions, dec_hook=path_of)


async def answer(asked: Rules, text: str, *, language: str = "", session: str = "s") -> Any:
    """What is said, or `PASS`."""
    said: list[str] = []

    async def say(text: str, /) -> None:
        said.append(text)

    turn = Turn(number=1, text=text, session=cast("Any", FakeSession(session)), language=language)
    result = await asked.respond(turn, say)
    assert len(said) <= (0 if result is PASS else 1)
    return result if result is PASS else "".join(said)


def faults_of(**table: Any) -> list[tuple[str, str]]:
    """What a pipeline file with this table would complain about: path and message."""
    found = check(table, RulesOptions, folder=Path("/")).faults
    return [(".".join(map(str, fault.path)), f"{fault.message} {fault.hint}") for fault in found]


def test_it_is_registered_under_its_name() -> None:
    registry = Registry()
    rules.akoolflow_register(registry)
    entry = registry.brains.get("rules")
    assert entry is not None
    assert (entry.options, entry.factory) == (RulesOptions, Rules)


# -- matching ----------------------------------------------------------------------------------

MATCHES = [
    ({"match": "opening hours"}, "What are your Opening  Hours, please?"),
    ({"match": "opening hours"}, "opening-hours"),
    ({"match": "OPENING HOURS!"}, "opening hours"),
    ({"match": "wi-fi"}, "is there ＷＩ－ＦＩ"),  # noqa: RUF001 - full width
    ({"match": "what's up"}, "so what\u2019s up?"),
    ({"match": "what's up"}, "so what\u00b4s up?"),
    ({"match": "straße"}, "in der STRASSE"),
    ({"match": "opening"}, "o\u200bpen\u00ading"),
    ({"match": "cafe\u0301"}, "ein Caf\u00e9 bitte"),
    ({"match": "istanbul"}, "\u0130STANBUL"),
    ({"match": "C++"}, "do you know c++?"),
    ({"match": "👍"}, "👍🏽"),
    ({"match": "营业时间"}, "请问你们的营业时间是几点?"),
    ({"match": "wifi密码"}, "请问WiFi密码是多少"),
    ({"match": "ｶﾞｲﾄﾞ"}, "このガイドです"),
    ({"match": "영업시간"}, "영업시간이 어떻게 되나요"),
    ({"match": "เวลาเปิด"}, "ขอทราบเวลาเปิดทำการ"),
    ({"match": "समय"}, "खुलने का समय क्या है"),
    ({"exact": "yes"}, " Yes! "),
    ({"exact": ["yes", "yes please"]}, "yes, please"),
    ({"any": ["wifi", "internet access"]}, "do you have internet access"),
    ({"all": ["book", "table for two"]}, "a table for two, can I book it?"),
    ({"regex": r"room (\d+)"}, "my ROOM 12 is cold"),
    ({"regex": r"^\pL+$"}, "été"),
    ({"intent": "greeting"}, "morning, a good one to you"),
    ({"intent": "greeting"}, "Hello?"),
    ({"intent": "greeting"}, "你好吗"),
]
MISSES = [
    ({"match": "opening hours"}, "opening the hours"),
    ({"match": "art"}, "start"),
    ({"match": "art"}, ""),
    ({"match": "हि"}, "हिन्दी"),
    ({"match": "时间营业"}, "营业时间"),
    ({"exact": "yes"}, "yes please"),
    ({"any": ["wifi", "internet"]}, "the net"),
    ({"all": ["book", "table"]}, "a book"),
    ({"regex": r"(?-i)Room"}, "room"),
    ({"regex": r"^a.c$"}, "a\nc"),
    ({"intent": "greeting"}, "good evening"),
    ({"intent": "greeting"}, "好你"),
]
INTENTS = {"greeting": ["hello", "good morning", "你好"]}


@pytest.mark.anyio
@pytest.mark.parametrize(("rule", "text"), MATCHES)
async def test_a_rule_matches(rule: dict[str, Any], text: str) -> None:
    assert await answer(brain({**rule, "reply": "ok"}, intents=INTENTS), text) == "ok"


@pytest.mark.anyio
@pytest.mark.parametrize(("rule", "text"), MISSES)
async def test_a_rule_does_not_match(rule: dict[str, Any], text: str) -> None:
    assert await answer(brain({**rule, "reply": "ok"}, intents=INTENTS), text) is PASS


@pytest.mark.anyio
async def test_the_first_rule_that_matches_answers() -> None:
    asked = brain({"match": "a b", "reply": "1"}, {"match": "b", "reply": "2"}, {"match": "a", "reply": "3"})
    assert [await answer(asked, text) for text in ("a b", "b a", "a")] == ["1", "2", "3"]


@pytest.mark.anyio
async def test_the_threshold_lowers_how_much_of_an_example_has_to_occur() -> None:
    written: dict[str, Any] = {"intent": "late", "reply": "ok"}
    examples = {"late": ["can I check out late"]}
    strict = brain(written, intents=examples, intent_threshold=0.8)
    lax = brain(written, intents=examples, intent_threshold=0.6)
    assert await answer(strict, "check out late") is PASS
    assert await answer(strict, "i check out late") == "ok"
    assert await answer(lax, "check out late") == "ok"


# -- folding -----------------------------------------------------------------------------------

TRICKY = st.sampled_from(
    "iI\u0130\u0131\u0307\u0301\u0323\u0345\u034f\u200d"
    "\u3099かハﾊﾞﾞ한\u1100\u1161\u11a8ß\u0149`\u00b4ﷺ①½\u0f73กิ👍🏽+\ud800 "
)


@given(st.text(st.one_of(TRICKY, st.characters(exclude_categories=()))))
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text())
def test_folding_leaves_case_aside(text: str) -> None:
    assert fold(text.casefold()) == fold(text)


@given(st.text(min_size=1), st.text(), st.text())
def test_a_phrase_matches_wherever_it_stands_between_spaces(phrase: str, before: str, after: str) -> None:
    if fold(phrase):
        assert f" {fold(phrase)} " in f" {Heard(f'{before} {fold(phrase)} {after}').folded} "


HOSTILE = {
    "one word": "a",
    "words": "hello there ",
    "marks out of order": "\u0301\u0323",
    "marks behind a kana": "\uff9e\u0301",
    "long expansions": "\ufdfa",
    "han": "营业",
    "dotted capitals": "\u0130",
    "invisible": "\u200b\u00ad",
}
EVERY_KIND: list[dict[str, Any]] = [
    {"match": "hello hello there", "reply": "ok"},
    {"exact": "hello hello", "reply": "ok"},
    {"all": ["hello", "aaaaab", "业营营"], "reply": "ok"},
    {"intent": "far", "reply": "ok"},
    {"regex": r"(a+a+)+b|(hello (there )?)*x|(.*)(.*)(.*)y$", "reply": "{1}"},
]


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE.keys())
def test_the_time_for_a_long_utterance_grows_in_proportion(unit: str) -> None:
    asked = brain(*EVERY_KIND, intents={"far": ["hello kitty a b"]}, regex_max_chars=100_000)

    def best_s(size: int) -> float:
        text = unit * (size // len(unit.encode()))
        return min(_elapsed_s(asked, text) for _ in range(3))

    best_s(10_000)
    small_s, big_s = best_s(25_000), best_s(100_000)
    # Four times the text; were it quadratic, sixteen times the time.
    assert big_s < 9 * small_s + 0.005


def _elapsed_s(asked: Rules, text: str) -> float:
    heard = Heard("")
    began_s = time.perf_counter()
    heard = Heard(text)
    for each in asked._answers(""):
        assert each.matcher.test(heard) is None
    return time.perf_counter() - began_s


# -- replies -----------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_groups_of_a_regex_and_the_utterance_go_into_the_reply() -> None:
    asked = brain({"regex": r"I am (?P<name>\w+)( indeed)?", "reply": "{0}|{1}|{2}|{name}|{text}|{{x}}"})
    assert await answer(asked, "Hi, I am Ada.") == "I am Ada|Ada||Ada|Hi, I am Ada.|{x}"


@pytest.mark.anyio
async def test_braces_in_an_utterance_are_not_read_as_a_template() -> None:
    asked = brain({"regex": "say (.*)", "reply": "{1}{text}"})
    assert await answer(asked, "say {text}{1}{0.__class__}") == "{text}{1}{0.__class__}say {text}{1}{0.__class__}"


@pytest.mark.anyio
async def test_a_reply_of_nothing_but_an_empty_group_takes_the_turn_without_a_word() -> None:
    assert await answer(brain({"regex": "call me(.*)", "reply": "{1}"}), "call me") == ""


@pytest.mark.anyio
async def test_half_a_surrogate_pair_in_an_utterance_is_no_crash() -> None:
    assert await answer(brain({"regex": "(.*)", "reply": "{1}"}), "a\ud800b") == "a?b"


@pytest.mark.anyio
async def test_a_list_of_replies_is_gone_through_in_order_by_each_session_for_itself() -> None:
    asked = brain({"match": "hi", "reply": ["1", "2", "3"]}, {"match": "yo", "reply": ["a", "b"]})
    first = [await answer(asked, text) for text in ("hi", "hi", "yo", "hi", "hi")]
    assert first == ["1", "2", "a", "3", "1"]
    assert await answer(asked, "hi", session="other") == "1"


@pytest.mark.parametrize(
    "end",
    [
        SessionEnded(session="s", akool_session_id="", reason="closed", seconds_used=0),
        SessionFailed(session="s", reason="x"),
    ],
)
@pytest.mark.anyio
async def test_what_a_session_was_told_is_forgotten_at_its_end(end: SessionEnded | SessionFailed) -> None:
    asked = brain({"match": "hi", "reply": ["1", "2"]})
    await answer(asked, "hi")
    getattr(asked, "on_session_ended" if isinstance(end, SessionEnded) else "on_session_failed")(end)
    assert asked._said == {}
    assert await answer(asked, "hi") == "1"


# -- languages and no match ----------------------------------------------------------------------

LANGUAGES = {
    "es": {"rules": [{"match": "hola", "reply": "es"}, {"match": "adios", "reply": "es adios"}]},
    "es-MX": {"rules": [{"match": "hola", "reply": "mx"}]},
}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("es", "hola", "es"),
        ("es-MX", "hola", "mx"),
        ("ES_mx", "hola", "mx"),
        ("es-MX", "adios", "es adios"),
        ("es-AR", "hola", "es"),
        ("es-Latn-AR", "hola", "es"),
        ("es", "hello", PASS),
        ("de", "hello", "default"),
        ("", "hello", "default"),
        ("", "hola", PASS),
        ("-", "hello", "default"),
    ],
)
async def test_the_rules_of_the_session_language_hold(language: str, text: str, expected: object) -> None:
    asked = brain({"match": "hello", "reply": "default"}, languages=LANGUAGES)
    assert await answer(asked, text, language=language) == expected


@pytest.mark.anyio
async def test_an_intent_of_a_language_goes_before_one_of_the_same_name_outside() -> None:
    tables = {
        "es": {
            "rules": [{"intent": "bye", "reply": "ok"}, {"intent": "hi", "reply": "hi"}],
            "intents": {"bye": ["adios"]},
        }
    }
    asked = brain({"match": "x", "reply": "x"}, intents={"bye": ["bye"], "hi": ["hi"]}, languages=tables)
    assert [await answer(asked, text, language="es") for text in ("bye", "adios", "hi")] == [PASS, "ok", "hi"]


@pytest.mark.anyio
async def test_without_a_match_the_policy_holds() -> None:
    written = {"match": "x", "reply": "x"}
    assert await answer(brain(written), "y") is PASS
    assert await answer(brain(written, no_match="silent"), "y") == ""
    assert await answer(brain(written, no_match="reply", no_match_reply="{text}?"), "y") == "y?"


@pytest.mark.anyio
@pytest.mark.parametrize(("language", "expected"), [("es-MX", "qué"), ("de", "what")])
async def test_the_reply_without_a_match_is_in_the_session_language(language: str, expected: str) -> None:
    tables = {"es": {"rules": [], "no_match_reply": "qué"}}
    asked = brain(languages=tables, no_match="reply", no_match_reply="what")
    assert await answer(asked, "y", language=language) == expected


# -- what is refused, and where ------------------------------------------------------------------

OK = {"match": "ok", "reply": "ok"}


@pytest.mark.parametrize(
    ("table", "path", "words"),
    [
        ({}, "rules", "there are no rules"),
        ({"rules": [OK, {"reply": "x"}]}, "rules.1", "nothing about when it matches"),
        ({"rules": [{"match": "a", "regex": "b", "reply": "x"}]}, "rules.0", "match and regex in one rule"),
        ({"rules": [{"match": "...", "reply": "x"}]}, "rules.0.match", "no word"),
        ({"rules": [{"any": ["a", "!"], "reply": "x"}]}, "rules.0.any.1", "no word"),
        ({"rules": [{"all": [], "reply": "x"}]}, "rules.0.all", "matches nothing"),
        ({"rules": [{"exact": [], "reply": "x"}]}, "rules.0.exact", "matches nothing"),
        ({"rules": [{"regex": "(", "reply": "x"}]}, "rules.0.regex", "missing )"),
        ({"rules": [{"regex": "(?=a)", "reply": "x"}]}, "rules.0.regex", "(?=  no lookaround"),
        ({"rules": [{"regex": "a\ud800", "reply": "x"}]}, "rules.0.regex", "half a surrogate pair"),
        ({"rules": [{"regex": r"(a)\1", "reply": "x"}]}, "rules.0.regex", "invalid escape sequence  no backreferences"),
        ({"rules": [{"regex": r"[\pL]{1000}", "reply": "x"}]}, "rules.0.regex", "pattern too large  smaller"),
        ({"rules": [{"regex": "", "reply": "x"}]}, "rules.0.regex", "matches everything"),
        ({"rules": [{"regex": "(?P<text>a)", "reply": "x"}]}, "rules.0.regex", "named `text`"),
        ({"rules": [{"regex": "a", "reply": "{1}"}]}, "rules.0.reply", "names {1}  knows {text}, {0}"),
        ({"rules": [{"match": "a", "reply": ["{text}", "{nam}"]}]}, "rules.0.reply.1", "names {nam}"),
        ({"rules": [{"match": "a", "reply": "{text.__class__}"}]}, "rules.0.reply", "text.__class__"),
        ({"rules": [{"match": "a", "reply": "{text!r:9999999999}"}]}, "rules.0.reply", "{text!r:9999999999}"),
        ({"rules": [{"match": "a", "reply": "{"}]}, "rules.0.reply", "not a template  {{"),
        ({"rules": [{"match": "a", "reply": " "}]}, "rules.0.reply", "without text"),
        ({"rules": [{"match": "a", "reply": []}]}, "rules.0.reply", "an empty list"),
        (
            {"rules": [{"intent": "greting", "reply": "x"}], "intents": {"greeting": ["hi"]}},
            "rules.0.intent",
            '"greeting"',
        ),
        ({"rules": [OK], "intents": {"a": []}}, "intents.a", "without example"),
        ({"rules": [OK], "intents": {"a": ["hi", "?"]}}, "intents.a.1", "no word"),
        ({"languages": {"es": {"rules": [{"regex": "(", "reply": "x"}]}}}, "languages.es.rules.0.regex", "missing )"),
        ({"languages": {"es": {"rules": [OK], "no_match_reply": "{x}"}}}, "languages.es.no_match_reply", "{x}"),
        ({"languages": {"es-MX": {"rules": []}, "es_mx": {"rules": []}}}, "languages.es_mx", "already"),
        ({"languages": {"": {"rules": []}}}, "languages.", "without a name"),
        ({"rules": [OK], "no_match": "reply"}, "no_match", "nothing to reply"),
        ({"rules": [OK], "no_match_reply": "x"}, "no_match_reply", "never be said"),
        ({"rules": [OK], "intent_threshold": 0}, "intent_threshold", "above 0"),
        ({"rules": [{"match": "a", "replay": "x", "reply": "x"}]}, "rules.0.replay", '"reply"'),
    ],
)
def test_a_fault_is_told_where_it_stands(table: dict[str, Any], path: str, words: str) -> None:
    ((where, message),) = faults_of(**table)
    assert where == path
    assert all(word in message for word in words.split("  ")), message


def test_all_faults_are_told_at_once() -> None:
    bad: list[dict[str, Any]] = [{"regex": "(", "reply": "x"}, OK, {"match": "a", "reply": "{b}"}]
    table = {"rules": bad, "languages": {"es": {"rules": [bad[0]]}}, "intents": {"a": ["?"]}, "no_match": "reply"}
    assert sorted(path for path, _ in faults_of(**table)) == [
        "intents.a.0",
        "languages.es.rules.0.regex",
        "no_match",
        "rules.0.regex",
        "rules.2.reply",
    ]


def test_a_program_gets_the_fault_as_an_error_with_the_path() -> None:
    with pytest.raises(OptionInvalid) as caught:
        RulesOptions(rules=(rules.Rule(regex="(", reply="x"),))
    assert caught.value.key == ("rules", 0, "regex")


def test_re2_says_nothing_on_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    faults_of(rules=[{"regex": "(", "reply": "x"}])
    assert capfd.readouterr().err == ""


def test_without_re2_a_regex_is_refused_with_the_command_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "re2", None)
    ((path, message),) = faults_of(rules=[{"regex": "a", "reply": "x"}])
    assert path == "rules.0.regex"
    assert "pip install 'akoolflow[rules]'" in message


def test_re2_is_imported_only_for_a_regex() -> None:
    program = (
        "import sys; from akoolflow_plugins.brains.rules import Rule, Rules, RulesOptions;"
        "Rules(RulesOptions(rules=(Rule(match='a', reply='b'),))); assert 're2' not in sys.modules;"
        "Rules(RulesOptions(rules=(Rule(regex='a', reply='b'),))); assert 're2' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.anyio
async def test_to_an_overlong_utterance_no_regex_is_applied() -> None:
    asked = brain({"regex": "a", "reply": "regex"}, {"match": "a", "reply": "match"}, regex_max_chars=10)
    assert await answer(asked, "a 34567890") == "regex"
    assert await answer(asked, "a 345678901") == "match"


# -- rules in a file -----------------------------------------------------------------------------


@pytest.mark.anyio
async def test_rules_of_the_file_come_after_those_written_inline(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(
        'rules = [{ match = "a", reply = "file" }, { intent = "i", reply = "intent" }]\n'
        'intents.i = ["b c"]\n'
        'languages.es.rules = [{ match = "hola", reply = "file" }, { match = "ay", reply = "ay" }]\n'
    )
    asked = brain(
        {"match": "a b", "reply": "inline"},
        file=str(file),
        languages={"es": {"rules": [{"match": "hola", "reply": "inline"}]}},
    )
    assert [await answer(asked, text) for text in ("a b", "a", "c b")] == ["inline", "file", "intent"]
    assert [await answer(asked, text, language="es") for text in ("hola", "ay")] == ["inline", "ay"]


def test_faults_of_the_file_are_told_at_its_own_lines_beside_those_written_inline(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text('[[rules]]\nmatch = "a"\nreply = "ok"\n\n[[rules]]\nregex = "(?=a)"\nreply = "x"\n')
    with pytest.raises(ExceptionGroup) as caught:
        options_of(rules=[{"match": "a", "reply": "{b}"}], file=str(file))
    inline, elsewhere = caught.value.exceptions
    assert isinstance(inline, OptionInvalid)
    assert inline.key == ("rules", 0, "reply")
    assert isinstance(elsewhere, ConfigInvalid)
    (complaint,) = elsewhere.complaints
    assert (complaint.file, complaint.line, complaint.key) == (str(file), 6, "rules[1].regex")


@pytest.mark.parametrize("text", ["", "rules = []", "rulez = []", "= 1"])
def test_a_file_without_rules_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(text)
    with pytest.raises(ConfigInvalid):
        options_of(file=str(file))


def test_a_missing_file_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match=r"missing\.toml"):
        options_of(file=str(tmp_path / "missing.toml"))


# -- the contract and the manual -----------------------------------------------------------------


@pytest.mark.anyio
async def test_it_keeps_the_contract_of_brains() -> None:
    from akoolflow.testing import check_brain

    await check_brain(brain({"regex": "[hx]", "reply": ["{text}", "{0}"]}))


def examples() -> list[dict[str, Any]]:
    return [tomllib.loads(text) for text in re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)]


@pytest.mark.anyio
async def test_the_example_on_its_page_is_valid_and_answers() -> None:
    (table,) = examples()[0]["brain"]
    assert table.pop("use") == "rules"
    asked = Rules(options_of(**table))
    assert await answer(asked, "Good morning, my name is Ada") == "Welcome, Ada!"
    assert await answer(asked, "I'd like to book a table") == "For how many?"
    assert await answer(asked, "what?") == "I have no answer to “what?”."


@pytest.mark.anyio
async def test_the_rules_file_on_its_page_is_valid_and_answers(tmp_path: Path) -> None:
    file = msgspec.convert(examples()[1], RulesFile)
    asked = Rules(replace(options_of(rules=[OK]), rules=file.rules, intents=file.intents))
    assert await answer(asked, "where can I park?") == "Behind the house, ten euros a day."
