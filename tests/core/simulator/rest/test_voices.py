"""Voices, their filters, and languages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Make = Callable[..., Any]
LIST = "v4/voice/list"


def names(world: Make, **query: str) -> list[str]:
    return [voice.name for voice in world().ask(LIST, {"type": "2"} | query).data.result]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["Chris", "Ada", "Ben", "Clara", "Diego"]),
        ({"support_stream": "1"}, ["Chris", "Ada", "Ben", "Clara"]),
        ({"support_stream": "2"}, ["Diego"]),
        ({"gender": "Female"}, ["Ada", "Clara"]),
        ({"gender": "female,MALE"}, ["Chris", "Ada", "Ben", "Clara", "Diego"]),
        ({"style": "Calm,Enthusiastic"}, ["Chris", "Ada", "Ben"]),
        ({"age": "Young", "gender": "Male"}, ["Ben"]),
        ({"scenario": "Education", "style": "Authoritative"}, ["Ada", "Diego"]),
        ({"name": "R"}, ["Chris", "Clara"]),
        ({"name": "nobody"}, []),
        ({"type": "1"}, ["Ellen, cloned", "Fred, cloned"]),
        ({"size": "2", "page": "2"}, ["Ben", "Clara"]),
    ],
)
def test_every_filter_filters(world: Make, query: dict[str, str], found: list[str]) -> None:
    assert names(world, **query) == found


def test_the_page_tells_how_many_there_are_in_all(world: Make) -> None:
    page = world().ask(LIST, {"type": "2", "page": "3", "size": "2"}).data
    assert (page.count, page.page, page.size, len(page.result)) == (5, 3, 2, 1)


@pytest.mark.parametrize("query", [{}, {"type": "3"}, {"type": "2", "size": "0"}, {"type": "2", "support_stream": "3"}])
def test_a_wrong_query_is_a_parameter_error(world: Make, query: dict[str, str]) -> None:
    assert world().ask(LIST, query).code == 1003


def test_the_older_list_is_whole_and_told_by_source(world: Make) -> None:
    one = world()
    counts = [len(one.ask("v3/voice/list", query).data) for query in ({}, {"from": "3"}, {"from": "4"})]
    assert counts == [7, 5, 2]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"voice_id": "iP95p4xoKVk53GoZ742B"}, 1000),
        ({"voice_id": "simVoiceDiego0000004"}, 1003),
        ({"voice_id": "of the real service"}, 1000),
        ({"voice_id": "simVoiceDiego0000004", "voice_params": {"elevenlabs_settings": {"api_key": "k"}}}, 1000),
    ],
)
def test_a_session_takes_no_voice_that_does_not_stream(world: Make, fields: dict[str, Any], code: int) -> None:
    assert world().create(**fields).code == code


def test_an_unlisted_voice_can_be_refused(world: Make) -> None:
    assert world(unknown_voice="refused").create(voice_id="of the real service").code == 1014


def test_languages_are_told_by_code(world: Make) -> None:
    told = {each.lang_code: each.lang_name for each in world().ask("v3/language/list").data.lang_list}
    assert (told["en"], told["zh"], len(told) > 30) == ("English", "Chinese", True)
