from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from akoolflow.errors import PluginBroken, PluginNameTaken, PluginNotFound
from akoolflow.plugins import Catalogue
from akoolflow.registry import Kind

Install = Callable[..., Path]

PARROT = """
    from msgspec import Struct
    from akoolflow.hookspecs import hookimpl

    class ParrotOptions(Struct, frozen=True, forbid_unknown_fields=True):
        prefix: str = ""

    class Parrot:
        def __init__(self, options):
            self.options = options

        async def respond(self, turn, say):
            await say(turn.text)

    @hookimpl
    def akoolflow_register(registry):
        registry.brains.add("parrot", ParrotOptions, Parrot, stability="beta")
"""


def broken(name: str = "parrot", kind: Kind = "brain") -> PluginBroken:
    with pytest.raises(PluginBroken) as caught:
        Catalogue().entry(kind, name)
    assert "\n" not in str(caught.value)
    return caught.value


def test_a_plugin_is_found_by_the_name_of_its_entry_point(install: Install) -> None:
    install("acme-parrot", {"parrot": "acme_parrot"}, {"acme_parrot.py": PARROT})
    entry = Catalogue().entry("brain", "parrot")
    assert (entry.name, entry.kind, entry.stability) == ("parrot", "brain", "beta")
    assert type(entry.factory(entry.options())).__name__ == "Parrot"


def test_a_claim_tells_its_origin_and_nothing_is_imported_for_it(install: Install) -> None:
    install("acme-parrot", {"parrot": "acme_parrot"}, {"acme_parrot.py": PARROT})
    (claim,) = Catalogue().claims["parrot"]
    assert (claim.distribution, claim.version, claim.module) == ("acme-parrot", "1.5", "acme_parrot")
    assert "acme_parrot" not in sys.modules


def test_only_the_plugin_that_is_named_is_imported(install: Install) -> None:
    install(
        "acme",
        {"parrot": "acme_parrot", "bomb": "acme_bomb"},
        {"acme_parrot.py": PARROT, "acme_bomb.py": "raise SystemExit('boom')"},
    )
    Catalogue().entry("brain", "parrot")
    assert "acme_bomb" not in sys.modules


def test_a_plugin_is_imported_once_in_a_catalogue(install: Install) -> None:
    install("acme-parrot", {"parrot": "acme_parrot"}, {"acme_parrot.py": PARROT})
    catalogue = Catalogue()
    assert catalogue.entry("brain", "parrot") is catalogue.entry("brain", "parrot")


def test_the_hook_may_be_a_method_of_an_object(install: Install) -> None:
    method = """
    class Plugin:
        @hookimpl
        def akoolflow_register(self, registry):
            registry.brains.add("parrot", ParrotOptions, Parrot)

    plugin = Plugin()
    """
    source = PARROT[: PARROT.index("    @hookimpl")] + method
    install("acme-parrot", {"parrot": "acme_parrot:plugin"}, {"acme_parrot.py": source})
    assert Catalogue().entry("brain", "parrot").name == "parrot"


def test_an_unknown_name_gets_the_nearest_one(install: Install) -> None:
    install("acme-parrot", {"parrot": "acme_parrot"})
    with pytest.raises(PluginNotFound, match="no brain named 'parot'; did you mean 'parrot'"):
        Catalogue().entry("brain", "parot")


def test_a_plugin_of_another_kind_is_not_handed_out(install: Install) -> None:
    install("acme-parrot", {"parrot": "acme_parrot"}, {"acme_parrot.py": PARROT})
    with pytest.raises(PluginNotFound, match="parrot is a brain, not a transport"):
        Catalogue().entry("transport", "parrot")


def test_a_name_that_two_distributions_claim_is_refused_and_neither_is_imported(install: Install) -> None:
    install("acme-parrot", {"parrot": "acme_parrot"}, {"acme_parrot.py": PARROT})
    install("other-parrot", {"parrot": "other_parrot", "other": "acme_parrot"})
    with pytest.raises(PluginNameTaken) as caught:
        Catalogue().entry("brain", "parrot")
    assert {"acme-parrot 1.5", "other-parrot 1.5"} == set(caught.value.claimants)
    assert "acme_parrot" not in sys.modules


def test_a_quarrel_about_one_name_does_not_hurt_the_others(install: Install) -> None:
    install("acme-parrot", {"parrot": "acme_parrot", "twice": "x"}, {"acme_parrot.py": PARROT})
    install("other", {"twice": "y"})
    assert Catalogue().entry("brain", "parrot").name == "parrot"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("\n\nraise RuntimeError('boom\\nand more')", "RuntimeError: boom and more (line 3 of acme_parrot.py)"),
        ("import sys\nsys.exit(3)", "SystemExit: 3 (line 2 of acme_parrot.py)"),
        ("def f(:\n  pass", "SyntaxError: invalid syntax (line 1 of acme_parrot.py)"),
        ("raise BaseException", "BaseException (line 1 of acme_parrot.py)"),
        ("import acme_missing_module", "ModuleNotFoundError: No module named 'acme_missing_module' (line 1 of"),
        ("", "it has no hook; write `@hookimpl"),
        (PARROT.replace('"parrot"', '"parot"'), "it registers parot, not parrot"),
        (PARROT.replace("registry.brains", "pass #"), "it puts nothing on a shelf, not parrot"),
        (PARROT.replace("(registry)", "(registry, extra)"), "Argument(s) {'extra'} are declared in the hookimpl"),
        (PARROT.replace("def akoolflow_register", "def akoolflow_regster"), "unknown hook 'akoolflow_regster'"),
        (PARROT.replace("frozen=True, ", ""), "would let a misspelt key pass"),
        (PARROT.replace("prefix: str", "prefix: 'Nonsense'"), "its options struct cannot be read: NameError"),
        (PARROT.replace("prefix: str", "name: str"), "it has an option named name, a key of every component's table"),
        (PARROT.replace("registry.brains.add", "registry.brain.add"), "registering it failed: AttributeError"),
    ],
)
def test_a_broken_plugin_gets_one_line_with_its_cause(install: Install, source: str, reason: str) -> None:
    install("acme-parrot", {"parrot": "acme_parrot"}, {"acme_parrot.py": source})
    assert reason in str(broken())


def test_the_line_named_is_where_it_happened_in_the_plugin(install: Install) -> None:
    files = {"acme/__init__.py": "", "acme/plug.py": "from acme import deep", "acme/deep.py": "\n1 / 0"}
    install("acme", {"parrot": "acme.plug"}, files)
    assert "ZeroDivisionError: division by zero (line 2 of deep.py)" in str(broken())


def test_a_missing_library_is_cured_by_the_extra_of_the_plugins_name(install: Install) -> None:
    files = {"acme_parrot.py": "import acme_missing_module"}
    install("acme-parrot", {"my_parrot": "acme_parrot"}, files, extra="my-parrot")
    assert broken("my_parrot").hint == "pip install 'acme-parrot[my-parrot]'"


def test_no_command_is_invented_where_no_extra_brings_the_library(install: Install) -> None:
    install("acme-parrot", {"parrot": "acme_parrot"}, {"acme_parrot.py": "import acme_missing_module"})
    assert broken().hint == ""


def test_an_entry_point_to_a_module_that_is_not_there_is_told_apart_from_a_missing_library(install: Install) -> None:
    install("acme-parrot", {"parrot": "acme_parrot.deep"}, {"acme_parrot/__init__.py": ""})
    assert "reinstall acme-parrot" in broken().hint


@pytest.mark.parametrize("value", ["not a module!", "", "a:b:c", ":x"])
def test_an_entry_point_that_makes_no_sense_is_broken(install: Install, value: str) -> None:
    install("acme-parrot", {"parrot": value}, {"acme_parrot.py": PARROT})
    assert broken().reason == f"the entry point's value {value!r} names no module"


def test_an_entry_point_to_an_attribute_that_is_not_there_is_broken(install: Install) -> None:
    install("acme-parrot", {"parrot": "acme_parrot:missing"}, {"acme_parrot.py": PARROT})
    assert "has no attribute 'missing'" in broken().reason


def test_ctrl_c_during_an_import_is_not_the_plugins_fault(install: Install) -> None:
    install("acme-parrot", {"parrot": "acme_parrot"}, {"acme_parrot.py": "raise KeyboardInterrupt"})
    with pytest.raises(KeyboardInterrupt):
        Catalogue().entry("brain", "parrot")


def test_metadata_without_a_version_is_no_reason_to_fail(install: Install) -> None:
    site = install("acme-parrot", {"parrot": "acme_parrot"}, {"acme_parrot.py": PARROT})
    (site / "acme-parrot-1.5.dist-info" / "METADATA").write_text("Name: acme-parrot\n")
    (claim,) = Catalogue().claims["parrot"]
    assert claim.version == "?"
    assert Catalogue().entry("brain", "parrot").kind == "brain"
