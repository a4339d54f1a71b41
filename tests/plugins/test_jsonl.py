"""Sink `jsonl`."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
import threading
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from akoolflow.errors import OptionInvalid
from akoolflow.events import (
    AnyEvent,
    BotChunk,
    CommandSent,
    Event,
    EventsDropped,
    SessionEnded,
    SessionFailed,
    UserUtterance,
)
from akoolflow.registry import Registry
from akoolflow.secret import Secret
from akoolflow_plugins.sinks import jsonl
from akoolflow_plugins.sinks.jsonl import Jsonl, JsonlOptions, _file_name

PAGE = Path(__file__).parents[2] / "docs/reference/plugins/jsonl.md"
DAY_S = 86_400.0


def said(text: str, session: str = "s", **stamp: Any) -> UserUtterance:
    return UserUtterance(text=text, session=session, **stamp)


def ended(session: str = "s") -> SessionEnded:
    return SessionEnded(session=session, akool_session_id="a", reason="closed", seconds_used=1)


def texts(file: Path) -> list[str]:
    return [json.loads(line).get("text", "-") for line in file.read_text("utf-8").splitlines()]


async def give(sink: Jsonl, *events: Event) -> None:
    for event in events:
        await sink.on_event(event)


class FailingWrites:
    """`os.write` that takes `room` bytes more, then fails as a full disk does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room = 10**9
        self._write: Callable[[int, Any], int] = os.write
        monkeypatch.setattr(os, "write", self)

    def __call__(self, number: int, data: bytes) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        count = self._write(number, bytes(data[: self.room]))
        self.room -= count
        return count


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> FailingWrites:
    return FailingWrites(monkeypatch)


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of the files that were synced."""
    numbers: list[int] = []
    monkeypatch.setattr(os, "fsync", numbers.append)
    return numbers


def open_files(folder: Path) -> list[Path]:
    links = [link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return [file for file in links if file.is_relative_to(folder)]


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_it_is_registered_under_its_name() -> None:
    registry = Registry()
    jsonl.akoolflow_register(registry)
    entry = registry.sinks.get("jsonl")
    assert entry is not None
    assert (entry.options, entry.factory) == (JsonlOptions, Jsonl)


def test_it_asks_publishers_to_wait_for_a_bounded_time() -> None:
    assert (Jsonl.inbox.when_full, Jsonl.inbox.max_wait_s) == ("wait", 2.0)


@pytest.mark.anyio
async def test_each_line_is_an_event_that_can_be_read_back(tmp_path: Path) -> None:
    events = [said("a\nb", seq=1, unix_s=2.5), BotChunk(text="营业", session="s", cause=1), ended()]
    await give(Jsonl(JsonlOptions(path=tmp_path / "log.jsonl")), *events)
    lines = (tmp_path / "log.jsonl").read_bytes().splitlines()
    assert [msgspec.json.decode(line, type=AnyEvent) for line in lines] == events


@pytest.mark.anyio
async def test_a_line_is_in_the_file_as_soon_as_the_hook_is_done(tmp_path: Path) -> None:
    sink = Jsonl(JsonlOptions(path=tmp_path / "log.jsonl"))
    await give(sink, said("a"))
    assert texts(tmp_path / "log.jsonl") == ["a"]
    await sink.aclose()


@pytest.mark.anyio
async def test_it_appends_to_what_is_there(tmp_path: Path) -> None:
    for text in "ab":
        await give(Jsonl(JsonlOptions(path=tmp_path / "log.jsonl")), said(text), ended())
    assert texts(tmp_path / "log.jsonl") == ["a", "-", "b", "-"]


@pytest.mark.anyio
async def test_a_line_that_a_crash_has_cut_spoils_only_itself(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text('{"text":"a"}\n{"te')
    await give(Jsonl(JsonlOptions(path=file)), said("b"), ended())
    assert [line[:6] for line in file.read_text().splitlines()] == ['{"text', '{"te', '{"type', '{"type']


@pytest.mark.anyio
async def test_only_the_events_that_are_asked_for_are_written(tmp_path: Path) -> None:
    sink = Jsonl(JsonlOptions(path=tmp_path / "log.jsonl", events=("UserUtterance",)))
    await give(sink, BotChunk(text="no", session="s"), said("yes"), ended())
    assert texts(tmp_path / "log.jsonl") == ["yes"]


@pytest.mark.anyio
async def test_without_anything_to_write_there_is_no_file(tmp_path: Path) -> None:
    await give(Jsonl(JsonlOptions(path=tmp_path / "log.jsonl", events=("BotChunk",))), said("no"), ended())
    assert names(tmp_path) == []


@pytest.mark.anyio
async def test_folders_are_made_and_a_new_file_is_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "er" / "log.jsonl"
    await give(Jsonl(JsonlOptions(path=file)), said("a"), ended())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.anyio
async def test_a_secret_is_written_masked(tmp_path: Path) -> None:
    event = CommandSent(cmd="set-params", mid="m", data={"key": Secret("sk-1")}, session="s")
    await give(Jsonl(JsonlOptions(path=tmp_path / "log.jsonl")), event, ended())
    assert "sk-1" not in (tmp_path / "log.jsonl").read_text()


@pytest.mark.anyio
async def test_half_a_surrogate_pair_costs_one_character_not_the_line(tmp_path: Path) -> None:
    await give(Jsonl(JsonlOptions(path=tmp_path / "log.jsonl")), said("a\ud800é"), ended())
    assert texts(tmp_path / "log.jsonl") == ["a?é", "-"]


# -- names of files ------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_each_session_has_a_file_of_its_own_for_its_day(tmp_path: Path) -> None:
    sink = Jsonl(JsonlOptions(path=tmp_path / "{date}-{session}-{{x}}.jsonl"))
    await give(sink, said("a", "one", unix_s=DAY_S), said("b", "two", unix_s=DAY_S), said("c", "one", unix_s=2 * DAY_S))
    await sink.aclose()
    found = {name: texts(tmp_path / name) for name in names(tmp_path)}
    assert found == {"1970-01-02-one-{x}.jsonl": ["a", "c"], "1970-01-02-two-{x}.jsonl": ["b"]}


@pytest.mark.anyio
async def test_sessions_that_share_a_file_keep_it_open_until_the_last_has_ended(tmp_path: Path) -> None:
    sink = Jsonl(JsonlOptions(path=tmp_path / "log.jsonl"))
    await give(sink, said("a", "one"), said("b", "two"), ended("one"))
    assert len(open_files(tmp_path)) == 1
    await give(sink, said("c", "two"), SessionFailed(session="two", reason="x"))
    assert open_files(tmp_path) == []
    assert texts(tmp_path / "log.jsonl") == ["a", "b", "-", "c", "-"]


@pytest.mark.anyio
async def test_a_report_after_the_end_is_written_and_opens_nothing_for_long(tmp_path: Path) -> None:
    sink = Jsonl(JsonlOptions(path=tmp_path / "log.jsonl"))
    await give(sink, said("a"), ended(), EventsDropped(session="s", component="x", count=1))
    assert open_files(tmp_path) == []
    assert texts(tmp_path / "log.jsonl") == ["a", "-", "-"]
    assert (sink._files, sink._paths) == ({}, {})


@given(st.text())
def test_no_session_id_leads_out_of_the_folder(session: str) -> None:
    name = _file_name(session)
    assert re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}", name)


@given(st.text(alphabet="aA/._\x00 ", max_size=4), st.text(alphabet="aA/._\x00 ", max_size=4))
def test_two_sessions_have_two_names(one: str, other: str) -> None:
    assert (_file_name(one) == _file_name(other)) == (one == other)


@pytest.mark.parametrize(
    ("options", "key", "words"),
    [
        ({"path": "a/{sesion}.jsonl"}, ("path",), "{sesion}"),
        ({"path": "{session!r}.jsonl"}, ("path",), "{session}"),
        ({"path": "{session:>99999999}.jsonl"}, ("path",), "{session}"),
        ({"path": "{.jsonl"}, ("path",), "{{"),
        ({"path": "{date}/x.jsonl"}, ("path",), "folder"),
        ({"path": "/"}, ("path",), "no file name"),
        ({"path": "x", "events": ("BotChunk", "UserUterance")}, ("events", 1), '"UserUtterance"'),
    ],
)
def test_a_wrong_option_is_told_where_it_stands(options: dict[str, Any], key: tuple[str, ...], words: str) -> None:
    with pytest.raises(OptionInvalid) as caught:
        JsonlOptions(**{**options, "path": Path(options["path"])})
    assert caught.value.key == key
    assert words in str(caught.value)


# -- trouble -------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_what_a_full_disk_refused_is_written_before_the_next_line(tmp_path: Path, disk: FailingWrites) -> None:
    file = tmp_path / "log.jsonl"
    sink = Jsonl(JsonlOptions(path=file))
    await give(sink, said("a"))
    disk.room = 0
    for text in "bc":
        with pytest.raises(OSError, match=re.escape(str(file))) as caught:
            await give(sink, said(text))
        assert caught.value.errno == errno.ENOSPC
    disk.room = 10**9
    await give(sink, said("d"), ended())
    assert texts(file) == ["a", "b", "c", "d", "-"]


@pytest.mark.anyio
async def test_a_line_that_the_disk_took_half_is_completed(tmp_path: Path, disk: FailingWrites) -> None:
    file = tmp_path / "log.jsonl"
    sink = Jsonl(JsonlOptions(path=file))
    disk.room = 20
    with pytest.raises(OSError, match="space"):
        await give(sink, said("a"))
    disk.room = 10**9
    await give(sink, said("b"))
    await sink.aclose()
    assert texts(file) == ["a", "b"]


@pytest.mark.anyio
async def test_a_half_line_is_completed_even_if_the_session_ended_meanwhile(
    tmp_path: Path, disk: FailingWrites
) -> None:
    file = tmp_path / "log.jsonl"
    sink = Jsonl(JsonlOptions(path=file))
    disk.room = 20
    for event in (said("a"), ended()):
        with pytest.raises(OSError, match="space"):
            await give(sink, event)
    assert open_files(tmp_path) == []
    disk.room = 10**9
    await sink.aclose()
    assert texts(file) == ["a", "-"]


@pytest.mark.anyio
async def test_what_waits_for_the_disk_is_bounded_and_the_loss_is_told(tmp_path: Path, disk: FailingWrites) -> None:
    file = tmp_path / "log.jsonl"
    sink = Jsonl(JsonlOptions(path=file))
    disk.room = 0
    big = "x" * 400_000
    for text in (big, big, big, "small"):
        with pytest.raises(OSError, match="space") as caught:
            await give(sink, said(text))
    assert "1 lines are lost" in str(caught.value)
    disk.room = 10**9
    await sink.aclose()
    assert [len(text) for text in texts(file)] == [400_000, 400_000, 5]


@pytest.mark.anyio
async def test_a_folder_that_cannot_be_made_is_an_error_and_healed_when_it_can(tmp_path: Path) -> None:
    (tmp_path / "sub").write_text("in the way")
    sink = Jsonl(JsonlOptions(path=tmp_path / "sub" / "log.jsonl"))
    with pytest.raises(OSError, match="sub"):
        await give(sink, said("a"))
    (tmp_path / "sub").unlink()
    await give(sink, said("b"), ended())
    assert texts(tmp_path / "sub" / "log.jsonl") == ["a", "b", "-"]


@pytest.mark.anyio
async def test_a_named_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    sink = Jsonl(JsonlOptions(path=tmp_path / "pipe"))
    with pytest.raises(OSError, match="not a regular file"):
        await give(sink, said("a"))
    assert open_files(tmp_path) == []


@pytest.mark.anyio
async def test_closing_closes_every_file_even_if_one_fails(tmp_path: Path, disk: FailingWrites) -> None:
    sink = Jsonl(JsonlOptions(path=tmp_path / "{session}.jsonl"))
    await give(sink, said("a", "one"), said("b", "two"))
    disk.room = 0
    with pytest.raises(OSError, match="space"):
        await give(sink, said("c", "one"))
    with pytest.raises(OSError, match="space"):
        await sink.aclose()
    assert open_files(tmp_path) == []


# -- fsync ---------------------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize(("policy", "counts"), [("never", [0, 0, 0]), ("end", [0, 0, 1]), ("always", [1, 2, 3])])
async def test_the_disk_is_asked_as_often_as_the_policy_says(
    tmp_path: Path, synced: list[int], policy: Any, counts: list[int]
) -> None:
    sink = Jsonl(JsonlOptions(path=tmp_path / "log.jsonl", fsync=policy))
    seen = []
    for event in (said("a"), said("b"), ended()):
        await sink.on_event(event)
        seen.append(len(synced))
    assert seen == counts


@pytest.mark.anyio
async def test_a_file_is_not_closed_while_another_session_waits_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = Jsonl(JsonlOptions(path=tmp_path / "log.jsonl"))
    releases = [threading.Event(), threading.Event()]
    begun: list[threading.Event] = []
    failures: list[OSError] = []

    def slow(number: int) -> None:
        release = releases[len(begun)]
        begun.append(release)
        release.wait(10)
        try:
            os.fstat(number)
        except OSError as error:
            failures.append(error)

    monkeypatch.setattr(os, "fsync", slow)
    await give(sink, said("a", "one"), said("b", "two"))
    async with anyio.create_task_group() as tasks:
        for session in ("one", "two"):
            count = len(begun)
            tasks.start_soon(sink.on_event, ended(session))
            while len(begun) == count:
                await anyio.lowlevel.checkpoint()
        releases[0].set()
        while "one" in sink._paths:
            await anyio.lowlevel.checkpoint()
        releases[1].set()
    assert failures == []
    assert open_files(tmp_path) == []


@pytest.mark.anyio
async def test_it_keeps_the_contract_of_sinks(tmp_path: Path) -> None:
    from akoolflow.testing import check_sink, one_of_each

    sink = Jsonl(JsonlOptions(path=tmp_path / "log.jsonl"))
    await check_sink(sink)
    await sink.aclose()
    assert len(texts(tmp_path / "log.jsonl")) == len(one_of_each())


def test_the_example_on_its_page_is_valid() -> None:
    example = re.search(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert example is not None
    (table,) = tomllib.loads(example[1])["sink"]
    assert table.pop("use") == "jsonl"
    options = msgspec.convert(table, JsonlOptions, dec_hook=lambda kind, value: kind(value))
    assert options.path == Path("logs/{date}-{session}.jsonl")
