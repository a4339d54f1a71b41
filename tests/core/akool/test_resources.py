"""Each call as the service documents it: method, path, fields, and what comes back."""

from __future__ import annotations

from typing import Any

import pytest

from akoolflow.akool import (
    Avatar,
    AvatarUpload,
    ClosedSession,
    Document,
    Knowledge,
    KnowledgeFields,
    KnowledgeFilter,
    Language,
    LiveSession,
    Voice,
    VoiceFilter,
)
from akoolflow.contracts import SessionRequest
from akoolflow.errors import ReplyUnreadable

pytestmark = pytest.mark.anyio

TRTC = {"trtc_app_id": 20001234, "trtc_room_id": "r-77", "trtc_user_id": "u-1", "trtc_user_sig": "sig-1"}


# -- avatars -----------------------------------------------------------------------------------


async def test_avatars_are_listed_page_by_page(stub: Any) -> None:
    first = [{"avatar_id": f"a{number}", "available": True} for number in range(100)]
    stub.says({"count": 101, "result": first}, {"count": 101, "result": [{"avatar_id": "last", "from": 2, "type": 2}]})
    async with stub.client() as client:
        avatars = [avatar async for avatar in client.avatars.all()]
    assert stub.calls == ["GET v4/liveAvatar/avatar/list"] * 2
    assert stub.queries == [{"platform": "open", "page": page, "size": "100"} for page in ("1", "2")]
    assert (len(avatars), avatars[-1]) == (101, Avatar(avatar_id="last", origin=2, type=2))


async def test_avatars_of_the_web_app_are_asked_for_by_name(stub: Any) -> None:
    stub.says({"count": 0, "result": []})
    async with stub.client() as client:
        page = await client.avatars.page(2, 5, platform="aigc")
    assert stub.queries == [{"platform": "aigc", "page": "2", "size": "5"}]
    assert (page.items, page.count) == ((), 0)


async def test_an_avatar_is_found_by_its_public_id(stub: Any) -> None:
    stub.says({"_id": "r1", "avatar_id": "a1", "thumbnailUrl": "https://x.test/t", "platform": "open"})
    async with stub.client() as client:
        avatar = await client.avatars.detail("a1")
    assert (stub.calls, stub.queries) == (["GET v4/liveAvatar/avatar/detail"], [{"avatar_id": "a1"}])
    assert avatar == Avatar(id="r1", avatar_id="a1", thumbnail_url="https://x.test/t", platform="open")


async def test_the_older_api_answers_with_a_list_of_one_record(stub: Any) -> None:
    stub.says([{"_id": "r1", "uid": 7, "type": 2, "from": 3, "status": 3, "name": "Tom", "url": "u"}])
    async with stub.client() as client:
        avatar = await client.avatars.record("r1")
    assert (stub.calls, stub.queries) == (["GET v3/avatar/detail"], [{"id": "r1"}])
    assert avatar == Avatar(id="r1", uid=7, type=2, origin=3, status=3, name="Tom", url="u")


async def test_an_upload_sends_all_five_fields_and_has_a_status(stub: Any) -> None:
    stub.says(
        {
            "_id": "r1", "disabled": False, "uid": 7, "type": 2, "from": 2, "status": 1, "sort": 10,
            "create_time": 1700, "name": "Tom", "avatar_id": "Tom2", "url": "u", "modify_url": "m", "gender": "male",
            "thumbnailUrl": "", "crop_arr": [],
        }
    )  # fmt: skip
    async with stub.client() as client:
        avatar = await client.avatars.upload(AvatarUpload(url="https://x.test/v", avatar_id="Tom2", name="Tom"))
    assert stub.calls == ["POST v3/avatar/create"]
    assert stub.bodies == [{"url": "https://x.test/v", "avatar_id": "Tom2", "name": "Tom", "type": 2, "url_from": 1}]
    assert (avatar.id, avatar.status, avatar.created_ms, avatar.disabled) == ("r1", 1, 1700, False)


async def test_an_upload_is_watched_until_it_can_be_used(stub: Any) -> None:
    stub.says(
        {"avatar_id": "Tom2", "status": 1}, {"avatar_id": "Tom2", "status": 2}, {"avatar_id": "Tom2", "status": 3}
    )
    async with stub.client() as client:
        seen = [look.status async for look in client.avatars.watch(Avatar(avatar_id="Tom2", id="r1"), every_s=7)]
    assert (seen, stub.pauses) == ([1, 2, 3], [7, 7])


async def test_where_the_detail_has_no_status_the_older_record_is_asked(stub: Any) -> None:
    stub.says({"avatar_id": "Tom2"}, [{"_id": "r1", "status": 4}])
    async with stub.client() as client:
        seen = [look.status async for look in client.avatars.watch(Avatar(avatar_id="Tom2", id="r1"))]
    assert (seen, stub.calls) == ([4], ["GET v4/liveAvatar/avatar/detail", "GET v3/avatar/detail"])


async def test_an_upload_is_not_watched_for_ever(stub: Any) -> None:
    async with stub.client() as client:
        seen = [look async for look in client.avatars.watch(Avatar(avatar_id="Tom2"), looks=3)]
    assert (len(seen), len(stub.pauses)) == (3, 2)


# -- sessions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "place",
    [
        {"credentials": TRTC},
        {"credentials": {name.replace("trtc_", "trtc_sdk_"): value for name, value in TRTC.items()}},
        {"stream_urls": TRTC},
        {"credentials": None, "stream_urls": TRTC},
        {"credentials": TRTC, "stream_urls": {"agora_token": "x"}},
    ],
)
async def test_a_session_has_its_credentials_wherever_they_stand_and_however_they_are_spelt(
    place: dict[str, Any], stub: Any
) -> None:
    stub.says({"_id": "s1", "uid": 100010, "type": 1, "status": 1, "stream_type": "trtc", **place})
    async with stub.client() as client:
        session = await client.sessions.create(SessionRequest(avatar_id="a1", stream_type="trtc", duration=60))
    assert stub.calls == ["POST v4/liveAvatar/session/create"]
    assert stub.bodies == [{"avatar_id": "a1", "stream_type": "trtc", "duration": 60}]
    assert (session.id, session.status, session.stream_type, session.credentials) == ("s1", 1, "trtc", TRTC)


@pytest.mark.parametrize(
    ("data", "stream_type"),
    [({"credentials": {"livekit_url": "u"}}, "livekit"), ({}, "trtc"), ({"credentials": []}, "trtc")],
)
async def test_a_stream_type_that_is_not_told_follows_from_the_credentials_or_the_request(
    data: dict[str, Any], stream_type: str, stub: Any
) -> None:
    stub.says({"_id": "s1", **data})
    async with stub.client() as client:
        session = await client.sessions.create(SessionRequest(avatar_id="a1", stream_type="trtc"))
    assert session.stream_type == stream_type


async def test_a_session_is_found_by_its_id(stub: Any) -> None:
    stub.says({"_id": "s1", "status": 3, "stream_type": "agora", "credentials": {"agora_uid": 5}})
    async with stub.client() as client:
        session = await client.sessions.detail("s1")
    assert (stub.calls, stub.queries) == (["GET v4/liveAvatar/session/detail"], [{"id": "s1"}])
    assert (session.status, session.credentials) == (3, {"agora_uid": 5})


@pytest.mark.parametrize(
    ("data", "closed"),
    [
        (None, ClosedSession(id="s1")),
        ({}, ClosedSession(id="s1")),
        ([], ClosedSession(id="s1")),
        ("closed", ClosedSession(id="s1")),
        (
            {"session_id": "s1", "status": "closed", "closed_at": 1700},
            ClosedSession(id="s1", status="closed", closed_ms=1700),
        ),
        ({"session_id": None, "status": 3}, ClosedSession(id="s1")),
    ],
)
async def test_a_close_is_done_with_or_without_data(data: Any, closed: ClosedSession, stub: Any) -> None:
    stub.says(data)
    async with stub.client() as client:
        assert await client.sessions.close("s1") == closed
    assert (stub.calls, stub.bodies) == (["POST v4/liveAvatar/session/close"], [{"id": "s1"}])


async def test_sessions_are_listed_by_status(stub: Any) -> None:
    stub.says({"count": 1, "result": [{"_id": "s1", "status": 2, "credentials": {"trtc_sdk_room_id": 9}}]})
    async with stub.client() as client:
        (session,) = [session async for session in client.sessions.all(2)]
    assert (stub.calls, stub.queries) == (
        ["GET v4/liveAvatar/session/list"],
        [{"page": "1", "size": "100", "status": "2"}],
    )
    assert session == LiveSession(id="s1", status=2, stream_type="trtc", credentials={"trtc_room_id": "9"})


async def test_sessions_of_every_status_are_listed_without_naming_one(stub: Any) -> None:
    stub.says([])
    async with stub.client() as client:
        await client.sessions.page()
    assert stub.queries == [{"page": "1", "size": "100"}]


# -- knowledge bases ---------------------------------------------------------------------------

RECORD = {
    "_id": "k1", "team_id": "t", "uid": 7, "user_type": 2, "from": 2, "name": "K", "prologue": "Hi", "prompt": "Be",
    "docs": [{"name": "a.pdf", "url": "https://x.test/a.pdf", "size": 3}], "urls": ["https://x.test"],
    "create_time": 1, "update_time": 2,
}  # fmt: skip
BASE = Knowledge(
    id="k1",
    team_id="t",
    uid=7,
    user_type=2,
    origin=2,
    name="K",
    prologue="Hi",
    prompt="Be",
    docs=(Document("a.pdf", "https://x.test/a.pdf", 3),),
    urls=("https://x.test",),
    created_ms=1,
    updated_ms=2,
)


@pytest.mark.parametrize("data", [[RECORD], {"knowledge_list": [RECORD], "count": 1}, {"result": [RECORD]}])
async def test_knowledge_bases_are_listed_as_a_bare_list_or_in_an_object(data: Any, stub: Any) -> None:
    stub.says(data)
    async with stub.client() as client:
        found = [base async for base in client.knowledge.all(KnowledgeFilter(name="K", origin=2))]
    assert stub.calls == ["GET v4/knowledge/list"]
    assert stub.queries == [{"name": "K", "from": "2", "page": "1", "size": "100"}]
    assert found == [BASE]


async def test_a_knowledge_base_is_made_found_changed_and_deleted(stub: Any) -> None:
    stub.says(RECORD, RECORD, RECORD, None)
    fields = KnowledgeFields(name="K", docs=BASE.docs, urls=BASE.urls)
    async with stub.client() as client:
        assert await client.knowledge.create(fields) == BASE
        assert await client.knowledge.detail("k1") == BASE
        assert await client.knowledge.update("k1", KnowledgeFields(prologue="")) == BASE
        await client.knowledge.delete("k1")
    assert stub.calls == [
        "POST v4/knowledge/create",
        "GET v4/knowledge/detail",
        "POST v4/knowledge/update",
        "DELETE v4/knowledge/delete",
    ]
    assert stub.bodies == [
        {"name": "K", "docs": RECORD["docs"], "urls": RECORD["urls"]},
        None,
        {"id": "k1", "prologue": ""},
        {"id": "k1"},
    ]
    assert stub.queries[1] == {"id": "k1"}


# -- voices and languages ----------------------------------------------------------------------


async def test_voices_are_asked_for_by_their_filter(stub: Any) -> None:
    stub.says(
        {
            "count": 1,
            "result": [
                {
                    "voice_id": "v1",
                    "style": ["calm"],
                    "support_stream": True,
                    "duration": 1200,
                    "webhookUrl": "",
                    "age": None,
                }
            ],
        }
    )
    async with stub.client() as client:
        only = VoiceFilter(type=1, support_stream=1, gender="Female", style="Calm,Warm")
        voices = [voice async for voice in client.voices.all(only)]
    assert stub.calls == ["GET v4/voice/list"]
    assert stub.queries == [
        {"type": "1", "support_stream": "1", "gender": "Female", "style": "Calm,Warm", "page": "1", "size": "100"}
    ]
    assert voices == [Voice(voice_id="v1", style=("calm",), support_stream=True, duration_ms=1200)]


@pytest.mark.parametrize("wrap", [lambda items: {"lang_list": items}, lambda items: items])
async def test_languages_come_all_at_once(wrap: Any, stub: Any) -> None:
    stub.says(wrap([{"lang_code": "es", "lang_name": "Spanish", "url": "u"}]))
    async with stub.client() as client:
        assert await client.languages.all() == (Language(code="es", name="Spanish", url="u"),)
    assert (stub.calls, stub.queries, stub.bodies) == (["GET v3/language/list"], [{}], [None])


async def test_a_list_without_a_list_is_no_empty_list(stub: Any) -> None:
    stub.says(None)
    async with stub.client() as client:
        with pytest.raises(ReplyUnreadable, match="session/list"):
            await client.sessions.page()
