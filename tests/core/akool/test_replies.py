"""Reading answers: what is none, what contradicts itself, what the documentation leaves open."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given

from akoolflow.akool import Account, AkoolClient, AkoolService, AvatarUpload, KnowledgeFields, Patience, Seams
from akoolflow.akool.models import Avatar, ClosedSession, Knowledge, Language, LiveSession, Voice
from akoolflow.akool.redaction import Vault
from akoolflow.akool.replies import Reply, page_of, read, record
from akoolflow.contracts import SessionRequest
from akoolflow.errors import ReplyUnreadable, ServiceError, ServiceRefused
from akoolflow.secret import Secret
from akoolflow.testing import run_in_virtual_time


def unreadable(body: bytes, status: int = 200) -> ReplyUnreadable:
    with pytest.raises(ReplyUnreadable) as caught:
        read("x/y", status, body, Vault())
    return caught.value


# -- the envelope ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "it is empty"),
        (b" \r\n", "it is empty"),
        (b"<html>Bad gateway</html>", "it is no JSON"),
        (b'{"code":1000', "it is no JSON"),
        (b"\xff\xfe", "it is no JSON"),
        (b'{"code":1000,"msg":"\xff"}', "it is no JSON"),
        (b"[" * 100_000, "it is no JSON"),
        (b'{"code":1e999}', "it is no JSON"),
        (b"null", "it has no code"),
        (b"[]", "it has no code"),
        (b"{}", "it has no code"),
        (b'{"code":null}', "it has no code"),
        (b'{"code":"1000"}', "it has no code"),
        (b'{"code":true}', "it has no code"),
        (b'{"code":1000.0}', "it has no code"),
        (b'{"code":' + b"9" * 400 + b"}", "it has no code"),
    ],
)
def test_what_is_no_envelope_is_told_without_being_shown(body: bytes, why: str) -> None:
    error = unreadable(body)
    assert (error.why, error.http_status) == (why, 200)
    assert str(error) == (
        f"the answer to x/y (HTTP 200) is unreadable: {why}; is base_url the AKOOL service, or a simulator of it?"
    )
    assert error.__cause__ is None


@pytest.mark.parametrize(
    ("status", "hint", "retry", "fault"),
    [
        (204, "is base_url the AKOOL service, or a simulator of it?", "unknown", "service"),
        (301, "base_url is not where the service lives: it redirects, which is not followed", "unknown", "service"),
        (401, "check the API key or token", "unknown", "caller"),
        (404, "check base_url", "unknown", "caller"),
        (418, "", "unknown", "caller"),
        (429, "ask less often", "soon", "caller"),
        (500, "the service, or something before it, is in trouble: try again later", "soon", "service"),
        (503, "the service, or something before it, is in trouble: try again later", "soon", "service"),
    ],
)
def test_the_http_status_tells_more_about_what_is_no_envelope(status: int, hint: str, retry: str, fault: str) -> None:
    error = unreadable(b"<html>", status)
    assert (error.hint, error.retry, error.fault) == (hint, retry, fault)


@pytest.mark.parametrize("status", [199, 302, 400, 500])
def test_success_and_a_bad_http_status_contradict_each_other(status: int) -> None:
    assert "contradict" in unreadable(b'{"code":1000,"msg":"OK","data":{}}', status).why


@pytest.mark.parametrize("body", [b'{"code":1000}', b'{"code":1000,"msg":"ok"}', b'{"code":1000,"msg":5,"data":null}'])
def test_msg_and_data_may_be_missing(body: bytes) -> None:
    assert read("x/y", 200, body, Vault()).data is None


def test_a_refusal_counts_whatever_the_http_status() -> None:
    for status in (200, 400, 401, 500):
        with pytest.raises(ServiceRefused, match="code 1101, expired"):
            read("x/y", status, b'{"code":1101,"msg":"expired"}', Vault())


def test_the_services_words_come_as_one_short_printable_line() -> None:
    msg = "first\nsecond\x1b[31m" + "x" * 10_000
    with pytest.raises(ServiceRefused) as caught:
        read("x/y", 200, msgspec.json.encode({"code": 1003, "msg": msg}), Vault())
    assert caught.value.msg.startswith("first second\\x1b[31mxxx")
    assert len(caught.value.msg) <= 500


# -- records -----------------------------------------------------------------------------------


def test_fields_that_are_unknown_null_or_misshapen_do_not_lose_an_answer() -> None:
    avatar = record("x", Avatar, {"avatar_id": "a1", "name": None, "status": "3", "uid": [], "future": {"x": 1}})
    assert avatar == Avatar(avatar_id="a1", status=3)


@pytest.mark.parametrize(
    ("kind", "least"),
    [(Avatar, {}), (LiveSession, {"_id": "s"}), (ClosedSession, {}), (Knowledge, {"_id": "k"}),
     (Voice, {"voice_id": "v"}), (Language, {"lang_code": "en"})],
)  # fmt: skip
def test_only_what_nothing_can_be_done_without_is_required(kind: Any, least: dict[str, Any]) -> None:
    record("x", kind, least)
    for name in least:
        with pytest.raises(ReplyUnreadable, match=f"required field `{name}`"):
            record("x", kind, {key: value for key, value in least.items() if key != name})
        with pytest.raises(ReplyUnreadable, match=f"required field `{name}`"):
            record("x", kind, {**least, name: {"not": "text"}})


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (None, "nothing"),
        ([], "a list"),
        ([{}, {}], "a list"),
        ("x", "a text"),
        (5, "a number"),
        (True, "true or false"),
    ],
)
def test_what_is_no_record_is_told(data: Any, kind: str) -> None:
    with pytest.raises(ReplyUnreadable, match=f"its data is {kind}, expected an object"):
        record("x", LiveSession, data)


def test_a_list_of_one_is_the_one() -> None:
    assert record("x", Avatar, [{"_id": "r1", "status": 2}]) == Avatar(id="r1", status=2)


# -- lists -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "ids", "count"),
    [
        ({"result": [{"_id": "k1"}], "count": 7}, ["k1"], 7),
        ({"knowledge_list": [{"_id": "k1"}]}, ["k1"], None),
        ([{"_id": "k1"}, {"_id": "k2"}], ["k1", "k2"], None),
        ([], [], None),
        ({"result": []}, [], None),
        ({"result": None, "count": 0}, [], 0),
        ({"count": 0}, [], 0),
        ({"result": None}, [], None),
        ({"result": [{"_id": "k1"}], "count": "many"}, ["k1"], None),
    ],
)
def test_a_list_is_read_in_every_shape_that_it_was_seen_in(data: Any, ids: list[str], count: int | None) -> None:
    page = page_of("knowledge/list", Knowledge, data, "knowledge_list", "result")
    assert ([item.id for item in page.items], page.count) == (ids, count)


@pytest.mark.parametrize("data", [None, {}, {"count": 3}, {"result": "x"}, {"result": {}}, 5, "x"])
def test_what_is_no_list_is_never_taken_for_an_empty_one(data: Any) -> None:
    with pytest.raises(ReplyUnreadable, match="expected a list or result"):
        page_of("session/list", LiveSession, data, "result")


def test_an_item_that_cannot_be_read_is_left_out_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        page = page_of("session/list", LiveSession, [{"_id": "s1"}, None, {"status": 2}, {"_id": "s2"}])
    assert ([item.id for item in page.items], page.found) == (["s1", "s2"], 4)
    assert [entry.message for entry in caplog.records] == [
        "session/list: an item of the list is left out: its data is nothing, expected an object",
        "session/list: an item of the list is left out: its data does not fit: Object missing required field `_id`",
    ]


# -- anything at all ---------------------------------------------------------------------------

CALLS: list[Callable[[AkoolClient], Awaitable[object]]] = [
    lambda akool: akool.get_token(),
    lambda akool: akool.avatars.page(),
    lambda akool: akool.avatars.detail("a1"),
    lambda akool: akool.avatars.record("r1"),
    lambda akool: akool.avatars.upload(AvatarUpload(url="https://x.test/v", avatar_id="a1", name="A")),
    lambda akool: AkoolService(akool).create(SessionRequest(avatar_id="a1")),
    lambda akool: akool.sessions.create(SessionRequest(avatar_id="a1", stream_type="trtc")),
    lambda akool: akool.sessions.detail("s1"),
    lambda akool: akool.sessions.close("s1"),
    lambda akool: AkoolService(akool).open_sessions(),
    lambda akool: akool.knowledge.page(),
    lambda akool: akool.knowledge.detail("k1"),
    lambda akool: akool.knowledge.create(KnowledgeFields(name="K")),
    lambda akool: akool.knowledge.update("k1", KnowledgeFields(name="K")),
    lambda akool: akool.knowledge.delete("k1"),
    lambda akool: akool.voices.page(),
    lambda akool: akool.languages.all(),
]
FIELDS = sorted(
    {f.encode_name for kind in (Avatar, LiveSession, ClosedSession, Knowledge, Voice, Language)
     for f in msgspec.structs.fields(kind)}
    | {"code", "msg", "data", "result", "count", "token", "knowledge_list", "lang_list", "trtc_sdk_app_id", "agora_uid"}
)  # fmt: skip
KEYS = st.sampled_from(FIELDS) | st.text(max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=25,
)
BODIES = st.one_of(
    st.binary(max_size=80),
    JSON.map(msgspec.json.encode),
    st.fixed_dictionaries({"code": st.sampled_from([1000, 1000, 1000, 1003, 0]) | st.integers(), "data": JSON}).map(
        msgspec.json.encode
    ),
    st.dictionaries(st.sampled_from(["code", "msg", "data", "token"]), JSON).map(msgspec.json.encode),
)
HEADERS = st.fixed_dictionaries({}, optional={"retry-after": st.sampled_from(["1", "-1", "x", "9" * 400, "Mon, 99"])})


ACCOUNTS = (Account(api_key=Secret("sk-1")), Account(client_id="id", client_secret=Secret("sec")))
STATUS = st.sampled_from([200, 200, 204, 302, 400, 401, 429, 500, 599])


@given(
    st.sampled_from(ACCOUNTS),
    st.sampled_from(CALLS),
    st.builds(httpx.Response, STATUS, headers=HEADERS, content=BODIES),
)
def test_whatever_the_service_answers_only_our_errors_come_out(
    account: Account, call: Callable[[AkoolClient], Awaitable[object]], answer: httpx.Response
) -> None:
    answers = httpx.MockTransport(lambda _: answer)

    async def work() -> None:
        async with AkoolClient(account, seams=Seams(transport=answers), patience=Patience(attempts=2)) as akool:
            try:
                await call(akool)
            except ServiceError as error:
                assert str(error).isprintable()  # noqa: PT017 - either may come

    run_in_virtual_time(work)


@given(BODIES)
def test_reading_an_envelope_gives_a_reply_or_one_of_our_errors(body: bytes) -> None:
    try:
        assert isinstance(read("x/y", 200, body, Vault()), Reply)
    except ServiceError as error:
        assert error.call == "x/y"  # noqa: PT017
