from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest

from akoolflow.contracts import AvatarLeft, LinkClosed, LinkDown, LinkUp, SessionRequest
from akoolflow.conversation import Timing
from akoolflow.errors import LinkFailed, NotReady, ServiceRefused, SessionOver
from akoolflow.events import (
    EndReason,
    LinkLost,
    LinkRestored,
    SessionCreated,
    SessionEnded,
    SessionExpiring,
    SessionFailed,
    SessionReady,
    TurnInterrupted,
)
from akoolflow.protocol import wire
from akoolflow.testing import RecordingSink, ScriptedRoom, ScriptedService, run_in_virtual_time, scripted_session

pytestmark = pytest.mark.anyio
REQUEST = SessionRequest(avatar_id="avatar", stream_type="scripted", mode_type=wire.RETELLING)


async def test_an_orderly_session_tells_created_connected_ready_and_ended_in_this_order() -> None:
    sink = RecordingSink()
    async with scripted_session(sinks=[sink]):
        pass
    told = [name for name in sink.names if name.startswith(("Session", "Link"))]
    assert told == ["SessionCreated", "LinkConnected", "SessionReady", "SessionEnded"]


async def test_sequence_numbers_are_gapless_and_every_event_names_its_session() -> None:
    sink = RecordingSink()
    async with scripted_session(sinks=[sink]) as session:
        pass
    assert [event.seq for event in sink.events] == list(range(1, len(sink.events) + 1))
    assert {event.session for event in sink.events} == {session.id}


async def test_the_session_is_closed_at_the_service_and_the_room_is_left() -> None:
    service, room = ScriptedService(), ScriptedRoom()
    async with scripted_session(service=service, room=room):
        assert room.open_links == 1
        assert service.closed == []
    assert service.closed == ["akool-1"]
    assert room.open_links == 0


async def test_the_session_is_closed_when_the_body_raises() -> None:
    service, sink = ScriptedService(), RecordingSink()
    with pytest.raises((KeyError, BaseExceptionGroup)) as caught:
        async with scripted_session(service=service, sinks=[sink]):
            raise KeyError("body")
    assert "body" in repr(caught.value)
    assert service.closed == ["akool-1"]
    assert sink.names[-1] == "SessionEnded"


async def test_the_session_is_closed_when_the_body_is_cancelled() -> None:
    service, sink = ScriptedService(), RecordingSink()
    with anyio.CancelScope() as scope:
        async with scripted_session(service=service, sinks=[sink]):
            scope.cancel()
            await anyio.sleep_forever()
    assert service.closed == ["akool-1"]
    assert sink.names[-1] == "SessionEnded"


@pytest.mark.parametrize("reason", ["input_ended", "closed", "ctrl_c", "terminated"])
async def test_the_reason_of_the_end_is_told(reason: EndReason) -> None:
    sink = RecordingSink()
    async with scripted_session(sinks=[sink]) as session:
        await session.end(reason)
        await session.wait_over()
    assert [event.reason for event in sink.of(SessionEnded)] == [reason]


async def test_the_first_reason_is_the_one_that_counts() -> None:
    sink = RecordingSink()
    async with scripted_session(sinks=[sink]) as session:
        await session.end("terminated")
        await session.end("ctrl_c")
    assert [event.reason for event in sink.of(SessionEnded)] == ["terminated"]


async def test_a_refused_create_fails_the_session_with_the_services_code_and_closes_nothing() -> None:
    service, sink = ScriptedService(refuse_create=ServiceRefused(1215, "busy")), RecordingSink()
    with pytest.raises(ServiceRefused, match="1215"):
        async with scripted_session(service=service, sinks=[sink]):
            pytest.fail("must not open")
    assert sink.names == ["SessionFailed"]
    assert sink.of(SessionFailed)[0].code == 1215
    assert service.closed == []


async def test_an_unclosed_session_is_told_as_a_failure_that_costs() -> None:
    service, sink = ScriptedService(refuse_close=ServiceRefused(1218, "processing error")), RecordingSink()
    async with scripted_session(service=service, sinks=[sink]):
        pass
    assert sink.names[-1] == "SessionFailed"
    assert "akool-1 could not be closed" in sink.of(SessionFailed)[0].reason
    assert "SessionEnded" not in sink.names


async def test_an_avatar_that_leaves_ends_the_session() -> None:
    room, sink = ScriptedRoom(), RecordingSink()
    async with scripted_session(room=room, sinks=[sink]) as session:
        room.bring(AvatarLeft())
        await session.wait_over()
    assert [event.reason for event in sink.of(SessionEnded)] == ["avatar_left"]


async def test_a_link_closed_for_good_fails_the_session_with_its_reason() -> None:
    room, sink, service = ScriptedRoom(), RecordingSink(), ScriptedService()
    async with scripted_session(room=room, sinks=[sink], service=service) as session:
        room.bring(LinkClosed("kicked out"))
        await session.wait_over()
        with pytest.raises(SessionOver):
            await session.say("anybody there?")
    assert "kicked out" in sink.of(SessionFailed)[0].reason
    assert service.closed == ["akool-1"]


async def test_nothing_leaves_while_the_link_is_down_and_nothing_is_lost() -> None:
    room, sink = ScriptedRoom(), RecordingSink()
    async with scripted_session(room=room, sinks=[sink]) as session:
        await sink.wait_for(SessionReady)
        await anyio.wait_all_tasks_blocked()
        room.bring(LinkDown("wifi"))
        await sink.wait_for(LinkLost)
        before = len(room.sent)
        await session.say("Hello there.")
        await anyio.wait_all_tasks_blocked()
        assert len(room.sent) == before
        room.bring(LinkUp())
        await sink.wait_for(LinkRestored)
        await anyio.wait_all_tasks_blocked()
        assert room.spoken == "Hello there."


async def test_text_given_before_the_avatar_is_there_waits_for_it() -> None:
    room = ScriptedRoom(avatar=False)
    sink = RecordingSink()

    async def come_later() -> None:
        await sink.wait_for(SessionCreated)
        await anyio.wait_all_tasks_blocked()
        assert room.sent == []
        from akoolflow.contracts import AvatarJoined

        room.bring(AvatarJoined())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(come_later)
        async with scripted_session(room=room, sinks=[sink]) as session:
            await session.say("Welcome.")
            await anyio.wait_all_tasks_blocked()
    assert room.spoken == "Welcome."


def test_an_avatar_that_never_comes_fails_the_session_at_the_deadline() -> None:
    service, sink = ScriptedService(), RecordingSink()

    async def work() -> float:
        start = anyio.current_time()
        with pytest.raises(NotReady):
            async with scripted_session(
                room=ScriptedRoom(avatar=False), service=service, sinks=[sink], timing=Timing(ready_timeout_s=12)
            ):
                pytest.fail("must not open")
        return anyio.current_time() - start

    assert run_in_virtual_time(work) == pytest.approx(12)
    assert service.closed == ["akool-1"]
    assert "12 s" in sink.of(SessionFailed)[0].reason


def test_the_duration_is_announced_ahead_and_ends_the_session() -> None:
    sink = RecordingSink()
    from msgspec.structs import replace

    async def work() -> float:
        start = anyio.current_time()
        request = replace(REQUEST, duration=600.0)
        async with scripted_session(sinks=[sink], request=request, timing=Timing(expiring_before_s=45)) as session:
            await session.wait_over()
        return anyio.current_time() - start

    assert run_in_virtual_time(work) == pytest.approx(600)
    (expiring,), (ended,) = sink.of(SessionExpiring), sink.of(SessionEnded)
    assert ended.reason == "duration"
    assert [expiring.remaining_s, ended.seconds_used] == pytest.approx([45, 600])


def test_a_service_that_never_answers_create_fails_the_session() -> None:
    sink = RecordingSink()

    class Silent(ScriptedService):
        async def create(self, request: SessionRequest) -> None:  # type: ignore[override]
            await anyio.sleep_forever()

    async def work() -> None:
        with pytest.raises(Exception, match="did not answer create"):
            async with scripted_session(service=Silent(), sinks=[sink]):
                pytest.fail("must not open")

    run_in_virtual_time(work)
    assert sink.names == ["SessionFailed"]


def test_a_stop_while_create_is_under_way_closes_the_session_that_comes_of_it() -> None:
    service, sink = ScriptedService(), RecordingSink()
    create = service.create

    async def slow(request: SessionRequest) -> object:
        await anyio.sleep(3)
        return await create(request)

    service.create = slow  # type: ignore[method-assign,assignment]

    async def work() -> None:
        with anyio.move_on_after(1):
            async with scripted_session(service=service, sinks=[sink]):
                pytest.fail("must not open")

    run_in_virtual_time(work)
    assert service.closed == ["akool-1"]


@pytest.mark.parametrize("where", ["enter", "signals", "send"])
async def test_a_transport_that_raises_fails_the_session_and_closes_it(where: str) -> None:
    def broken(*_args: object) -> None:
        raise LinkFailed("scripted", f"broken in {where}")

    room, sink, service = ScriptedRoom(), RecordingSink(), ScriptedService()
    methods: dict[str, Callable[[], None]] = {
        "enter": lambda: setattr(room, "open", broken),
        "signals": lambda: setattr(room, "signals", broken),
        "send": lambda: setattr(room, "on_frame", broken),
    }
    methods[where]()
    try:
        async with scripted_session(room=room, sinks=[sink], service=service) as session:
            await session.wait_over()
    except LinkFailed:
        pass
    assert f"broken in {where}" in sink.of(SessionFailed)[0].reason
    assert service.closed == ["akool-1"]


async def test_a_turn_under_way_at_the_end_is_told_as_interrupted_before_the_end() -> None:
    class Slow:
        async def respond(self, turn: object, say: Callable[[str], object]) -> None:
            await anyio.sleep_forever()

    sink = RecordingSink()
    async with scripted_session(Slow(), sinks=[sink]) as session:
        await session.utter("hello")
        await anyio.wait_all_tasks_blocked()
    assert [event.reason for event in sink.of(TurnInterrupted)] == ["end"]
    assert sink.names[-2:] == ["TurnInterrupted", "SessionEnded"]


async def test_events_iterates_from_now_on_and_ends_with_the_session() -> None:
    async with scripted_session() as session, session.events() as events:
        await session.utter("hello")
        await session.end()
        seen = [type(event).__name__ async for event in events]
    assert seen[0] == "UserUtterance"
    assert seen[-1] == "SessionEnded"
