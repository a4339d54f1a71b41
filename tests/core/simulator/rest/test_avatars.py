"""Avatars: the stock, and uploads that take their time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from akoolflow.simulator.options import STOCK_AVATARS, SimulatorOptions

Make = Callable[..., Any]
UPLOAD = "v3/avatar/create"
LIST = "v4/liveAvatar/avatar/list"
DETAIL = "v4/liveAvatar/avatar/detail"
VIDEO = {"url": "https://example.com/me.mp4", "avatar_id": "Me1", "name": "Me", "type": 2, "url_from": 1}


def test_an_upload_queues_is_processed_and_then_usable(world: Make) -> None:
    one = world(avatar_queue_s=5.0, avatar_processing_s=25.0)
    seen = [one.ask(UPLOAD, VIDEO).data.status]
    for age_s in (4.9, 5, 29.9, 30):
        one.now = 1_800_000_000.0 + age_s
        seen.append(one.ask(DETAIL, {"avatar_id": "Me1"}).data.status)
    assert seen == [1, 1, 2, 2, 3]


def test_an_upload_may_fail(world: Make) -> None:
    one = world(avatar_fails=True)
    one.ask(UPLOAD, VIDEO)
    one.now += 100
    assert (one.ask(DETAIL, {"avatar_id": "Me1"}).data.status, one.create(avatar_id="Me1").code) == (4, 1220)


def test_a_session_needs_an_avatar_that_is_ready(world: Make) -> None:
    one = world()
    one.ask(UPLOAD, VIDEO)
    early = one.create(avatar_id="Me1").code
    one.now += 30
    assert (early, one.create(avatar_id="Me1").code) == (1214, 1000)


def test_speed_hastens_the_processing(world: Make) -> None:
    one = world(simulator=SimulatorOptions(speed=100))
    one.ask(UPLOAD, VIDEO)
    one.now += 0.31
    assert one.create(avatar_id="Me1").code == 1000


def test_uploads_are_seen_by_their_owner_only(world: Make) -> None:
    one = world()
    one.ask(UPLOAD, VIDEO)
    mine, others = (one.ask(LIST, key=key).data for key in ("the-key", "another-key"))
    assert [avatar.avatar_id for avatar in mine.result] == ["Me1", *STOCK_AVATARS]
    assert [avatar.avatar_id for avatar in others.result] == [*STOCK_AVATARS]
    assert one.ask(DETAIL, {"avatar_id": "Me1"}, key="another-key").code == 1008


def test_an_id_is_taken_once_for_everybody(world: Make) -> None:
    one = world()
    codes = [one.ask(UPLOAD, VIDEO, key=key).code for key in ("the-key", "another-key")]
    assert codes == [1000, 1222]


def test_an_account_has_only_so_many(world: Make) -> None:
    one = world(max_avatars=1)
    codes = [one.ask(UPLOAD, VIDEO | {"avatar_id": name}).code for name in ("A", "B")]
    assert [*codes, one.ask(UPLOAD, VIDEO | {"avatar_id": "B"}, key="another-key").code] == [1000, 1223, 1000]


@pytest.mark.parametrize(
    "fields",
    [
        {"avatar_id": "with_underscore"},
        {"avatar_id": ""},
        {"type": 1},
        {"type": "2"},
        {"url_from": 3},
        {"name": ""},
        {"url": None},
    ],
)
def test_a_wrong_upload_is_a_parameter_error(world: Make, fields: dict[str, Any]) -> None:
    assert world().ask(UPLOAD, VIDEO | fields).code == 1003


@pytest.mark.parametrize("missing", ["url", "avatar_id", "name", "type", "url_from"])
def test_every_field_of_an_upload_is_needed(world: Make, missing: str) -> None:
    assert world().ask(UPLOAD, {name: value for name, value in VIDEO.items() if name != missing}).code == 1003


def test_an_avatar_is_available_while_it_can_take_a_session(world: Make) -> None:
    one = world()

    def available() -> list[bool]:
        return [avatar.available for avatar in one.ask(LIST).data.result]

    before, session = available(), one.create(duration=60).data.id
    during = available()
    one.ask("v4/liveAvatar/session/close", {"id": session})
    assert (before, during, available()) == ([True, True], [False, True], [True, True])


def test_pages_count_from_one(world: Make) -> None:
    one = world()
    pages = [one.ask(LIST, {"page": str(page), "size": "1"}).data for page in (1, 2, 3)]
    assert [[avatar.avatar_id for avatar in page.result] for page in pages] == [[name] for name in STOCK_AVATARS] + [[]]
    assert {page.count for page in pages} == {2}


@pytest.mark.parametrize("query", [{"page": "0"}, {"size": "101"}, {"size": "0"}, {"size": "x"}, {"platform": "web"}])
def test_a_wrong_page_is_a_parameter_error(world: Make, query: dict[str, str]) -> None:
    assert world().ask(LIST, query).code == 1003


def test_an_empty_query_value_counts_as_left_out(world: Make) -> None:
    assert world().ask(LIST, {"page": "", "platform": ""}).code == 1000


@pytest.mark.parametrize("code", [1008, 1014])
def test_an_unknown_avatar_is_refused_as_told(world: Make, code: int) -> None:
    one = world(unknown_avatar_code=code)
    assert [one.create(avatar_id="x").code, one.ask(DETAIL, {"avatar_id": "x"}).code] == [code, code]


def test_detail_tells_the_status_unless_it_is_as_its_schema(world: Make) -> None:
    asked = {"avatar_id": STOCK_AVATARS[0]}
    assert world().ask(DETAIL, asked).data.status == 3
    assert not isinstance(world(detail_status=False).ask(DETAIL, asked).data.status, int)


def test_the_older_calls_tell_the_same_avatars_as_arrays(world: Make) -> None:
    one = world()
    one.ask(UPLOAD, VIDEO)

    def ids(**query: str) -> list[str]:
        return [avatar.avatar_id for avatar in one.ask("v3/avatar/list", query).data]

    listed = one.ask("v3/avatar/list").data
    assert [ids(), ids(**{"from": "3"}), ids(type="1")] == [["Me1", *STOCK_AVATARS], ["Me1"], []]
    assert one.ask("v3/avatar/detail", {"id": listed[0].id}).data == [listed[0]]
    assert one.ask("v3/avatar/detail", {"id": "0" * 24}).code == 1008
