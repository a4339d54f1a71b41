from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from akoolflow.plugin_source import Declaration, read_declaration

Install = Callable[..., Path]


@pytest.mark.parametrize(
    ("source", "declaration"),
    [
        ('registry.brains.add("x", O, F)', Declaration("brain", "stable")),
        ('registry.sinks.add("x", O, F, stability="alpha")', Declaration("sink", "alpha")),
        ('def f(r):\n  r.transports.add(name="x", options=O, factory=F)', Declaration("transport", "stable")),
        ('registry.brains.add("y", O, F)\nregistry.sinks.add("x", O, F)', Declaration("sink", "stable")),
        ('registry.brains.add("x", O, F)\nregistry.sinks.add("x", O, F)', Declaration("brain+sink", "stable")),
        ("registry.brains.add(NAME, O, F)", Declaration("brain", "stable")),
        ('registry.brains.add("x", O, F, stability=HOW)', Declaration("brain", "?")),
        ('registry.brains.add("y", O, F)', Declaration()),
        ("registry.brains.add(A, O, F)\nregistry.sinks.add(B, O, F)", Declaration()),
        ('names.add("x")', Declaration()),
        ("def f(:", Declaration()),
        ("raise SystemExit", Declaration()),
        ("# -*- coding: nonsense -*-", Declaration()),
        ("x = " + "-" * 100_000 + "1", Declaration()),
    ],
)
def test_the_call_that_registers_tells_kind_and_stability(
    install: Install, source: str, declaration: Declaration
) -> None:
    install("acme", {}, {"acme_read.py": source})
    assert read_declaration("acme_read", "x") == declaration


def test_a_module_in_packages_is_read_without_running_any_of_them(install: Install) -> None:
    files = {
        "acme_deep/__init__.py": "raise SystemExit",
        "acme_deep/inner/__init__.py": "raise SystemExit",
        "acme_deep/inner/plug.py": 'raise SystemExit\nr.sinks.add("x", O, F)',
    }
    install("acme", {}, files)
    assert read_declaration("acme_deep.inner.plug", "x").kind == "sink"
    assert not [name for name in sys.modules if name.startswith("acme_deep")]


def test_a_module_in_namespace_packages_is_read(install: Install) -> None:
    install("acme", {}, {"acme_ns/inner/plug.py": 'r.sinks.add("x", O, F)'})
    assert read_declaration("acme_ns.inner.plug", "x").kind == "sink"


@pytest.mark.parametrize("module", ["acme_nothing", "acme_nothing.deep", "sys", "", "a..b", "json.decoder", "_json"])
def test_what_cannot_be_read_is_unknown(module: str) -> None:
    assert read_declaration(module, "x") == Declaration()
