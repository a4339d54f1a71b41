"""The third-party look: a distribution that knows only our public names, built as a wheel and installed."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from akoolflow.cli.exits import Exit

Run = Callable[..., "CompletedProcess[str]"]

PLUGIN = '''
from __future__ import annotations

from msgspec import Struct

from akoolflow import PASS, Registry, Say, Turn, hookimpl


class ParrotOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Says again what it hears."""

    suffix: str = "!"
    """What it adds."""


class Parrot:
    def __init__(self, options: ParrotOptions) -> None:
        self._suffix = options.suffix

    async def respond(self, turn: Turn, say: Say):
        if not turn.text:
            return PASS
        await say(turn.text + self._suffix)


@hookimpl
def akoolflow_register(registry: Registry) -> None:
    registry.brains.add("parrot", ParrotOptions, Parrot, stability="alpha")
'''
PIPELINE = """
[[brain]]
use = "parrot"
suffix = {suffix}
"""


@pytest.fixture(autouse=True)
def installed(tmp_path: Path) -> None:
    info = "acme_parrot-0.3.dist-info"
    files = {
        "acme_parrot/__init__.py": "",
        "acme_parrot/brain.py": PLUGIN,
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: acme-parrot\nVersion: 0.3\nRequires-Dist: akoolflow\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[akoolflow]\nparrot = acme_parrot.brain\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    wheel = tmp_path / "acme_parrot-0.3-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    site = str(tmp_path / "site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", site, str(wheel)]
    subprocess.run(pip, check=True, timeout=60)


def test_it_is_listed_the_moment_it_is_installed(akoolflow: Run) -> None:
    lines = [line.split() for line in akoolflow("plugins").stdout.splitlines()]
    assert ["parrot", "brain", "0.3", "acme-parrot", "alpha"] in lines


def test_its_options_are_shown_with_their_docstrings(akoolflow: Run) -> None:
    (parrot,) = json.loads(akoolflow("plugins", "--json", "parrot").stdout)
    assert parrot["options"] == [{"key": "suffix", "type": "a string", "default": "!", "doc": "What it adds."}]


def test_a_pipeline_may_use_it_by_name(akoolflow: Run, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(PIPELINE.format(suffix='"?"'))
    done = akoolflow("validate", "p.toml")
    assert (done.returncode, done.stderr) == (Exit.OK, "")
    assert "brain parrot" in done.stdout


def test_its_options_are_checked_at_their_lines(akoolflow: Run, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(PIPELINE.format(suffix="3"))
    done = akoolflow("validate", "p.toml")
    assert done.returncode == Exit.CONFIG
    assert done.stderr.startswith("p.toml:4:10: brain[0].suffix: found an integer 3, expected a string\n")


def test_its_options_are_in_the_schema(akoolflow: Run) -> None:
    brains = json.loads(akoolflow("schema", "pipeline").stdout)["properties"]["brain"]["items"]["anyOf"]
    assert "parrot" in [each["properties"]["use"].get("const") for each in brains]


def test_it_answers_in_a_run(akoolflow: Run, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text("[simulator]\nspeed = 100.0\n" + PIPELINE.format(suffix='"?"'))
    done = akoolflow("run", "p.toml", text="hello\n")
    assert done.returncode == Exit.OK, done.stderr
    assert "hello?" in done.stdout
