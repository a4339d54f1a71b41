from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from akoolflow.events import EVENT_TYPES, hook_name

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def _generated() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generated", Path(__file__).with_name("generated.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATED = _generated()


@pytest.mark.parametrize("page", GENERATED.PAGES)
def test_generated_pages_are_as_the_code_is_now(page: str) -> None:
    written = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert written == GENERATED.PAGES[page](), "run: python tests/docs/generated.py"


@pytest.mark.parametrize("event_type", EVENT_TYPES, ids=lambda event_type: event_type.__name__)
def test_every_hook_is_in_the_manual(event_type: type) -> None:
    manual = (ROOT / "docs/reference/hooks.md").read_text(encoding="utf-8")
    assert f"`{hook_name(event_type)}(event, session)`" in manual


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_in_the_manual_are_valid_in_their_language(page: Path) -> None:
    readers = {"python": lambda text: compile(text, str(page), "exec", flags=0x2000), "toml": tomllib.loads}
    for language, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language in readers:
            readers[language](text)


def test_ci_runs_the_readmes_command_and_nothing_else() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (command,) = [text.strip() for _, text in BLOCK.findall(readme) if "pytest" in text]
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    steps = [line for line in script.splitlines() if line.startswith(("python3", ".venv"))]
    assert " && ".join(steps) == command
