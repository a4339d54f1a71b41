from __future__ import annotations

import enum
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Meta, Struct, field

from akoolflow.errors import Complaint, ConfigInvalid, OptionInvalid
from akoolflow.secret import Secret
from akoolflow.toml.checking import REFUSALS, Checked, check
from akoolflow.toml.faults import dotted
from akoolflow.toml.interpolation import fill

HERE = Path("/pipelines")


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    match: str
    reply: str | list[str] = ""
    weight: Annotated[float, Meta(ge=0, le=1)] = 0.5

    def __post_init__(self) -> None:
        if "(" in self.match:
            raise OptionInvalid("match", "an open bracket", "close it")
        if self.match == "crash":
            raise ZeroDivisionError("by zero")


class Circle(Struct, frozen=True, tag="circle", forbid_unknown_fields=True):
    radius: float


class Square(Struct, frozen=True, tag="square", forbid_unknown_fields=True):
    side: float


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    text: str = ""
    short: Annotated[str, Meta(min_length=2, max_length=3)] = "ab"
    word: Annotated[str, Meta(pattern="^[a-z]+$")] = "a"
    number: float = 1.0
    positive: Annotated[float, Meta(gt=0, lt=10)] = 1.0
    whole: Annotated[int, Meta(ge=1, le=3600)] = 1
    even: Annotated[int, Meta(multiple_of=2)] = 2
    flag: bool = False
    mode: Literal["fast", "slow"] = "fast"
    level: Literal[1, 2] = 1
    service: Annotated[Literal["here"], Meta(extra={REFUSALS: {"there": "'there' is not built yet"}})] = "here"
    colour: Colour = Colour.RED
    path: Path | None = None
    secret: Secret | None = None
    when: datetime | None = None
    day: date | None = None
    pause: timedelta | None = None
    rules: tuple[Rule, ...] = ()
    rule: Rule | None = None
    by_name: dict[str, Rule] = {}
    by_number: dict[int, str] = {}
    names: Annotated[list[str], Meta(min_length=1, max_length=2)] = field(default_factory=lambda: ["a"])
    pair: tuple[str, int] = ("", 0)
    unique: frozenset[str] = frozenset()
    one_or_more: str | list[str] = ""
    number_or_word: int | Literal["auto"] = "auto"
    shape: Circle | Square | None = None
    anything: Any = None
    renamed: str = field(default="", name="new-name")


def checked(table: dict[str, Any], env: dict[str, str] | None = None, kind: Any = Options) -> Checked:
    filled, faults = fill(table, env or {})
    assert faults == []
    return check(filled, kind, folder=HERE)


def complaints(table: dict[str, Any], env: dict[str, str] | None = None, kind: Any = Options) -> list[str]:
    faults = checked(table, env, kind).faults
    return [f"{dotted(fault.path)}: {fault.message}" + (f" ({fault.hint})" if fault.hint else "") for fault in faults]


@pytest.mark.parametrize(
    ("key", "given", "made"),
    [
        ("text", "é", "é"),
        ("number", 3, 3.0),
        ("number", float("inf"), float("inf")),
        ("flag", True, True),
        ("level", 2, 2),
        ("colour", "blue", Colour.BLUE),
        ("path", "a/b", HERE / "a/b"),
        ("path", "/etc/x", Path("/etc/x")),
        ("secret", "s", Secret("s")),
        ("when", datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)),
        ("day", date(2026, 1, 2), date(2026, 1, 2)),
        ("pause", "PT5S", timedelta(seconds=5)),
        ("rules", [{"match": "a"}, {"match": "b", "reply": ["c"]}], (Rule(match="a"), Rule(match="b", reply=["c"]))),
        ("by_name", {"x": {"match": "a"}}, {"x": Rule(match="a")}),
        ("by_number", {"7": "a"}, {7: "a"}),
        ("pair", ["a", 1], ("a", 1)),
        ("unique", ["a", "a"], frozenset({"a"})),
        ("one_or_more", ["a"], ["a"]),
        ("number_or_word", 3, 3),
        ("number_or_word", "auto", "auto"),
        ("shape", {"type": "square", "side": 2}, Square(2.0)),
        ("anything", {"a": [1, {"b": "c"}]}, {"a": [1, {"b": "c"}]}),
    ],
)
def test_a_value_becomes_what_the_option_asks_for(key: str, given: Any, made: Any) -> None:
    found = checked({key: given})
    assert found.faults == []
    assert repr(getattr(found.value, key)) == repr(made)
    assert getattr(found.value, key) == made


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"text": 1}, "text: found an integer 1, expected a string"),
        ({"text": True}, "text: found a boolean true, expected a string"),
        ({"short": "a"}, 'short: found a string "a", expected a string of 2 to 3 characters'),
        ({"word": "A"}, 'word: found a string "A", expected a string that matches ^[a-z]+$'),
        ({"number": "abc"}, 'number: found a string "abc", expected a number'),
        ({"number": True}, "number: found a boolean true, expected a number"),
        ({"number": float("nan")}, "number: found a float nan, expected a number"),
        ({"positive": 0}, "positive: found an integer 0, expected a number above 0 and below 10"),
        ({"whole": 0}, "whole: found an integer 0, expected an integer from 1 to 3600"),
        ({"whole": 1.0}, "whole: found a float 1.0, expected an integer from 1 to 3600"),
        ({"even": 3}, "even: found an integer 3, expected an integer that is a multiple of 2"),
        ({"flag": "yes"}, 'flag: found a string "yes", expected true or false'),
        ({"mode": "fsat"}, 'mode: found a string "fsat", expected one of "fast", "slow" (did you mean "fast"?)'),
        ({"mode": 1}, 'mode: found an integer 1, expected one of "fast", "slow"'),
        ({"level": True}, "level: found a boolean true, expected one of 1, 2"),
        ({"level": "1"}, 'level: found a string "1", expected one of 1, 2'),
        ({"service": "there"}, "service: 'there' is not built yet"),
        ({"service": "x"}, 'service: found a string "x", expected "here"'),
        ({"colour": "bleu"}, 'colour: found a string "bleu", expected one of "red", "blue" (did you mean "blue"?)'),
        ({"path": ""}, 'path: found a string "", expected a path (a string)'),
        ({"path": "a\0b"}, 'path: found a string "a\\u0000b", expected a path (a string)'),
        ({"secret": 12345}, "secret: found an integer, expected a string"),
        ({"when": "soon"}, 'when: found a string "soon", expected a date-time'),
        ({"day": [1]}, "day: found an array, expected a date"),
        (
            {"rules": {"match": "a"}},
            "rules: found a table, expected an array of tables (write [[rules]], once for each)",
        ),
        ({"rule": [{"match": "a"}]}, "rule: found an array, expected a table (write [rule], once)"),
        ({"rules": [{"match": "a"}, 3]}, "rules[1]: found an integer 3, expected a table"),
        ({"rules": [{}]}, "rules[0].match: missing; expected a string"),
        ({"rules": [{"match": "("}]}, "rules[0].match: an open bracket (close it)"),
        ({"rules": [{"match": "crash"}]}, "rules[0]: ZeroDivisionError: by zero"),
        (
            {"by_name": {"x": {"match": "a", "reply": 1}}},
            "by_name.x.reply: found an integer 1, expected a string or an array of strings",
        ),
        (
            {"by_name": {"x": {"match": "a", "reply": ["b", 1]}}},
            "by_name.x.reply[1]: found an integer 1, expected a string",
        ),
        ({"by_number": {"a": "b"}}, 'by_number.a: found the key "a", expected an integer'),
        ({"names": []}, "names: found 0 items, expected at least 1"),
        ({"names": ["a", "b", "c"]}, "names: found 3 items, expected at most 2"),
        ({"pair": ["a"]}, "pair: found 1 item, expected 2"),
        ({"unique": [{}]}, "unique[0]: found a table, expected a string"),
        ({"number_or_word": "atuo"}, 'number_or_word: found a string "atuo", expected an integer or "auto"'),
        ({"shape": {"side": 1}}, 'shape.type: missing; expected one of "circle", "square"'),
        ({"shape": {"type": "oval"}}, 'shape.type: found a string "oval", expected one of "circle", "square"'),
        ({"shape": {"type": "circle", "side": 1, "radius": 2}}, "shape.side: unknown key (known: radius, type)"),
        ({"shape": 3}, "shape: found an integer 3, expected a table"),
        ({"txet": ""}, 'txet: unknown key (did you mean "text"?)'),
        ({"renamed": ""}, 'renamed: unknown key (did you mean "new-name"?)'),
    ],
)
def test_a_misfit_is_told_in_the_words_of_toml(table: dict[str, Any], complaint: str) -> None:
    assert complaints(table) == [complaint]


def test_all_faults_are_told_at_once() -> None:
    table = {"text": 1, "rules": [{"match": "("}, {"match": 2, "weight": 3}, {"reply": "x", "odd": 1}], "nubmer": 1}
    assert {complaint.split(":")[0] for complaint in complaints(table)} == {
        "text",
        "rules[0].match",
        "rules[1].match",
        "rules[1].weight",
        "rules[2].match",
        "rules[2].odd",
        "nubmer",
    }


def test_an_unknown_key_without_a_near_one_lists_the_known() -> None:
    assert complaints({"zzz": 1, "match": "a"}, kind=Rule) == ["zzz: unknown key (known: match, reply, weight)"]


def test_a_value_with_faults_is_not_handed_out() -> None:
    assert checked({"zzz": 1}).value is None


class Grouped(Struct, frozen=True):
    low: int
    high: int

    def __post_init__(self) -> None:
        raise ExceptionGroup("both", [OptionInvalid("low", "too low"), OptionInvalid(("high",), "too high")])


def test_a_struct_may_reject_several_keys_at_once() -> None:
    assert complaints({"low": 1, "high": 2}, kind=Grouped) == ["low: too low", "high: too high"]


class Elsewhere(Struct, frozen=True):
    name: str

    def __post_init__(self) -> None:
        raise ConfigInvalid((Complaint(file=f"/x/{self.name}", line=3, message=f"{self.name} is bad"),))


def test_complaints_about_another_file_are_kept_and_say_nothing_of_the_environment() -> None:
    (fault,) = checked({"name": "${FILE}"}, {"FILE": "s3cret.toml"}, Elsewhere).faults
    assert fault.elsewhere == (Complaint(file="/x/${FILE}", line=3, message="${FILE} is bad"),)


# -- the environment ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "made"),
    [
        ("number", "2.5", 2.5),
        ("whole", "12", 12),
        ("flag", "TRUE", True),
        ("flag", "0", False),
        ("level", "2", 2),
        ("mode", "slow", "slow"),
        ("text", "12", "12"),
        ("colour", "blue", Colour.BLUE),
        ("one_or_more", "12", "12"),
        ("number_or_word", "12", 12),
        ("secret", "s", Secret("s")),
        ("anything", "12", "12"),
    ],
)
def test_a_lone_reference_becomes_what_the_option_asks_for(key: str, value: str, made: Any) -> None:
    found = checked({key: "${V}"}, {"V": value})
    assert found.faults == []
    assert repr(getattr(found.value, key)) == repr(made)


@pytest.mark.parametrize("written", ["1${V}", "$${V}", "12"])
def test_other_strings_never_become_numbers(written: str) -> None:
    assert len(complaints({"whole": written}, {"V": "2"})) == 1


SECRET = "hunter2-and-more"
KEYS = [field_name for field_name in Options.__struct_fields__ if field_name not in {"anything", "renamed", "text"}]


@pytest.mark.parametrize("key", KEYS)
def test_no_complaint_shows_what_the_environment_holds(key: str) -> None:
    for written in ("${V}", "x${V}", ["${V}", {"a": "${V}"}], {"type": "${V}", "${V}": "${V}"}):
        assert SECRET not in str(complaints({key: written}, {"V": SECRET}))


class Talkative(Struct, frozen=True):
    url: str
    nested: dict[str, str] = {}

    def __post_init__(self) -> None:
        raise ValueError(f"cannot use {self.url!r} with {self.nested}")


def test_what_a_plugin_says_about_its_options_is_rid_of_the_environment() -> None:
    (complaint,) = complaints(
        {"url": "https://${HOST}/x", "nested": {"key": "${V}"}}, {"HOST": "internal.example", "V": SECRET}, Talkative
    )
    assert complaint == ": cannot use 'https://${HOST}/x' with {'key': '${V}'}"


@pytest.mark.parametrize("key", ["api_key", "webhook_token", "password"])
def test_a_literal_secret_of_the_wrong_type_is_not_repeated(key: str) -> None:
    (complaint,) = complaints({"anything": {}, key: 8125}, kind=dict[str, dict[str, str]])
    assert "8125" not in complaint


def test_literal_secrets_are_noted_and_references_are_not() -> None:
    assert checked({"secret": "sk-1"}).literal_secrets == [("secret",)]
    assert checked({"secret": "${V}"}, {"V": "sk-1"}).literal_secrets == []


# -- hostile input --------------------------------------------------------------------------------

VALUES = st.recursive(
    st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats()
    | st.booleans()
    | st.text(max_size=5)
    | st.just("${V}")
    | st.datetimes(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.sampled_from(["match", "type"]), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(["new-name", *Options.__struct_fields__]), VALUES, max_size=4))
def test_any_values_are_either_made_into_options_or_complained_about(table: dict[str, Any]) -> None:
    found = checked(table, {"V": "1"})
    assert (found.value is None) == bool(found.faults)
    assert all(fault.message.isprintable() and fault.hint.isprintable() for fault in found.faults)


def test_many_long_unknown_keys_are_told_without_delay() -> None:
    table = {f"{'k' * 5000}{number}": 1 for number in range(5000)}
    assert len(checked(table).faults) == 5000


class Mutable(Struct):
    name: str = ""


def test_items_that_cannot_be_told_apart_are_no_set() -> None:
    (complaint,) = complaints({"tags": [{}, {}]}, kind=dict[str, set[Mutable]])
    assert complaint == "tags: these items cannot be told apart, as this array needs"
