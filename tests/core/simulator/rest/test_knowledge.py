"""Knowledge bases and their documented limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Make = Callable[..., Any]
LIST, CREATE, DETAIL, UPDATE, DELETE = (
    f"v4/knowledge/{call}" for call in ("list", "create", "detail", "update", "delete")
)
MB = 1 << 20


def doc(name: str = "manual.pdf", size: int = 1000) -> dict[str, Any]:
    return {"name": name, "url": f"https://example.com/{name}", "size": size}


def test_what_was_created_is_found_again(world: Make) -> None:
    one = world()
    contents = {"name": "KB", "prologue": "Hi", "prompt": "Be kind", "docs": [doc()], "urls": ["https://example.com"]}
    made = one.ask(CREATE, contents).data
    assert one.ask(DETAIL, {"id": made.id}).data == made
    told = (made.name, made.prologue, made.prompt, made.docs[0].name, made.urls, made.create_time)
    assert told == ("KB", "Hi", "Be kind", "manual.pdf", ("https://example.com",), 1_800_000_000_000)


def test_everything_may_be_left_out_and_the_nameless_do_not_clash(world: Make) -> None:
    one = world()
    first, second = (one.ask(CREATE).data for _ in range(2))
    assert (first.name, first.docs, first.id != second.id) == ("", (), True)


def test_an_update_changes_what_it_names_and_an_empty_prologue_clears_it(world: Make) -> None:
    one = world()
    made = one.ask(CREATE, {"name": "KB", "prologue": "Hi", "prompt": "Be kind"}).data
    one.now += 5
    changed = one.ask(UPDATE, {"id": made.id, "prologue": "", "prompt": "Be brief"}).data
    assert (changed.name, changed.prologue, changed.prompt) == ("KB", "", "Be brief")
    assert (changed.create_time, changed.update_time) == (made.create_time, made.create_time + 5000)


def test_a_deleted_one_is_gone_and_the_reply_has_no_data(world: Make) -> None:
    one = world()
    made = one.ask(CREATE).data
    answer = one.ask(DELETE, {"id": made.id})
    assert (answer.code, isinstance(answer.data, dict)) == (1000, False)
    assert [one.ask(call, {"id": made.id}).code for call in (DETAIL, UPDATE, DELETE)] == [1232, 1232, 1232]


def test_an_id_does_not_come_back_after_its_deletion(world: Make) -> None:
    one = world()
    first = one.ask(CREATE).data.id
    one.ask(DELETE, {"id": first})
    one.now += 0.001
    assert one.ask(CREATE).data.id != first


def test_a_name_is_given_once_by_each_user(world: Make) -> None:
    one = world()
    first = one.ask(CREATE, {"name": "KB"}).data
    second = one.ask(CREATE, {"name": "Other"}).data
    assert one.ask(CREATE, {"name": "KB"}).code == 1233
    assert one.ask(UPDATE, {"id": second.id, "name": "KB"}).code == 1233
    assert one.ask(UPDATE, {"id": first.id, "name": "KB"}).code == 1000
    assert one.ask(CREATE, {"name": "KB"}, key="another-key").code == 1000


def test_nobody_touches_the_knowledge_of_another(world: Make) -> None:
    one = world()
    made = one.ask(CREATE, {"name": "KB"}).data
    codes = [one.ask(call, {"id": made.id}, key="another-key").code for call in (DETAIL, UPDATE, DELETE)]
    assert (codes, one.ask(LIST, key="another-key").data) == ([1232, 1232, 1232], [])


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"name": "n" * 100}, 1000),
        ({"name": "n" * 101}, 1003),
        ({"prologue": "p" * 2000}, 1000),
        ({"prologue": "p" * 2001}, 1003),
        ({"prompt": "p" * 10_000}, 1000),
        ({"prompt": "p" * 10_001}, 1003),
        ({"docs": [doc(size=100 * MB)]}, 1000),
        ({"docs": [doc(size=100 * MB + 1)]}, 1003),
        ({"docs": [doc(f"{n}.pdf", 100 * MB) for n in range(5)]}, 1000),
        ({"docs": [*(doc(f"{n}.pdf", 100 * MB) for n in range(5)), doc(size=1)]}, 1003),
        ({"docs": [doc(f"a.{kind}") for kind in ("pdf", "doc", "DOCX", "txt", "md", "json", "xml", "csv")]}, 1000),
        ({"docs": [doc("a.exe")]}, 1003),
        ({"docs": [doc("pdf")]}, 1003),
        ({"docs": [doc(size=-1)]}, 1003),
        ({"docs": {"name": "a.pdf"}}, 1003),
        ({"urls": ["https://example.com", 5]}, 1003),
        ({"name": 5}, 1003),
    ],
)
def test_the_limits_are_the_documented_ones(world: Make, fields: dict[str, Any], code: int) -> None:
    one = world()
    made = one.ask(CREATE).data.id
    assert [one.ask(CREATE, fields).code, one.ask(UPDATE, {"id": made, **fields}).code] == [
        code,
        code if code == 1003 or "name" not in fields else 1233,
    ]


def test_the_list_is_newest_first_paged_and_filtered_by_name(world: Make) -> None:
    one = world()
    for name in ("Alpha", "Beta", "Alphabet"):
        one.ask(CREATE, {"name": name})

    def names(**query: str) -> list[str]:
        return [base.name for base in one.ask(LIST, query).data]

    assert names() == ["Alphabet", "Beta", "Alpha"]
    assert names(name="alpha") == ["Alphabet", "Alpha"]
    assert names(page="2", size="2") == ["Alpha"]
    assert names(**{"from": "1"}) == []


def test_the_list_may_have_the_shape_that_the_official_demo_reads(world: Make) -> None:
    one = world(knowledge_list="object")
    made = one.ask(CREATE, {"name": "KB"}).data
    assert one.ask(LIST).data.knowledge_list == [made]


def test_a_session_takes_only_knowledge_that_there_is(world: Make) -> None:
    one = world()
    made = one.ask(CREATE).data.id
    assert [one.create(knowledge_id=each).code for each in ("0" * 24, made)] == [1232, 1000]
