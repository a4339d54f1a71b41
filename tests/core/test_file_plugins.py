from __future__ import annotations

import sys
from pathlib import Path

import pytest

from akoolflow.errors import PluginBroken, PluginError, PluginNotFound
from akoolflow.file_plugins import FilePlugins, is_file
from akoolflow.registry import Kind

SOURCE = """
from __future__ import annotations

from msgspec import Struct

class Plain:
    async def respond(self, turn, say): ...

class Tuned:
    class Options(Struct, frozen=True, forbid_unknown_fields=True):
        loud: bool = False

    def __init__(self, options):
        self.options = options

    async def respond(self, turn, say): ...

class Loose(Tuned):
    class Options(Struct):
        loud: bool = False

class Odd(Tuned):
    Options = {"loud": bool}

class Sink: ...

def make(): return Plain()

number = 3
"""


@pytest.fixture
def plugins(tmp_path: Path) -> FilePlugins:
    (tmp_path / "mine.py").write_text(SOURCE)
    return FilePlugins(tmp_path)


@pytest.mark.parametrize(
    "use", ["./mine.py:Plain", "../x/mine.py:Plain", "/abs/mine.py:P", "mine.py:P", "mine.py", "a/b"]
)
def test_a_use_with_a_path_in_it_is_a_file(use: str) -> None:
    assert is_file(use)


def test_a_name_is_no_file() -> None:
    assert not is_file("my-brain_2.0")


def test_a_class_without_options_is_made_without_arguments(plugins: FilePlugins) -> None:
    entry = plugins.entry("brain", "./mine.py:Plain")
    assert type(entry.factory(entry.options())).__name__ == "Plain"


def test_a_class_with_options_is_made_with_them(plugins: FilePlugins) -> None:
    entry = plugins.entry("brain", "./mine.py:Tuned")
    options = entry.options(loud=True)
    assert entry.factory(options).options is options


def test_a_function_may_stand_for_the_class(plugins: FilePlugins) -> None:
    entry = plugins.entry("brain", "./mine.py:make")
    assert type(entry.factory(entry.options())).__name__ == "Plain"


def test_the_file_is_run_once_for_all_its_classes(plugins: FilePlugins, tmp_path: Path) -> None:
    first = plugins.entry("brain", "./mine.py:Tuned")
    (tmp_path / "mine.py").write_text("raise RuntimeError")
    assert plugins.entry("brain", "./mine.py:Tuned").factory is first.factory


def test_nothing_is_written_beside_the_file(plugins: FilePlugins, tmp_path: Path) -> None:
    plugins.entry("brain", "./mine.py:Plain")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]


def test_an_edited_file_is_seen_by_the_next_load(tmp_path: Path) -> None:
    for name in ("One", "Two"):
        (tmp_path / "mine.py").write_text(f"class {name}: ...")
        assert FilePlugins(tmp_path).entry("sink", f"./mine.py:{name}").kind == "sink"


@pytest.mark.parametrize(
    ("kind", "use", "message"),
    [
        ("brain", "./mine.py:Missing", "mine.py has no Missing, but Plain, Tuned, Loose, Odd, Sink, make"),
        ("brain", "./other.py:Plain", "there is no file ./other.py beside the pipeline file"),
        ("brain", "./mine.py", 'as "./file.py:Class"'),
        ("brain", "./mine.py:", 'as "./file.py:Class"'),
        ("brain", "./mine.py:a.b", 'as "./file.py:Class"'),
        ("brain", "mine:Plain", 'as "./file.py:Class"'),
        ("brain", "a\0b.py:Plain", "there is no file"),
        ("brain", "./.py:Plain", "there is no file"),
        ("brain", "./mine.py:Sink", "it has no method `respond`, which makes a brain"),
        ("transport", "./mine.py:Sink", "it has no method `open`, which makes a transport"),
        ("brain", "./mine.py:number", "found int, expected a class or a function that makes a brain"),
        ("brain", "./mine.py:Loose", "would let a misspelt key pass"),
        ("brain", "./mine.py:Odd", "its attribute `Options` is no msgspec struct"),
    ],
)
def test_what_cannot_be_used_is_told(plugins: FilePlugins, kind: Kind, use: str, message: str) -> None:
    with pytest.raises(PluginError) as caught:
        plugins.entry(kind, use)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("\n\n1 / 0", "running broken.py failed: ZeroDivisionError: division by zero (line 3 of broken.py)"),
        ("import sys\nsys.exit('bye')", "SystemExit: bye (line 2 of broken.py)"),
        ("x = (", "SyntaxError: '(' was never closed (line 1 of broken.py)"),
        ("import json\njson.loads('{')", "JSONDecodeError"),
        ("import acme_missing", "No module named 'acme_missing' (line 1 of broken.py)"),
        ("x = '\0'", "null bytes"),
    ],
)
def test_a_file_that_fails_is_told_with_its_line(tmp_path: Path, source: str, reason: str) -> None:
    (tmp_path / "broken.py").write_text(source)
    with pytest.raises(PluginBroken) as caught:
        FilePlugins(tmp_path).entry("brain", "./broken.py:X")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not [name for name in sys.modules if name.startswith("akoolflow_file_") and name.endswith("broken")]


def test_a_directory_named_like_a_file_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "mine.py").mkdir()
    with pytest.raises(PluginNotFound):
        FilePlugins(tmp_path).entry("brain", "./mine.py:X")


def test_ctrl_c_while_the_file_runs_is_not_its_fault(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        FilePlugins(tmp_path).entry("brain", "./mine.py:X")
