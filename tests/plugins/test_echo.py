"""Brain `echo`."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from akoolflow.contracts import Turn
from akoolflow.registry import Registry
from akoolflow_plugins.brains import echo
from akoolflow_plugins.brains.echo import _WORD, Echo, EchoOptions

PAGE = Path(__file__).parents[2] / "docs/reference/plugins/echo.md"


async def pieces(text: str, **options: Any) -> list[str]:
    said: list[str] = []

    async def say(text: str, /) -> None:
        said.append(text)

    turn = Turn(number=1, text=text, session=cast("Any", None))
    assert await Echo(msgspec.convert(options, EchoOptions)).respond(turn, say) is None  # type: ignore[func-returns-value]
    return said


def test_it_is_registered_under_its_name() -> None:
    registry = Registry()
    echo.akoolflow_register(registry)
    entry = registry.brains.get("echo")
    assert entry is not None
    assert (entry.options, entry.factory) == (EchoOptions, Echo)


@pytest.mark.anyio
async def test_it_says_back_what_it_hears_in_one_piece() -> None:
    assert await pieces("hello  there ") == ["hello  there "]


@pytest.mark.anyio
async def test_the_prefix_comes_first_with_nothing_put_between() -> None:
    assert await pieces("hello", prefix="You said: ") == ["You said: hello"]


@pytest.mark.anyio
async def test_word_by_word_each_word_brings_the_space_after_it() -> None:
    assert await pieces("to be or not", prefix="> ", chunk="word") == ["> ", "to ", "be ", "or ", "not"]


@pytest.mark.anyio
@pytest.mark.parametrize("blank", ["", "  \n\t"])
async def test_it_takes_a_turn_without_words_and_says_nothing(blank: str) -> None:
    assert await pieces(blank, prefix="You said: ") == []


@given(st.text().filter(str.strip))
def test_the_words_joined_are_the_text(text: str) -> None:
    assert "".join(_WORD.findall(text)) == text


def test_a_misspelt_option_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="prefx"):
        msgspec.convert({"prefx": ""}, EchoOptions)


@pytest.mark.anyio
async def test_it_keeps_the_contract_of_brains() -> None:
    from akoolflow.testing import check_brain

    await check_brain(Echo(EchoOptions(chunk="word")))


def test_the_example_on_its_page_is_valid() -> None:
    example = re.search(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert example is not None
    (table,) = tomllib.loads(example[1])["brain"]
    assert table.pop("use") == "echo"
    assert msgspec.convert(table, EchoOptions) == EchoOptions(prefix="You said: ", chunk="word")
