from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from akoolflow.errors import Complaint, ConfigInvalid
from akoolflow.pipeline import Pipeline, load

Install = Callable[..., Path]

PLUGINS = """
    from pathlib import Path
    from msgspec import Struct
    from akoolflow.errors import OptionInvalid
    from akoolflow.hookspecs import hookimpl
    from akoolflow.pipeline import load_struct
    from akoolflow.secret import Secret

    class Empty(Struct, frozen=True, forbid_unknown_fields=True):
        pass

    class Sheet(Struct, frozen=True, forbid_unknown_fields=True):
        answers: dict[str, str] = {}

    class AnswerOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        model: str
        pattern: str = ""
        port: int = 80
        sheet: Path | None = None
        key: Secret | None = None

        def __post_init__(self):
            if "(" in self.pattern:
                raise OptionInvalid("pattern", "an open bracket")
            if self.sheet:
                load_struct(self.sheet, Sheet)

    class Part:
        def __init__(self, options):
            self.options = options

    @hookimpl
    def akoolflow_register(registry):
        registry.transports.add("cable", Empty, Part)
        registry.brains.add("answers", AnswerOptions, Part)
        registry.sinks.add("drain", Empty, Part)
"""
POINTS = dict.fromkeys(("cable", "answers", "drain"), "acme_plugins")


@pytest.fixture(autouse=True)
def plugins(install: Install) -> None:
    install(
        "acme", {**POINTS, "bomb": "acme_bomb"}, {"acme_plugins.py": PLUGINS, "acme_bomb.py": "raise ValueError('x')"}
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def loaded(text: str, env: dict[str, str] | None = None) -> Pipeline:
    Path("p.toml").write_text(text)
    return load(Path("p.toml"), env=env or {})


def complaints(text: str, env: dict[str, str] | None = None) -> list[Complaint]:
    with pytest.raises(ConfigInvalid) as caught:
        loaded(text, env)
    return list(caught.value.complaints)


WHOLE = """
[pipeline]
name = "concierge"

[session]
avatar_id = "someone"
duration = 600
[session.voice_params]
speed = 1.1

[simulator]
speed = 50

[transport]
use = "cable"
required = true

[[brain]]
use = "answers"
model = "big"
sheet = "answers.toml"
port = "${PORT:-8080}"

[[brain]]
use = "answers"
model = "small"

[[sink]]
use = "drain"
name = "log"
"""


# -- a sound file ---------------------------------------------------------------------------------


def test_a_sound_file_gives_everything_that_a_flow_needs(folder: Path) -> None:
    (folder / "answers.toml").write_text('[answers]\nhello = "hi"')
    pipeline = loaded(WHOLE)
    assert (pipeline.file, pipeline.name) == ("p.toml", "concierge")
    assert (pipeline.session.avatar_id, pipeline.session.duration, pipeline.simulator.speed) == ("someone", 600, 50)
    assert [(each.kind, each.name, each.required) for each in pipeline.components] == [
        ("transport", "cable", True),
        ("brain", "answers", False),
        ("brain", "answers-2", False),
        ("sink", "log", False),
    ]
    brain = pipeline.brains[0]
    built: Any = brain.entry.factory(brain.options)
    assert (built.options.model, built.options.port, built.options.sheet) == ("big", 8080, folder / "answers.toml")


@pytest.mark.usefixtures("folder")
def test_an_empty_file_is_a_pipeline_on_the_simulator_through_the_local_transport() -> None:
    pipeline = loaded("")
    assert (pipeline.name, pipeline.session.service, pipeline.transport.use) == ("p", "simulator", "local")
    assert pipeline.brains == pipeline.sinks == ()


@pytest.mark.usefixtures("folder")
def test_only_the_plugins_that_are_named_are_imported() -> None:
    loaded('[transport]\nuse = "cable"')
    assert "acme_bomb" not in sys.modules


@pytest.mark.usefixtures("folder")
def test_names_that_were_given_go_before_names_that_are_made() -> None:
    brain = '[[brain]]\nuse = "answers"\nmodel = ""\n'
    pipeline = loaded(f'[transport]\nuse = "cable"\n{brain}{brain}name = "answers"\n{brain}name = "answers-2"\n{brain}')
    assert [each.name for each in pipeline.brains] == ["answers-3", "answers", "answers-2", "answers-4"]


def test_a_class_in_a_file_beside_the_pipeline_is_a_component(folder: Path) -> None:
    (folder / "mine.py").write_text("class Mine:\n    async def respond(self, turn, say): ...\n")
    pipeline = loaded('[transport]\nuse = "cable"\n[[brain]]\nuse = "./mine.py:Mine"')
    brain = pipeline.brains[0]
    assert type(brain.entry.factory(brain.options)).__name__ == "Mine"


@pytest.mark.usefixtures("folder")
def test_use_may_come_from_the_environment() -> None:
    assert loaded('[transport]\nuse = "${T:-cable}"').transport.use == "cable"


# -- complaints -----------------------------------------------------------------------------------

DRAIN = '[[sink]]\nuse = "drain"\n'


def test_all_complaints_come_at_once_in_the_order_of_the_file(folder: Path) -> None:
    (folder / "answers.toml").write_text("\n[answres]\n")
    text = """\
[pipelnie]
[session]
service = "akool"
duration = 7200
[transport]
use = "drain"
[[brain]]
use = "answers"
modle = "x"
pattern = "${NO}"
[[brain]]
use = "answers"
model = "x"
pattern = "("
[[brain]]
use = "answers"
model = "x"
sheet = "answers.toml"
[[sink]]
use = "bomb"
[[sink]]
use = "drian"
[[sink]]
name = "x"
[simulator]
speed = 0
"""
    assert [str(each) for each in complaints(text)] == [
        'p.toml:1:2: pipelnie: unknown key (did you mean "pipeline"?)',
        "p.toml:3:11: session.service: service 'akool' is not in this version; only the simulator",
        "p.toml:4:12: session.duration: found an integer 7200, expected a number from 1 to 3600",
        "p.toml:6:7: transport.use: no transport named 'drain' (drain is a sink, not a transport)",
        "p.toml:7:3: brain[0].model: missing; expected a string",
        'p.toml:9:1: brain[0].modle: unknown key (did you mean "model"?)',
        "p.toml:10:12: brain[0].pattern: the environment variable NO is not set (set it, or write ${NO:-default})",
        "p.toml:14:11: brain[1].pattern: an open bracket",
        f'{folder}/answers.toml:2:2: answres: unknown key (did you mean "answers"?)',
        "p.toml:20:7: sink[0].use: plugin 'bomb': importing acme_bomb failed: ValueError: x (line 1 of acme_bomb.py)",
        "p.toml:22:7: sink[1].use: no sink named 'drian' (did you mean 'drain'?)",
        "p.toml:23:3: sink[2].use: missing; expected a string that is not empty",
        "p.toml:26:9: simulator.speed: found an integer 0, expected a number above 0 and at most 10000",
    ]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("transport = 3", "1:13: transport: found an integer 3, expected a table"),
        (
            '[[transport]]\nuse = "cable"',
            "1:3: transport: found an array, expected a table (write [transport], once)",
        ),
        (
            '[brain]\nuse = "answers"',
            "1:2: brain: found a table, expected an array (write [[brain]], once for each)",
        ),
        ("brain = [3]", "1:10: brain[0]: found an integer 3, expected a table"),
        ('[[sink]]\nuse = ""', '2:7: sink[0].use: found a string "", expected a string that is not empty'),
        ("[[sink]]\nuse = 3", "2:7: sink[0].use: found an integer 3, expected a string that is not empty"),
        (f"{DRAIN}required = 1", "3:12: sink[0].required: found an integer 1, expected true or false"),
        (
            f'{DRAIN}name = "a\\nb"',
            "3:8: sink[0].name: a name holds no line breaks or other characters that cannot be printed",
        ),
        (
            '[[sink]]\nuse = "./x.py:X"',
            "2:7: sink[0].use: no sink named './x.py:X' (there is no file ./x.py beside the pipeline file)",
        ),
        (f"{DRAIN}odd = 1", "3:1: sink[0].odd: unknown key (none is known here)"),
        (
            f'{DRAIN}name = "a"\n{DRAIN}name = "a"',
            '6:8: sink[1].name: the name "a" is that of sink[0] already',
        ),
        (
            "[pipeline]\nname = ''",
            '2:8: pipeline.name: found a string "", expected a string of 1 to 100 characters',
        ),
        ("a = ", "1:5: not TOML: Invalid value"),
    ],
)
def test_a_fault_of_shape_is_told(text: str, complaint: str) -> None:
    transport = "" if "transport" in text or text == "a = " else '\n[transport]\nuse = "cable"'
    assert [str(each) for each in complaints(text + transport)] == [f"p.toml:{complaint}"]


@pytest.mark.usefixtures("folder")
def test_options_are_checked_even_if_the_head_of_the_table_is_wrong() -> None:
    keys = [
        each.key
        for each in complaints('[transport]\nuse = "cable"\n[[brain]]\nuse = "answers"\nrequired = 1\nprot = 1')
    ]
    assert keys == ["brain[0].model", "brain[0].required", "brain[0].prot"]


@pytest.mark.usefixtures("folder")
def test_a_name_claimed_twice_is_told_with_both_claimants(install: Install) -> None:
    install("rival", {"cable": "rival_plugins"})
    (complaint,) = complaints('[transport]\nuse = "cable"')
    assert "acme 1.5" in complaint.message
    assert "rival 1.5" in complaint.message


# -- the environment ------------------------------------------------------------------------------

SECRET = "hunter2-and-more"


@pytest.mark.usefixtures("folder")
def test_every_unset_name_is_told_where_it_stands() -> None:
    text = '[transport]\nuse = "cable"\n[[brain]]\nuse = "answers"\nmodel = "a ${X} ${Y:-y} ${Z}"\nkey = "${K}"'
    assert [(each.line, each.column) for each in complaints(text)] == [(5, 12), (5, 25), (6, 8)]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("key", ["use", "name", "model", "pattern", "port", "sheet", "key", "odd"])
def test_nothing_that_the_environment_holds_is_in_a_complaint(key: str) -> None:
    table = {"use": '"answers"', "model": '"x"', key: '"${V}"', "required": "1"}
    text = '[transport]\nuse = "cable"\n[[brain]]\n' + "\n".join(f"{name} = {value}" for name, value in table.items())
    for value in (SECRET, f"({SECRET}", f"./{SECRET}.py:X"):
        assert SECRET not in str(complaints(text, {"V": value}))


@pytest.mark.usefixtures("folder")
def test_nothing_that_the_environment_holds_is_in_the_pipelines_repr() -> None:
    text = (
        '[session]\nvoice_id = "${V}"\n[transport]\nuse = "cable"\n'
        '[[brain]]\nuse = "answers"\nmodel = "${V}"\nkey = "${V}"'
    )
    assert SECRET not in repr(loaded(text, {"V": SECRET}))


@pytest.mark.usefixtures("folder")
def test_a_secret_from_the_environment_is_handed_to_the_plugin_as_a_secret() -> None:
    brain = loaded(WHOLE.replace('sheet = "answers.toml"', 'key = "${V}"'), {"V": SECRET}).brains[0]
    options: Any = brain.options
    assert options.key.reveal() == SECRET


@pytest.mark.usefixtures("folder")
def test_a_secret_written_out_is_warned_about_wherever_it_stands() -> None:
    text = (
        '[session]\napi_key = "sk"\n[session.credentials]\nagora_token = "t"\nagora_channel = "${V}"\nagora_uid = 1\n'
        '[transport]\nuse = "cable"\n[[brain]]\nuse = "answers"\nmodel = "x"\nkey = "sk"'
    )
    warnings = loaded(text, {"V": "x"}).warnings
    assert [(each.line, each.key) for each in warnings] == [
        (2, "session.api_key"),
        (4, "session.credentials.agora_token"),
        (12, "brain[0].key"),
    ]
    assert "sk" not in str([each.message for each in warnings])


# -- hostile files --------------------------------------------------------------------------------

FUZZ = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.mark.usefixtures("folder")
@FUZZ
@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode(errors="replace")))
def test_whatever_the_file_holds_it_is_loaded_or_complained_about(data: bytes) -> None:
    Path("p.toml").write_bytes(data)
    with contextlib.suppress(ConfigInvalid):
        load(Path("p.toml"), env={})


LINES = WHOLE.splitlines()
SCRAPS = st.sampled_from(
    [
        "",
        "3",
        '""',
        "[]",
        "{}",
        "nan",
        "= ",
        "[[brain]]",
        "[session]",
        'use = "answers"',
        "use",
        "${",
        "\n",
        "'",
        '"',
        ".",
    ]
)


@pytest.mark.usefixtures("folder")
@FUZZ
@given(st.lists(st.tuples(st.integers(0, len(LINES) - 1), st.integers(0, 30), st.integers(0, 30), SCRAPS), max_size=5))
def test_a_damaged_file_is_loaded_or_complained_about(cuts: list[tuple[int, int, int, str]]) -> None:
    lines = list(LINES)
    for number, begin, end, scrap in cuts:
        lines[number] = lines[number][:begin] + scrap + lines[number][end:]
    try:
        loaded("\n".join(lines))
    except ConfigInvalid as error:
        text = "\n".join(lines).split("\n")
        for complaint in error.complaints:
            assert 1 <= complaint.line <= len(text)
            assert 1 <= complaint.column <= len(text[complaint.line - 1]) + 1
