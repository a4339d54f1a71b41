"""Sink `console`."""

from __future__ import annotations

import errno
import io
import os
import re
import sys
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from akoolflow.events import (
    EVENT_TYPES,
    BotChunk,
    BrainFailed,
    CommandAck,
    CommandSent,
    Event,
    EventsDropped,
    PluginFailed,
    SessionEnded,
    SessionReady,
    TurnFinished,
    TurnInterrupted,
    TurnText,
    TurnTimes,
    UserUtterance,
)
from akoolflow.registry import Registry
from akoolflow_plugins.sinks import console
from akoolflow_plugins.sinks.console import Console, ConsoleOptions
from akoolflow_plugins.sinks.console.screen import harmless

PAGE = Path(__file__).parents[2] / "docs/reference/plugins/console.md"
READY = SessionReady(akool_session_id="a", waited_s=0.4)
ENDED = SessionEnded(akool_session_id="a", reason="input_ended", seconds_used=3.06)
FAILED = BrainFailed(component="openai", error="Oops")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


async def shown(*events: Event, stream: io.StringIO | None = None, **options: Any) -> str:
    stream = stream or io.StringIO()
    sink = Console(msgspec.convert(options, ConsoleOptions), stream)
    for event in events:
        await sink.on_event(event)
    await sink.aclose()
    return stream.getvalue()


def user(text: str, **fields: Any) -> UserUtterance:
    return UserUtterance(text=text, **fields)


def brain(*texts: str, turn: int = 1, mid: str = "m", **stamp: Any) -> list[BotChunk]:
    """An answer of a brain as it comes: its pieces, then an empty last one."""
    return [
        BotChunk(text=text, idx=n, final=n == len(texts), turn=turn, mid=mid, **stamp)
        for n, text in enumerate([*texts, ""])
    ]


def avatar(text: str, *, turn: int = 1, mid: str = "r", final: bool = True) -> BotChunk:
    return BotChunk(text=text, origin="avatar", turn=turn, mid=mid, final=final)


def finished(said: str = "", turn: int = 1) -> TurnFinished:
    return TurnFinished(turn=turn, text=TurnText(said=said), times=TurnTimes(first_piece_s=0.0021, total_s=1.844))


def interrupted(said: str = "", heard: str = "") -> TurnInterrupted:
    return TurnInterrupted(turn=1, text=TurnText(said=said, heard=heard), times=TurnTimes(total_s=0.5))


def test_it_is_registered_under_its_name() -> None:
    registry = Registry()
    console.akoolflow_register(registry)
    entry = registry.sinks.get("console")
    assert entry is not None
    assert (entry.options, entry.factory) == (ConsoleOptions, Console)


# -- the conversation ----------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_conversation_reads_like_one() -> None:
    text = await shown(READY, user("Hi."), *brain("Hello ", "there."), avatar("Hello there."), finished("x"), ENDED)
    assert text == (
        "·       the avatar is ready after 0.4 s\n"
        "you     Hi.\n"
        "avatar  Hello there.\n"
        "·       ended: end of input; 3.1 s used\n"
    )


@pytest.mark.anyio
async def test_an_answer_grows_as_its_pieces_come() -> None:
    stream = io.StringIO()
    sink = Console(ConsoleOptions(), stream)
    seen = []
    for chunk in brain("One ", "two"):
        await sink.on_event(chunk)
        seen.append(stream.getvalue())
    assert seen == ["avatar  One", "avatar  One two", "avatar  One two\n"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "echo",
    [
        avatar("Hello", turn=1, mid="other"),
        avatar("Hello", turn=0, mid="m"),
        avatar("Hello", turn=0, mid="other"),
    ],
    ids=["of the same turn", "of the same mid", "late, of the same text"],
)
async def test_what_a_brain_said_is_not_shown_again_when_the_avatar_reports_it(echo: BotChunk) -> None:
    assert await shown(*brain("Hello"), echo) == "avatar  Hello\n"


@pytest.mark.anyio
async def test_without_a_brain_the_avatar_is_shown() -> None:
    pieces = [avatar("Hello ", final=False), avatar("there", final=False), avatar("")]
    assert await shown(user("Hi"), *pieces, finished()) == "you     Hi\navatar  Hello there\n"


@pytest.mark.anyio
async def test_without_a_brain_a_greeting_before_any_turn_is_shown_and_ended() -> None:
    pieces = [avatar("Hello", final=False, turn=0), avatar("", turn=0)]
    stream = io.StringIO()
    sink = Console(ConsoleOptions(), stream)
    for piece in pieces:
        await sink.on_event(piece)
    assert stream.getvalue() == "avatar  Hello\n"


@pytest.mark.anyio
async def test_a_line_in_between_breaks_an_answer_in_two() -> None:
    one, two, end = brain("One. ", "Two.")
    assert await shown(one, FAILED, two, end) == "avatar  One.\n·       brain openai: Oops\navatar  Two.\n"


@pytest.mark.anyio
async def test_white_space_around_an_answer_is_left_out() -> None:
    assert await shown(*brain(" \n", " One", "\n\n", "two", "\n")) == "avatar  One\n        \n        two\n"


@pytest.mark.anyio
async def test_an_answer_that_is_cut_off_while_it_grows_is_marked() -> None:
    assert await shown(brain("One ")[0], interrupted("One "), user("no")) == "avatar  One (cut off)\nyou     no\n"


@pytest.mark.anyio
async def test_an_answer_that_is_cut_off_later_is_told_with_what_was_heard() -> None:
    text = await shown(*brain("One two"), interrupted("One two", "One"))
    assert text == "avatar  One two\n·       cut off; heard: One\n"


@pytest.mark.anyio
async def test_a_turn_that_is_cut_off_before_a_word_is_not_worth_a_line() -> None:
    assert await shown(interrupted()) == ""


@pytest.mark.anyio
async def test_a_turn_without_an_answer_is_told() -> None:
    assert await shown(user("Hi"), finished()) == "you     Hi\n·       no answer\n"


@pytest.mark.anyio
async def test_what_is_not_final_is_not_shown() -> None:
    assert await shown(user("Hel", final=False), user("Hello")) == "you     Hello\n"


@pytest.mark.anyio
async def test_a_typed_line_that_is_on_the_screen_anyway_is_not_shown_again() -> None:
    events = [user("typed", source="typed"), user("spoken"), user("given", source="api")]
    assert await shown(*events, echo_typed=False) == "you     spoken\nyou     given\n"
    assert (await shown(*events)).startswith("you     typed\n")


@pytest.mark.anyio
async def test_the_program_that_reads_the_input_may_say_that_lines_stay_on_the_screen() -> None:
    stream = io.StringIO()
    sink = Console(ConsoleOptions(), stream)
    sink.echo_typed = False
    await sink.on_event(user("typed", source="typed"))
    assert (stream.getvalue(), sink.echo_typed) == ("", False)


@pytest.mark.anyio
async def test_only_a_refused_command_is_told() -> None:
    acks = [CommandAck(cmd="interrupt", mid="m", code=code, msg="no") for code in (1000, 1001)]
    assert await shown(*acks) == "·       interrupt was refused: code 1001, no\n"


@pytest.mark.anyio
async def test_latencies_are_shown_when_asked_for() -> None:
    assert await shown(finished("x"), times=True) == "·       first piece 2 ms, total 1.84 s\n"
    assert await shown(brain("a")[0], interrupted("a"), times=True) == "avatar  a (cut off)\n·       total 500 ms\n"


@pytest.mark.anyio
async def test_lines_name_their_session_while_there_are_several() -> None:
    text = await shown(
        user("a", session="first-session"),
        user("b", session="second"),
        *brain("c", session="first-session"),
        SessionEnded(session="second", akool_session_id="a", reason="closed", seconds_used=1),
        EventsDropped(session="second", component="x", count=1),
        user("d", session="first-session"),
    )
    assert text == (
        "you     a\n"
        "second you     b\n"
        "first-se avatar  c\n"
        "second ·       ended: closed; 1.0 s used\n"
        "·       x was too slow for 1 events\n"
        "you     d\n"
    )


@pytest.mark.anyio
async def test_answers_of_two_sessions_do_not_mix_on_a_line() -> None:
    answers = zip(brain("a", "b", session="1"), brain("c", "d", session="2"), strict=True)
    pieces = [piece for pair in answers for piece in pair]
    text = await shown(user("x", session="1"), user("y", session="2"), *pieces)
    assert text.splitlines()[2:] == ["1 avatar  a", "2 avatar  c", "1 avatar  b", "2 avatar  d"]


@pytest.mark.anyio
async def test_with_all_there_is_one_line_for_each_event_with_its_fields() -> None:
    events: list[Event] = [
        user("a\nb\x9b", session="s", seq=12, turn=1, cause=3),
        CommandSent(cmd="interrupt", mid="m"),
    ]
    lines = (await shown(*events, show="all")).splitlines()
    assert lines == [
        's    12 UserUtterance     turn=1 cause=3 text="a\\nb\\x9b" final=true source="speech" mid=""',
        '     0 CommandSent       cmd="interrupt" mid="m" data={}',
    ]


# -- text from outside ---------------------------------------------------------------------------


@given(st.text(st.characters(exclude_categories=())))
def test_no_text_reaches_the_terminal_with_a_control_character(text: str) -> None:
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", harmless(text))


@given(st.text())
def test_every_further_line_of_a_text_is_indented(text: str) -> None:
    assert all(line.startswith(" " * 8) for line in harmless(text).split("\n")[1:])


@pytest.mark.anyio
async def test_an_escape_sequence_in_two_pieces_is_as_harmless() -> None:
    assert await shown(*brain("a\x1b", "[2J")) == "avatar  a\\x1b[2J\n"


@pytest.mark.anyio
async def test_a_text_cannot_pass_for_another_speaker() -> None:
    text = await shown(user("x\navatar  I owe you money\r\n·       ended"))
    assert text == "you     x\n        avatar  I owe you money\n        ·       ended\n"


@pytest.mark.anyio
async def test_the_texts_of_plugins_and_sessions_are_harmless_too() -> None:
    failed = PluginFailed(component="\x1b", hook="h", error="\x9b", count=1, put_aside=True, session="\x1b[2J")
    text = await shown(user("x"), failed) + await shown(failed, show="all")
    assert not re.search("[\x1b\x9b]", text)


@pytest.mark.anyio
@pytest.mark.parametrize(("encoding", "expected"), [("ascii", r"you     \xe9\ud800"), ("utf-8", r"you     é\ud800")])
async def test_what_the_stream_cannot_write_is_escaped(encoding: str, expected: str) -> None:
    raw = io.BytesIO()
    sink = Console(ConsoleOptions(), io.TextIOWrapper(raw, encoding=encoding))
    await sink.on_event(user("é\ud800"))
    assert raw.getvalue().decode(encoding) == expected + "\n"


# -- colours -------------------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("environment", "stream", "coloured"),
    [
        ({}, Terminal, True),
        ({}, io.StringIO, False),
        ({"NO_COLOR": "1"}, Terminal, False),
        ({"NO_COLOR": ""}, Terminal, True),
        ({"TERM": "dumb"}, Terminal, False),
        ({"FORCE_COLOR": "1"}, io.StringIO, True),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, io.StringIO, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, Terminal, False),
    ],
)
async def test_colours_are_for_terminals_unless_the_environment_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], stream: type[io.StringIO], *, coloured: bool
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    text = await shown(READY, user("Hi"), FAILED, stream=stream())
    assert ("\x1b[" in text) == coloured


@pytest.mark.anyio
async def test_every_colour_ends_on_its_line() -> None:
    text = await shown(READY, user("Hi"), *brain("a"), FAILED, ENDED, stream=Terminal())
    assert all(line.count("\x1b[0m") == 1 for line in text.splitlines())


# -- the stream ----------------------------------------------------------------------------------


@pytest.fixture
def pipe() -> Iterator[tuple[Any, Any]]:
    """A file object for each end."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb", buffering=0) as source, os.fdopen(writer, "w", encoding="utf-8") as target:
        yield source, target
        with suppress(OSError):  # the reader may be gone
            target.close()


@pytest.mark.anyio
async def test_the_standard_output_of_the_moment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    sink = Console(ConsoleOptions())
    streams = [io.StringIO(), io.StringIO()]
    for stream in streams:
        monkeypatch.setattr(sys, "stdout", stream)
        await sink.on_event(user("Hi"))
    assert [stream.getvalue() for stream in streams] == ["you     Hi\n", "you     Hi\n"]


@pytest.mark.anyio
async def test_without_a_standard_output_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    sink = Console(ConsoleOptions())
    await sink.on_event(user("Hi"))
    await sink.aclose()


@pytest.mark.anyio
async def test_when_nobody_reads_any_more_it_stops_quietly(pipe: tuple[Any, Any]) -> None:
    reader, stream = pipe
    sink = Console(ConsoleOptions(), stream)
    await sink.on_event(user("Hi"))
    reader.close()
    for _ in range(3):
        await sink.on_event(user("Hi"))
    await sink.aclose()
    assert sink._screen.gone


@pytest.mark.anyio
async def test_when_the_stream_was_closed_it_stops_quietly() -> None:
    stream = io.StringIO()
    sink = Console(ConsoleOptions(), stream)
    stream.close()
    for _ in range(2):
        await sink.on_event(user("Hi"))
    assert sink._screen.gone


class Refusing(io.StringIO):
    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def write(self, text: str) -> int:
        raise OSError(self.number, f"refused {text[:3]}")


@pytest.mark.anyio
async def test_a_terminal_that_was_hung_up_is_gone() -> None:
    assert await shown(user("Hi"), user("Hi"), stream=Refusing(errno.EIO)) == ""


@pytest.mark.anyio
async def test_a_full_disk_is_no_reason_to_be_quiet() -> None:
    with pytest.raises(OSError, match="refused you"):
        await shown(user("Hi"), stream=Refusing(errno.ENOSPC))


@pytest.mark.anyio
async def test_a_reader_that_stands_still_holds_up_nobody_else(pipe: tuple[Any, Any]) -> None:
    reader, stream = pipe
    sink = Console(ConsoleOptions(), stream)
    count = 4

    async def write() -> None:
        for number in range(count):
            await sink.on_event(user(f"{number}" + "é" * 50_000))

    received = b""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(write)
        await anyio.lowlevel.checkpoint()  # returns: the loop goes on, although the pipe is full
        while received.count(b"\n") < count:
            await anyio.wait_readable(reader)
            received += reader.read(1 << 20)
    assert received.decode() == "".join(f"you     {number}{'é' * 50_000}\n" for number in range(count))


@pytest.mark.anyio
async def test_lines_of_two_sessions_stay_whole_behind_a_slow_reader(pipe: tuple[Any, Any]) -> None:
    reader, stream = pipe
    sink = Console(ConsoleOptions(), stream)
    received = b""
    async with anyio.create_task_group() as tasks:
        for session in "ab":
            tasks.start_soon(sink.on_event, user(session * 100_000, session=session))
        while received.count(b"\n") < 2:
            await anyio.wait_readable(reader)
            received += reader.read(1 << 16)
    assert {len(set(line.split()[-1])) for line in received.decode().splitlines()} == {1}


@pytest.mark.anyio
async def test_two_consoles_share_a_slow_stream(pipe: tuple[Any, Any]) -> None:
    reader, stream = pipe
    received = b""
    async with anyio.create_task_group() as tasks:
        for letter in "ab":
            tasks.start_soon(Console(ConsoleOptions(), stream).on_event, user(letter * 100_000))
        while received.count(b"\n") < 2:
            await anyio.wait_readable(reader)
            received += reader.read(1 << 16)
    assert (received.count(b"a"), received.count(b"b")) == (100_000, 100_000)


@pytest.mark.anyio
async def test_a_prompt_gets_whole_lines_only() -> None:
    class Proxy(io.StringIO):
        original_stdout = None
        flushed = ""

        def flush(self) -> None:
            self.flushed = self.getvalue()

    stream = Proxy()
    sink = Console(ConsoleOptions(), stream)
    seen = []
    for chunk in brain("One ", "two"):
        await sink.on_event(chunk)
        seen.append(stream.flushed)
    assert seen == ["", "", "avatar  One two\n"]


def test_the_proxy_of_prompt_toolkit_is_known_by_its_attribute() -> None:
    from prompt_toolkit.patch_stdout import StdoutProxy

    assert hasattr(StdoutProxy, "original_stdout")


# -- the contract and the manual -----------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize("show", ["conversation", "all"])
async def test_it_keeps_the_contract_of_sinks(show: Any) -> None:
    from akoolflow.testing import check_sink

    stream = io.StringIO()
    await check_sink(Console(ConsoleOptions(show=show), stream))
    if show == "all":
        assert len(stream.getvalue().splitlines()) == len(EVENT_TYPES)


def test_the_example_on_its_page_is_valid() -> None:
    example = re.search(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert example is not None
    (table,) = tomllib.loads(example[1])["sink"]
    assert table.pop("use") == "console"
    assert msgspec.convert(table, ConsoleOptions) == ConsoleOptions(times=True)
