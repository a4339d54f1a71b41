"""Sending, repeating, waiting and logging in."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import anyio
import httpx
import msgspec
import pytest

from akoolflow.akool import Account, AkoolClient, AvatarUpload, KnowledgeFields, Patience, Seams
from akoolflow.contracts import SessionRequest
from akoolflow.errors import (
    AnswerLost,
    ReplyUnreadable,
    RequestInvalid,
    ServiceError,
    ServiceRefused,
    ServiceSilent,
    ServiceUnreachable,
)
from akoolflow.secret import Secret
from akoolflow.testing import run_in_virtual_time

pytestmark = pytest.mark.anyio
Refusal = Callable[..., httpx.Response]
Call = Callable[[AkoolClient], Awaitable[object]]

REQUEST = SessionRequest(avatar_id="a1")
UPLOAD = AvatarUpload(url="https://x.test/v.mp4", avatar_id="a1", name="A")
SAFE: dict[str, Call] = {
    "avatar/list": lambda akool: akool.avatars.page(),
    "avatar/detail": lambda akool: akool.avatars.detail("a1"),
    "v3 avatar/detail": lambda akool: akool.avatars.record("r1"),
    "session/detail": lambda akool: akool.sessions.detail("s1"),
    "session/list": lambda akool: akool.sessions.page(),
    "session/close": lambda akool: akool.sessions.close("s1"),
    "knowledge/list": lambda akool: akool.knowledge.page(),
    "knowledge/detail": lambda akool: akool.knowledge.detail("k1"),
    "knowledge/delete": lambda akool: akool.knowledge.delete("k1"),
    "voice/list": lambda akool: akool.voices.page(),
    "language/list": lambda akool: akool.languages.all(),
}
UNSAFE: dict[str, Call] = {
    "session/create": lambda akool: akool.sessions.create(REQUEST),
    "avatar/create": lambda akool: akool.avatars.upload(UPLOAD),
    "knowledge/create": lambda akool: akool.knowledge.create(KnowledgeFields(name="K")),
    "knowledge/update": lambda akool: akool.knowledge.update("k1", KnowledgeFields(name="K")),
}
CALLS = SAFE | UNSAFE
NEVER_SENT = [
    httpx.ConnectError("refused"),
    httpx.ConnectTimeout("slow"),
    httpx.PoolTimeout("crowded"),
    httpx.ProxyError("502"),
]
MAYBE_SENT = [
    httpx.ReadError("reset"),
    httpx.WriteError("reset"),
    httpx.RemoteProtocolError("gone"),
    httpx.LocalProtocolError("h"),
    ConnectionResetError("reset"),
    ssl.SSLError("broken"),
]
HTTPX_LEAVES_GENERATORS = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""httpx reads by nested generators and leaves the inner ones to the collector, which trio tells."""
UNAVAILABLE = httpx.Response(503, text="<html>")


async def failing(stub: Any, call: Call, **patience: Any) -> ServiceError:
    async with stub.client(**patience) as client:
        with pytest.raises(ServiceError) as caught:
            await call(client)
    return caught.value


# -- repeating ---------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [*NEVER_SENT, *MAYBE_SENT, UNAVAILABLE], ids=repr)
@pytest.mark.parametrize("name", SAFE)
async def test_what_is_safe_to_repeat_is_tried_three_times(name: str, failure: Any, stub: Any) -> None:
    stub.answers(failure, failure, failure)
    error = await failing(stub, SAFE[name])
    assert (len(stub.requests), error.call) == (3, name)


@pytest.mark.parametrize("failure", [*MAYBE_SENT, UNAVAILABLE, httpx.Response(429)], ids=repr)
@pytest.mark.parametrize("name", UNSAFE)
async def test_what_creates_is_never_repeated_once_it_may_have_left(name: str, failure: Any, stub: Any) -> None:
    stub.answers(failure)
    error = await failing(stub, UNSAFE[name])
    assert (len(stub.requests), error.call) == (1, name)


@pytest.mark.parametrize("name", UNSAFE)
async def test_what_creates_is_not_repeated_either_when_it_comes_too_often(
    name: str, stub: Any, refusal: Refusal
) -> None:
    stub.answers(refusal(1005))
    await failing(stub, UNSAFE[name])
    assert len(stub.requests) == 1


@pytest.mark.parametrize("failure", NEVER_SENT, ids=repr)
@pytest.mark.parametrize("name", UNSAFE)
async def test_what_creates_is_tried_again_while_nothing_was_sent(name: str, failure: Any, stub: Any) -> None:
    stub.answers(failure, failure, failure)
    error = await failing(stub, UNSAFE[name])
    assert isinstance(error, ServiceUnreachable)
    assert (len(stub.requests), error.may_have_happened, error.fault) == (3, False, "network")


async def test_the_answer_after_a_failure_counts(stub: Any) -> None:
    stub.answers(httpx.ReadError("reset"))
    stub.says({"_id": "s1", "status": 2})
    async with stub.client() as client:
        session = await client.sessions.detail("s1")
    assert (session.id, session.status) == ("s1", 2)


@pytest.mark.parametrize("name", SAFE)
async def test_too_frequent_is_tried_again(name: str, stub: Any, refusal: Refusal) -> None:
    stub.answers(refusal(1005), refusal(1005), refusal(1005))
    await failing(stub, SAFE[name])
    assert len(stub.requests) == 3


@pytest.mark.parametrize("code", [1003, 1104, 1215, 1237])
async def test_another_refusal_is_final_at_once(code: int, stub: Any, refusal: Refusal) -> None:
    stub.answers(refusal(code))
    error = await failing(stub, SAFE["session/detail"])
    assert (len(stub.requests), getattr(error, "code", 0)) == (1, code)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
async def test_a_code_with_an_http_status_that_passes_is_tried_again(status: int, stub: Any, refusal: Refusal) -> None:
    stub.answers(*[refusal(1205, "x", status)] * 3)
    error = await failing(stub, SAFE["session/detail"])
    assert (len(stub.requests), error.retry) == (3, "soon")


async def test_pauses_double_and_are_shortened_by_chance(stub: Any) -> None:
    stub.answers(*[httpx.ReadError("reset")] * 5)
    await failing(stub, SAFE["session/detail"], attempts=5, first_pause_s=1.0)
    for pause_s, full_s in zip(stub.pauses, (1.0, 2.0, 4.0, 8.0), strict=True):
        assert full_s / 2 <= pause_s <= full_s
    assert len({pause_s / full_s for pause_s, full_s in zip(stub.pauses, (1, 2, 4, 8), strict=True)}) == 4


@pytest.mark.parametrize("header", ["7", "Tue, 14 Nov 2023 22:13:27 GMT"])
async def test_the_service_may_ask_for_a_longer_pause(header: str, stub: Any, refusal: Refusal) -> None:
    stub.answers(refusal(1005, retry_after=header))
    stub.says({"_id": "s1"})
    async with stub.client() as client:
        await client.sessions.detail("s1")
    assert 7.0 <= stub.pauses[0] <= 7.5


async def test_a_gateway_may_ask_for_a_longer_pause_too(stub: Any) -> None:
    stub.answers(httpx.Response(503, text="<html>", headers={"retry-after": "7"}))
    stub.says({"_id": "s1"})
    async with stub.client() as client:
        await client.sessions.detail("s1")
    assert 7.0 <= stub.pauses[0] <= 7.5


async def test_who_asks_for_too_long_a_pause_is_not_asked_again(stub: Any, refusal: Refusal) -> None:
    stub.answers(refusal(1005, retry_after="21"))
    error = await failing(stub, SAFE["session/detail"], longest_pause_s=20)
    assert (len(stub.requests), stub.pauses, error.retry_after_s) == (1, [], 21.0)


async def test_a_close_whose_first_answer_was_lost_takes_over_for_done(stub: Any, refusal: Refusal) -> None:
    stub.answers(httpx.ReadError("reset"), refusal(1219, "closed"))
    async with stub.client() as client:
        assert (await client.sessions.close("s1")).id == "s1"


async def test_a_delete_whose_first_answer_was_lost_takes_not_found_for_done(stub: Any, refusal: Refusal) -> None:
    stub.answers(httpx.ReadError("reset"), refusal(1232))
    async with stub.client() as client:
        await client.knowledge.delete("k1")
    assert len(stub.requests) == 2


async def test_a_delete_of_what_is_not_there_is_refused_if_it_was_never_lost(stub: Any, refusal: Refusal) -> None:
    stub.answers(httpx.ConnectError("refused"), refusal(1232))
    error = await failing(stub, SAFE["knowledge/delete"])
    assert getattr(error, "code", 0) == 1232


# -- what a failure says -----------------------------------------------------------------------


@pytest.mark.parametrize("failure", MAYBE_SENT, ids=repr)
async def test_a_create_whose_answer_is_lost_may_have_happened(failure: Exception, stub: Any) -> None:
    stub.answers(failure)
    error = await failing(stub, UNSAFE["session/create"])
    assert isinstance(error, AnswerLost)
    assert error.may_have_happened
    assert error.__cause__ is failure


@pytest.mark.parametrize(
    ("status", "may_have_happened"), [(200, True), (302, True), (500, True), (401, False), (404, False), (429, False)]
)
async def test_a_create_that_gets_no_envelope_may_have_happened_unless_http_refused_it(
    status: int, may_have_happened: Any, stub: Any
) -> None:
    stub.answers(httpx.Response(status, text="<html>"))
    error = await failing(stub, UNSAFE["session/create"])
    assert isinstance(error, ReplyUnreadable)
    assert (error.http_status, error.may_have_happened) == (status, may_have_happened)


async def test_a_create_without_a_session_id_may_have_happened(stub: Any) -> None:
    stub.says({"status": 1})
    error = await failing(stub, UNSAFE["session/create"])
    assert isinstance(error, ReplyUnreadable)
    assert error.may_have_happened


async def test_a_create_that_was_refused_has_not_happened(stub: Any, refusal: Refusal) -> None:
    stub.answers(refusal(1215))
    assert not (await failing(stub, UNSAFE["session/create"])).may_have_happened


async def test_a_create_that_was_refused_with_a_server_error_may_have_happened(stub: Any, refusal: Refusal) -> None:
    stub.answers(refusal(1205, "x", 500))
    assert (await failing(stub, UNSAFE["session/create"])).may_have_happened


@pytest.mark.parametrize("name", sorted(SAFE.keys() - {"session/close", "knowledge/delete"}))
async def test_a_question_changes_nothing_whatever_becomes_of_it(name: str, stub: Any) -> None:
    stub.answers(*[httpx.ReadError("reset")] * 3)
    assert not (await failing(stub, SAFE[name])).may_have_happened


# -- deadlines ---------------------------------------------------------------------------------


def _timed(
    handler: Callable[[httpx.Request], Coroutine[None, None, httpx.Response]], call: Call, **patience: Any
) -> Any:
    """The error of a call to such a service, and how long it took, in virtual time."""

    async def work() -> tuple[ServiceError, float]:
        seams = Seams(transport=httpx.MockTransport(handler))
        account = Account(api_key=Secret("key"))
        async with AkoolClient(account, patience=Patience(**patience), seams=seams) as client:
            started_s = anyio.current_time()
            with pytest.raises(ServiceError) as caught:
                await call(client)
            return caught.value, anyio.current_time() - started_s

    return run_in_virtual_time(work)


async def _never(_request: httpx.Request) -> httpx.Response:
    await anyio.sleep_forever()
    raise AssertionError


async def _drip(_request: httpx.Request) -> httpx.Response:
    async def drops() -> Any:
        while True:
            await anyio.sleep(1)
            yield b" "

    return httpx.Response(200, content=drops())


@pytest.mark.parametrize("handler", [_never, _drip])
def test_a_service_that_never_ends_its_answer_is_given_up_at_the_deadline(handler: Any) -> None:
    error, took_s = _timed(handler, UNSAFE["session/create"], timeout_s=12.5)
    assert isinstance(error, ServiceSilent)
    assert (error.call, error.waited_s, took_s, error.may_have_happened) == ("session/create", 12.5, 12.5, True)


def test_a_silent_service_is_asked_again_where_that_is_safe() -> None:
    error, took_s = _timed(_never, SAFE["session/detail"], timeout_s=10, attempts=3, first_pause_s=0)
    assert isinstance(error, ServiceSilent)
    assert (took_s, error.may_have_happened) == (30.0, False)


def test_a_call_may_have_a_deadline_of_its_own() -> None:
    error, took_s = _timed(_never, lambda akool: akool.sessions.close("s1", timeout_s=2), first_pause_s=0)
    assert isinstance(error, ServiceSilent)
    assert (error.waited_s, took_s, error.may_have_happened) == (2, 6.0, True)


async def test_cancelling_a_call_is_no_error_of_ours() -> None:
    seams = Seams(transport=httpx.MockTransport(_never))
    async with AkoolClient(Account(api_key=Secret("key")), seams=seams) as client:
        with anyio.move_on_after(0) as scope:
            await client.sessions.detail("s1")
    assert scope.cancelled_caught


@HTTPX_LEAVES_GENERATORS
async def test_an_answer_without_end_is_cut_off(stub: Any) -> None:
    async def flood() -> Any:
        while True:
            yield b" " * 1_000_000

    stub.answers(httpx.Response(200, content=flood()))
    error = await failing(stub, SAFE["session/detail"])
    assert str(error) == "the answer to session/detail (HTTP 200) is unreadable: it is longer than 8388608 B"


@HTTPX_LEAVES_GENERATORS
async def test_broken_compression_is_told(stub: Any) -> None:
    stub.answers(httpx.Response(200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(b"no gzip")))
    error = await failing(stub, SAFE["session/detail"])
    assert str(error).startswith(
        "the answer to session/detail (HTTP 200) is unreadable: its compression is broken: Error -3"
    )


async def test_a_redirect_is_not_followed(stub: Any) -> None:
    stub.answers(httpx.Response(302, headers={"location": "https://evil.test/"}))
    error = await failing(stub, SAFE["session/detail"])
    assert "redirects, which is not followed" in str(error)
    assert [request.url.host for request in stub.requests] == ["openapi.akool.com"]


# -- who calls ---------------------------------------------------------------------------------


def sent(stub: Any, header: str) -> list[str | None]:
    return [request.headers.get(header) for request in stub.requests]


def jwt(**claims: Any) -> str:
    middle = base64.urlsafe_b64encode(msgspec.json.encode(claims)).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiJ9.{middle}.c2lnbmF0dXJl"


LOGIN = Account(client_id="id-1", client_secret=Secret("secret-0123456789"))


def flat(token: str) -> httpx.Response:
    return httpx.Response(200, json={"code": 1000, "token": token})


async def test_an_api_key_goes_as_it_is(stub: Any) -> None:
    async with stub.client() as client:
        await client.knowledge.delete("k1")
    assert (sent(stub, "x-api-key"), sent(stub, "authorization")) == (["sk-0123456789abcdef"], [None])


async def test_a_token_goes_before_an_api_key_which_is_not_sent(stub: Any) -> None:
    account = Account(api_key=Secret("sk-1"), token=Secret("tok-1"))
    async with stub.client(account) as client:
        await client.knowledge.delete("k1")
    assert (sent(stub, "x-api-key"), sent(stub, "authorization")) == ([None], ["Bearer tok-1"])


async def test_a_client_id_and_secret_go_before_an_api_key(stub: Any) -> None:
    stub.answers(flat("tok-1"))
    account = Account(api_key=Secret("sk-1"), client_id="id-1", client_secret=Secret("secret-1"))
    async with stub.client(account) as client:
        await client.knowledge.delete("k1")
    assert sent(stub, "x-api-key") == [None, None]
    assert sent(stub, "authorization") == [None, "Bearer tok-1"]


@pytest.mark.parametrize(
    "answer",
    [
        {"code": 1000, "token": "tok-1"},
        {"code": 1000, "msg": "OK", "data": {"token": "tok-1"}},
        {"code": 1000, "token": "tok-1", "data": None},
    ],
)
async def test_the_token_may_stand_beside_the_code_or_in_the_data(answer: Any, stub: Any) -> None:
    stub.answers(httpx.Response(200, json=answer))
    async with stub.client(LOGIN) as client:
        await client.knowledge.delete("k1")
    assert stub.calls == ["POST v3/getToken", "DELETE v4/knowledge/delete"]
    assert stub.bodies[0] == {"clientId": "id-1", "clientSecret": "secret-0123456789"}
    assert sent(stub, "authorization") == [None, "Bearer tok-1"]


@pytest.mark.parametrize("token", [None, "", 5, "two words", "line\n", "ключ"])
async def test_an_answer_without_a_usable_token_is_unreadable(token: Any, stub: Any) -> None:
    stub.answers(httpx.Response(200, json={"code": 1000, "token": token}))
    async with stub.client(LOGIN) as client:
        with pytest.raises(ReplyUnreadable, match=r"getToken.*it holds no token"):
            await client.sessions.create(REQUEST)


async def test_many_calls_at_once_share_one_token(stub: Any) -> None:
    stub.answers(flat("tok-1"))
    async with stub.client(LOGIN) as client, anyio.create_task_group() as tasks:
        for number in range(5):
            tasks.start_soon(client.knowledge.delete, f"k{number}")
    assert stub.calls.count("POST v3/getToken") == 1


@pytest.mark.parametrize(
    ("token", "life_s"), [(jwt(exp=1_700_010_000), 9_940), ("opaque", 3_300), (jwt(), 3_300), (jwt(exp="x"), 3_300)]
)
async def test_a_token_is_kept_until_a_minute_before_its_end_or_for_55_minutes(
    token: str, life_s: int, stub: Any
) -> None:
    stub.answers(flat(token), httpx.Response(200, json={"code": 1000}), httpx.Response(200, json={"code": 1000}))
    stub.answers(flat("tok-2"))
    async with stub.client(LOGIN) as client:
        await client.knowledge.delete("k1")
        stub.now_unix_s += life_s - 1
        await client.knowledge.delete("k1")
        stub.now_unix_s += 1
        await client.knowledge.delete("k1")
    bearers = sent(stub, "authorization")
    assert bearers == [None, f"Bearer {token}", f"Bearer {token}", None, "Bearer tok-2"]


async def test_a_token_that_was_refused_is_replaced_once(stub: Any, refusal: Refusal) -> None:
    stub.answers(flat("tok-1"), refusal(1101), flat("tok-2"), refusal(1101))
    error = await _login_error(stub, SAFE["session/detail"])
    assert getattr(error, "code", 0) == 1101
    assert sent(stub, "authorization") == [None, "Bearer tok-1", None, "Bearer tok-2"]


async def test_a_create_is_not_repeated_with_a_new_token_but_the_next_call_has_one(stub: Any, refusal: Refusal) -> None:
    stub.answers(flat("tok-1"), refusal(1101), flat("tok-2"))
    async with stub.client(LOGIN) as client:
        with pytest.raises(ServiceRefused):
            await client.sessions.create(REQUEST)
        await client.knowledge.delete("k1")
    assert sent(stub, "authorization") == [None, "Bearer tok-1", None, "Bearer tok-2"]


async def test_a_login_that_fails_says_so_and_nothing_was_created(stub: Any) -> None:
    stub.answers(*[httpx.ReadError("reset")] * 3)
    error = await _login_error(stub, UNSAFE["session/create"])
    assert (error.call, error.may_have_happened) == ("getToken", False)
    assert stub.calls == ["POST v3/getToken"] * 3


async def _login_error(stub: Any, call: Call) -> ServiceError:
    async with stub.client(LOGIN) as client:
        with pytest.raises(ServiceError) as caught:
            await call(client)
    return caught.value


async def test_a_token_can_be_asked_for(stub: Any) -> None:
    stub.answers(flat("tok-1"))
    async with stub.client(LOGIN) as client, stub.client(Account(token=Secret("mine"))) as other:
        assert (await client.get_token()).reveal() == "tok-1"
        assert (await other.get_token()).reveal() == "mine"


async def test_an_account_of_a_key_alone_has_no_token_to_ask_for(stub: Any) -> None:
    async with stub.client() as client:
        with pytest.raises(RequestInvalid, match="clientId"):
            await client.get_token()
    assert stub.requests == []
