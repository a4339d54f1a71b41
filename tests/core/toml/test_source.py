from __future__ import annotations

import contextlib
import os
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from akoolflow.errors import ConfigInvalid
from akoolflow.toml.faults import Fault, KeyPath
from akoolflow.toml.source import MAX_COMPLAINTS, MAX_FILE_BYTES, Source, parse, read

# -- documents that the standard library accepts --------------------------------------------------

BARE = st.sampled_from(["a", "b", "c-d", "e_f", "1", "12", "true", "inf", "1979-05-27", "1e3"])
QUOTED = st.sampled_from(
    ['"a"', "'b'", '"c d"', '"é"', '"日 本"', "'x.y'", '"#"', '"="', '"\\u00e9\\n"', '""', "'[q]'"]
)
KEY = st.lists(BARE | QUOTED, min_size=1, max_size=3).flatmap(
    lambda parts: st.sampled_from([".", " . ", "\t."]).map(lambda dot: dot.join(parts))
)
SCALAR = st.sampled_from([
    "1", "-0", "0xff", "1_000", "1.5", "6e-2", "inf", "-nan", "true", "false",
    "1979-05-27T07:32:00Z", "1979-05-27 07:32:00.5", "1979-05-27", "07:32:00",
    '""', '"é # = ]"', "'lit \\ [x]'", '"esc \\" \\u00e9 \\t"', '"${X}"',
    '"""one"""', '"""\nab\n  "quoted" \\\n  cd"""', '""""q"""""', "'''\nraw 'x' \n# no comment\n'''", '"""é\n😀"""',
])  # fmt: skip
GAP = st.sampled_from(["", " ", "\n", " # ünï [c]\n", "\n\n  "])


def _array(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    item = st.tuples(GAP, values, GAP).map("".join)
    return st.tuples(st.lists(item, max_size=3).map(",".join), st.sampled_from(["", ","]), GAP).map(
        lambda parts: f"[{parts[0]}{parts[1] if parts[0] else ''}{parts[2]}]"
    )


def _inline(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(st.tuples(KEY, values).map(" = ".join), max_size=3).map(lambda pairs: f"{{ {', '.join(pairs)} }}")


VALUE = st.recursive(SCALAR, lambda values: _array(values) | _inline(values), max_leaves=6)
STATEMENT = st.one_of(
    st.tuples(KEY, st.sampled_from([" = ", "=", "\t=  "]), VALUE, st.sampled_from(["", " # é ["])).map("".join),
    KEY.map(lambda key: f"[{key}]"),
    KEY.map(lambda key: f"  [ {key} ] # é"),
    KEY.map(lambda key: f"[[{key}]]"),
    st.sampled_from(["", "# comment é = 1", "   "]),
)


@st.composite
def documents(draw: st.DrawFn) -> str:
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    text = ""
    for statement in draw(st.lists(STATEMENT, max_size=12)):
        longer = text + (statement + "\n").replace("\n", newline)
        try:
            tomllib.loads(longer)
        except tomllib.TOMLDecodeError:
            continue
        text = longer
    return text


def paths(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    if path:
        yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from paths(item, (*path, key))


def rest_of_line(source: Source, path: KeyPath, *, key: bool) -> str:
    line, column = source.position(path, "key" if key else "value")
    return source.data.decode().split("\n")[line - 1][column - 1 :]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents())
def test_every_value_has_a_position_and_nothing_else_has(text: str) -> None:
    source = parse(text.encode(), "f.toml")
    assert {path for path, _ in paths(source.values)} == set(source.spans)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents())
def test_the_text_at_a_position_is_that_very_value_or_key(text: str) -> None:
    source = parse(text.encode(), "f.toml")
    for path, value in paths(source.values):
        span = source.spans[path]
        if not isinstance(value, dict | list):
            written = source.data[span.start : span.end].decode()
            assert repr(tomllib.loads(f"x = {written}")["x"]) == repr(value)
            assert rest_of_line(source, path, key=False).startswith(written.split("\n")[0])
        if isinstance(path[-1], str):
            name = _first_key(rest_of_line(source, path, key=True))
            assert name == path[-1]


def _first_key(text: str) -> str:
    for end in range(1, len(text) + 1):
        try:
            names = list(tomllib.loads(f"{text[:end]} = 1"))
        except tomllib.TOMLDecodeError:
            continue
        if end == len(text) or text[end] in " \t.=]\r":
            return names[0]
    raise AssertionError(text)


# -- positions ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "path", "at", "position"),
    [
        ("a = 1", ("a",), "key", (1, 1)),
        ("a = 1", ("a",), "value", (1, 5)),
        ('"é" = "ü"', ("é",), "value", (1, 7)),
        ("[t]\n'日本' . x = 1", ("t", "日本", "x"), "key", (2, 8)),
        ("[a.b]\nc = 1\n[a]\nd = 1", ("a",), "key", (3, 2)),
        ("[[a]]\n[[a]]\nb = [1,\r\n 2]", ("a", 1, "b", 1), "value", (4, 2)),
        ("[[a]]\n[[a]]", ("a", 1), "key", (2, 3)),
        ("a = 1\n[t]\nb = 2", ("t", "missing"), "value", (2, 2)),
        ("a = 1", ("missing", "below"), "value", (1, 1)),
    ],
)
def test_a_position_is_counted_in_characters(text: str, path: KeyPath, at: Any, position: tuple[int, int]) -> None:
    assert position == parse(text.encode(), "f.toml").position(path, at)


@pytest.mark.parametrize(
    ("text", "mark", "position"),
    [
        ('k = "é ${A} ${B}"', 1, (1, 13)),
        ('k = "$${A} ${B}"', 1, (1, 12)),
        ('k = """\nx ${A}"""', 0, (2, 3)),
        ("k = '${A}'", 0, (1, 6)),
        ('k = "\\u0024{A}"', 0, (1, 5)),
    ],
)
def test_a_reference_has_a_position_of_its_own(text: str, mark: int, position: tuple[int, int]) -> None:
    assert position == parse(text.encode(), "f.toml").position(("k",), mark=mark)


def test_complaints_come_in_the_order_of_the_file() -> None:
    source = parse(b"a = 1\nb = 2\nc = 3", "f.toml")
    complaints = source.complaints([Fault(path=(key,), message=key) for key in "bca"])
    assert [complaint.message for complaint in complaints] == ["a", "b", "c"]


def test_more_complaints_than_anyone_reads_are_counted() -> None:
    source = parse(b"a = 1", "f.toml")
    complaints = source.complaints([Fault(path=("a",), message="x")] * (MAX_COMPLAINTS + 7))
    assert len(complaints) == MAX_COMPLAINTS + 1
    assert complaints[-1].message.startswith("7 more")


# -- what is not TOML ------------------------------------------------------------------------------


def complaints_of(data: bytes) -> list[str]:
    with pytest.raises(ConfigInvalid) as caught:
        parse(data, "f.toml")
    return [str(complaint) for complaint in caught.value.complaints]


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"a = ", "f.toml:1:5: not TOML: Invalid value"),
        (b"\xef\xbb\xbfa = 1", "f.toml:1:1: begins with a byte order mark (save it as UTF-8 without one)"),
        ("a = 1".encode("utf-16"), "f.toml:1:1: begins with a byte order mark (save it as UTF-8 without one)"),
        ("# é\né".encode() + b"\0", "f.toml:2:2: holds a NUL byte; this is no text file"),
        ("é = '".encode() + b"\xe9'", "f.toml:1:6: byte 0xe9 is not UTF-8 (save it as UTF-8)"),
        (b"a = 1\nb = 9223372036854775808", "f.toml:2:5: b: an integer that does not fit 64 bits"),
        (b"a = 1\nb = 1" + b"0" * 5000, "f.toml:2:5: an integer that does not fit 64 bits"),
        (b"[a]\nb = 1\n[a]", "f.toml:3:3: not TOML: Cannot declare this table twice"),
    ],
)
def test_what_is_not_toml_gets_one_clean_line(data: bytes, complaint: str) -> None:
    assert [complaint] == complaints_of(data)


@pytest.mark.parametrize(
    "data",
    [
        b"a = " + b"[" * 100_000,
        b"a = " + b"[" * 500 + b"]" * 500,
        b".".join([b"a"] * 100_000) + b" = 1",
        b"[" + b".".join([b"'a'"] * 100_000) + b"]",
        b"a = " + b"{ b = " * 50_000,
    ],
)
def test_deep_nesting_costs_neither_the_stack_nor_minutes(data: bytes) -> None:
    begin = time.process_time()
    (complaint,) = complaints_of(data)
    assert "nested too deeply" in complaint or "not TOML" in complaint
    assert time.process_time() - begin < 10


def test_separate_syntax_errors_are_all_told() -> None:
    text = b'a = \nb = 1\nc = [1,,2]\nd = "x\n[e\nf = 1\ng = 1\n'
    assert [int(line.split(":")[1]) for line in complaints_of(text)] == [1, 3, 4, 5]


@pytest.mark.parametrize("text", [b'a = """x\nb = \nc = 1\n', b"a = [1,\nb = 2\nc = 3\n"])
def test_an_error_that_swallows_the_next_lines_is_told_alone(text: bytes) -> None:
    assert len(complaints_of(text)) == 1


@pytest.mark.parametrize("header", [b"[b", b"[b]]", b"[[b]"])
def test_a_broken_header_does_not_make_the_keys_below_it_clash_with_the_table_before(header: bytes) -> None:
    assert len(complaints_of(b"[a]\nk = 1\n" + header + b"\nk = 2\n")) == 1


# -- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("missing.toml", "there is no such file"),
        (".", "this is a directory"),
        ("fifo", "this is not a regular file"),
        ("big.toml", "bigger than 1 MiB"),
        ("a\0b", "no file can have a NUL in its name"),
        ("x" * 5000, "cannot be read: File name too long"),
    ],
)
def test_a_file_that_cannot_be_read_gets_one_clean_line(tmp_path: Path, name: str, complaint: str) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "big.toml").write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    with pytest.raises(ConfigInvalid) as caught:
        read(tmp_path / name)
    (told,) = caught.value.complaints
    assert told.message.startswith(complaint)
    assert "\n" not in str(told)
    assert "\0" not in str(told)


def test_standard_input_is_refused() -> None:
    with pytest.raises(ConfigInvalid, match="standard input"):
        read(Path("-"))


def test_a_file_of_exactly_the_limit_is_read(tmp_path: Path) -> None:
    (tmp_path / "full.toml").write_bytes(b"#" * MAX_FILE_BYTES)
    assert read(tmp_path / "full.toml").values == {}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=200) | st.text(alphabet=st.sampled_from("a.=[]{}\"'#\n\\ ,1é$"), max_size=60).map(str.encode))
def test_any_bytes_are_either_parsed_or_refused(data: bytes) -> None:
    with contextlib.suppress(ConfigInvalid):
        parse(data, "f.toml")
