"""Sink `logging`."""

from __future__ import annotations

import json
import logging
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from akoolflow.events import (
    EVENT_TYPES,
    BotChunk,
    CommandAck,
    CommandSent,
    Event,
    SessionFailed,
    SpeechStarted,
    UserUtterance,
)
from akoolflow.registry import Registry
from akoolflow.toml.checking import check
from akoolflow_plugins.sinks import logging as plugin
from akoolflow_plugins.sinks.logging import DEFAULT_LEVELS, Logging, LoggingOptions

PAGE = Path(__file__).parents[2] / "docs/reference/plugins/logging.md"
HELLO = UserUtterance(text="hello", session="s", seq=3, turn=2, cause=1, unix_s=1.5)
NAME = "akoolflow.test"


@pytest.fixture
def records() -> Iterator[list[logging.LogRecord]]:
    """What reaches a handler of the logger `akoolflow.test`, which takes everything."""
    found: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = found.append  # type: ignore[method-assign, assignment]
    logger = logging.getLogger(NAME)
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield found
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def sink(**options: Any) -> Logging:
    return Logging(msgspec.convert({"logger": NAME} | options, LoggingOptions))


def test_it_is_registered_under_its_name() -> None:
    registry = Registry()
    plugin.akoolflow_register(registry)
    entry = registry.sinks.get("logging")
    assert entry is not None
    assert (entry.options, entry.factory) == (LoggingOptions, Logging)


def test_the_message_is_the_event_with_its_fields(records: list[logging.LogRecord]) -> None:
    sink().on_event(HELLO)
    (record,) = records
    assert record.getMessage() == (
        'UserUtterance session="s" seq=3 turn=2 cause=1 text="hello" final=true source="speech" mid=""'
    )


def test_a_record_has_the_fields_as_attributes(records: list[logging.LogRecord]) -> None:
    sink().on_event(HELLO)
    found = {name: records[0].__dict__[name] for name in ("event", "session", "seq", "turn", "cause", "fields")}
    assert found == {
        "event": "UserUtterance",
        "session": "s",
        "seq": 3,
        "turn": 2,
        "cause": 1,
        "fields": {"text": "hello", "final": True, "source": "speech", "mid": ""},
    }


def test_a_field_may_have_a_name_that_logging_keeps_for_itself(records: list[logging.LogRecord]) -> None:
    sink().on_event(CommandAck(cmd="interrupt", mid="m", code=1000, msg="OK"))
    assert records[0].__dict__["fields"]["msg"] == "OK"


def test_as_json_the_message_is_one_object_with_everything(records: list[logging.LogRecord]) -> None:
    sink(format="json").on_event(HELLO)
    assert json.loads(records[0].getMessage()) == {
        "time": "1970-01-01T00:00:01.500000+00:00",
        "level": "INFO",
        "logger": NAME,
        "event": "UserUtterance",
        "session": "s",
        "seq": 3,
        "turn": 2,
        "cause": 1,
        "text": "hello",
        "final": True,
        "source": "speech",
        "mid": "",
    }


def test_no_event_has_a_field_that_hides_one_of_the_json_object() -> None:
    taken = {"time", "level", "logger", "event"}
    assert [kind.__name__ for kind in EVENT_TYPES if taken & set(kind.__struct_fields__)] == []


@pytest.mark.parametrize("format", ["text", "json"])
@pytest.mark.parametrize(
    "nasty", ["a\nCRITICAL forged", "\r", "\x1b[2J", "\x9b2J", "\u2028", "\u202e", "\x00", "\x7f", "\ud800", "%s %(x)s"]
)
def test_no_text_ends_a_line_or_drives_a_terminal(records: list[logging.LogRecord], nasty: str, format: str) -> None:  # noqa: A002
    sink(format=format).on_event(UserUtterance(text=nasty, session=nasty))
    message = records[0].getMessage()
    assert message.isprintable()
    assert message.encode()
    if format == "json":
        assert json.loads(message)["text"] == nasty


def test_other_scripts_stay_readable(records: list[logging.LogRecord]) -> None:
    sink().on_event(UserUtterance(text="营业时间 👍"))
    assert "营业时间 👍" in records[0].getMessage()


def test_every_event_has_a_level() -> None:
    assert set(DEFAULT_LEVELS) == {kind.__name__ for kind in EVENT_TYPES}


@pytest.mark.parametrize(
    ("event", "level"),
    [(HELLO, "INFO"), (BotChunk(text="x"), "DEBUG"), (SessionFailed(reason="x"), "ERROR"), (SpeechStarted(), "DEBUG")],
)
def test_an_event_has_its_usual_level(records: list[logging.LogRecord], event: Event, level: str) -> None:
    sink().on_event(event)
    assert [record.levelname for record in records] == [level]


def test_levels_change_single_events_and_off_leaves_one_out(records: list[logging.LogRecord]) -> None:
    logs = sink(levels={"UserUtterance": "ERROR", "BotChunk": "OFF"})
    for event in (HELLO, BotChunk(text="x"), SpeechStarted()):
        logs.on_event(event)
    assert [(r.__dict__["event"], r.levelname) for r in records] == [
        ("UserUtterance", "ERROR"),
        ("SpeechStarted", "DEBUG"),
    ]


def test_what_the_logger_does_not_take_is_not_made(records: list[logging.LogRecord]) -> None:
    logging.getLogger(NAME).setLevel(logging.ERROR)
    sink().on_event(CommandSent(cmd="interrupt", mid="m", data={"x": object()}))  # would fail to be encoded
    assert records == []


@pytest.mark.parametrize(
    ("table", "path", "words"),
    [
        ({"levels": {"UserUterance": "INFO"}}, ("levels", "UserUterance"), 'did you mean "UserUtterance"?'),
        ({"levels": {"UserUtterance": "LOUD"}}, ("levels", "UserUtterance"), "DEBUG"),
        ({"logger": ""}, ("logger",), "akoolflow.session"),
        ({"formt": "text"}, ("formt",), '"format"'),
    ],
)
def test_a_wrong_option_is_told_where_it_stands(table: dict[str, Any], path: tuple[str, ...], words: str) -> None:
    (fault,) = check(table, LoggingOptions, folder=Path("/")).faults
    assert fault.path == path
    assert words in f"{fault.message} {fault.hint}"


def test_nothing_is_configured_unless_asked_for() -> None:
    before = (logging.root.handlers[:], logging.root.level)
    Logging(LoggingOptions(logger="akoolflow.untouched"))
    logger = logging.getLogger("akoolflow.untouched")
    assert (logger.handlers, logger.level, logger.propagate) == ([], logging.NOTSET, True)
    assert (logging.root.handlers, logging.root.level) == before


@pytest.mark.anyio
@pytest.mark.parametrize(("format", "start"), [("text", r"\d{4}-\d\d-\d\d .* INFO +UserUtterance"), ("json", r"\{")])
async def test_configured_it_writes_to_standard_error_and_nowhere_else(
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    format: str,  # noqa: A002
    start: str,
) -> None:
    logs = sink(configure=True, format=format, logger="akoolflow.configured", levels={"BotChunk": "OFF"})
    logs.on_event(HELLO)
    assert re.match(start, capsys.readouterr().err)
    assert caplog.records == []
    await logs.aclose()


@pytest.mark.anyio
async def test_closed_it_leaves_the_logger_as_it_was_found() -> None:
    logger = logging.getLogger("akoolflow.lent")
    logger.setLevel(logging.ERROR)
    logs = sink(configure=True, logger="akoolflow.lent")
    assert (logger.level, logger.propagate, len(logger.handlers)) == (logging.DEBUG, False, 1)
    await logs.aclose()
    await logs.aclose()
    assert (logger.level, logger.propagate, logger.handlers) == (logging.ERROR, True, [])


@pytest.mark.anyio
@pytest.mark.parametrize("format", ["text", "json"])
async def test_it_keeps_the_contract_of_sinks(records: list[logging.LogRecord], format: str) -> None:  # noqa: A002
    from akoolflow.testing import check_sink

    await check_sink(sink(format=format))
    assert len(records) == len(EVENT_TYPES)


def test_the_example_on_its_page_is_valid() -> None:
    example = re.search(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert example is not None
    (table,) = tomllib.loads(example[1])["sink"]
    assert table.pop("use") == "logging"
    levels = {"UserUtterance": "DEBUG", "BotChunk": "OFF"}
    assert msgspec.to_builtins(msgspec.convert(table, LoggingOptions)) == {
        "logger": "akoolflow.session",
        "format": "json",
        "levels": levels,
        "configure": True,
    }


def test_the_table_of_levels_on_its_page_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| `([A-Z]+)` \| (.*) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert {name: level for level, names in rows for name in names.split(", ")} == DEFAULT_LEVELS
