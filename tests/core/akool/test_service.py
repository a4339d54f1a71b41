"""The live service as a conversation uses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from akoolflow.akool import AkoolService
from akoolflow.contracts import AvatarService, SessionRequest
from akoolflow.errors import ReplyUnreadable, ServiceRefused, ServiceSilent, SessionUnclosed
from akoolflow.secret import Secret

pytestmark = pytest.mark.anyio
Refusal = Callable[..., httpx.Response]
REQUEST = SessionRequest(avatar_id="a1", stream_type="livekit", duration=60)
LIVEKIT = {"livekit_url": "wss://x.test", "livekit_token": "tok", "livekit_room_name": "r"}


async def test_it_is_an_avatar_service(stub: Any) -> None:
    service: AvatarService = AkoolService(stub.client())
    assert service is not None


async def test_a_session_comes_with_what_it_takes_to_join_its_room(stub: Any) -> None:
    stub.says({"_id": "s1", "status": 1, "stream_type": "livekit", "credentials": LIVEKIT})
    async with AkoolService(stub.client()) as service:
        session = await service.create(REQUEST)
    assert (session.id, session.stream_type, session.credentials) == ("s1", "livekit", LIVEKIT)


async def test_in_a_room_of_ones_own_what_the_answer_lacks_is_taken_from_the_request(stub: Any) -> None:
    own = {"trtc_sdk_app_id": 1, "trtc_sdk_room_id": "r", "trtc_sdk_user_id": "u", "trtc_sdk_user_sig": Secret("sig")}
    stub.says({"_id": "s1", "stream_type": "trtc", "credentials": {"trtc_room_id": "r2"}})
    async with AkoolService(stub.client()) as service:
        session = await service.create(SessionRequest(avatar_id="a1", stream_type="trtc", credentials=own))
    assert stub.bodies[0]["credentials"] == own | {"trtc_sdk_user_sig": "sig"}
    assert session.credentials == {
        "trtc_app_id": 1,
        "trtc_room_id": "r2",
        "trtc_user_id": "u",
        "trtc_user_sig": "sig",
    }


async def test_a_session_that_nobody_can_join_is_given_back(stub: Any) -> None:
    stub.says({"_id": "s1", "stream_type": "livekit", "credentials": {"livekit_url": "wss://x.test"}}, None)
    async with AkoolService(stub.client()) as service:
        with pytest.raises(ReplyUnreadable, match=r"session s1 has no livekit_token.*it was given back"):
            await service.create(REQUEST)
    assert stub.calls[1] == "POST v4/liveAvatar/session/close"
    assert stub.bodies[1] == {"id": "s1"}


async def test_a_session_that_nobody_can_join_nor_close_is_told(stub: Any, refusal: Refusal) -> None:
    stub.says({"_id": "s1", "stream_type": "livekit"})
    stub.answers(refusal(1218, "processing error"))
    async with AkoolService(stub.client()) as service:
        with pytest.raises(SessionUnclosed, match=r"session s1 could not be closed and costs.*1218"):
            await service.create(REQUEST)


async def test_a_uid_of_zero_is_a_uid(stub: Any) -> None:
    agora = {"agora_uid": 0, "agora_channel": "c", "agora_token": "t", "agora_app_id": "a"}
    stub.says({"_id": "s1", "stream_type": "agora", "credentials": agora})
    async with AkoolService(stub.client()) as service:
        assert (await service.create(SessionRequest(avatar_id="a1"))).credentials == agora


@pytest.mark.parametrize("code", [1216, 1219])
async def test_closing_a_session_that_is_over_is_no_error(code: int, stub: Any, refusal: Refusal) -> None:
    stub.answers(refusal(code))
    async with AkoolService(stub.client()) as service:
        await service.close("s1")
    assert stub.bodies == [{"id": "s1"}]


@pytest.mark.parametrize("status", [3, 4])
async def test_a_close_with_any_other_code_is_none_if_the_session_is_over(
    status: int, stub: Any, refusal: Refusal
) -> None:
    stub.answers(refusal(1010))
    stub.says({"_id": "s1", "status": status})
    async with AkoolService(stub.client()) as service:
        await service.close("s1")
    assert stub.calls[1] == "GET v4/liveAvatar/session/detail"


@pytest.mark.parametrize("data", [{"_id": "s1", "status": 2}, {"_id": "s1"}, None])
async def test_a_close_that_is_refused_while_the_session_runs_is_an_error(
    data: Any, stub: Any, refusal: Refusal
) -> None:
    stub.answers(refusal(1010))
    stub.says(data)
    async with AkoolService(stub.client()) as service:
        with pytest.raises(ServiceRefused):
            await service.close("s1")


@pytest.mark.parametrize("code", [1003, 1101, 1218])
async def test_a_close_that_is_refused_for_another_reason_is_an_error(code: int, stub: Any, refusal: Refusal) -> None:
    stub.answers(refusal(code))
    async with AkoolService(stub.client()) as service:
        with pytest.raises(ServiceRefused) as caught:
            await service.close("s1")
    assert caught.value.code == code


async def test_a_close_is_tried_three_times_within_its_time(stub: Any) -> None:
    stub.answers(*[httpx.ReadError("reset")] * 2)
    stub.says(None)
    async with AkoolService(stub.client(), close_timeout_s=9) as service:
        await service.close("s1")
    assert stub.calls == ["POST v4/liveAvatar/session/close"] * 3


async def test_open_sessions_are_those_that_wait_and_those_that_run_each_once(stub: Any) -> None:
    stub.says(
        {"result": [{"_id": "s1", "status": 1}, {"_id": "s2", "status": 1}]},
        {"result": [{"_id": "s2", "status": 2}, {"_id": "s3"}, {"_id": "s4", "status": 3}]},
    )
    async with AkoolService(stub.client()) as service:
        found = await service.open_sessions()
    assert [(session.id, session.status) for session in found] == [("s1", 1), ("s2", 2), ("s3", None)]
    assert [query["status"] for query in stub.queries] == ["1", "2"]


async def test_open_sessions_are_all_or_an_error(stub: Any, refusal: Refusal) -> None:
    stub.says({"result": [{"_id": "s1", "status": 1}]})
    stub.answers(refusal(1101))
    async with AkoolService(stub.client()) as service:
        with pytest.raises(ServiceRefused):
            await service.open_sessions()


def test_a_silent_create_says_that_it_may_have_happened() -> None:
    assert str(ServiceSilent("create", 30)) == (
        "the service did not answer create within 30 s; check the network; it may have been done all the same"
    )
