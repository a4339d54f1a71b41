"""Transport `local`."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import msgspec
import pytest
import trio.testing

from akoolflow.contracts import AvatarJoined, AvatarSession, Link, LinkClosed, SessionRequest, Transport
from akoolflow.errors import LinkFailed, OptionInvalid
from akoolflow.protocol.codec import chat_frames, decode
from akoolflow.protocol.wire import Chat
from akoolflow.registry import Registry
from akoolflow.simulator.options import STOCK_AVATARS, SimulatorOptions
from akoolflow.simulator.room import Room
from akoolflow.simulator.service import InProcessService
from akoolflow_plugins.transports import local
from akoolflow_plugins.transports.local import Local, LocalLink, LocalOptions

REQUEST = SessionRequest(avatar_id=STOCK_AVATARS[0], stream_type="local", mode_type=1)


@asynccontextmanager
async def joined(**options: Any) -> AsyncIterator[tuple[LocalLink, Room]]:
    """A link into the room of a fresh session whose avatar is there at once."""
    async with InProcessService(SimulatorOptions(join_delay_s=0, speed=1000)) as service:
        session = await service.create(REQUEST)
        room: Room = session.credentials["room"]
        async with Local(msgspec.convert(options, LocalOptions)).open(session) as link:
            await anext(link.signals())
            yield link, room


def test_it_is_registered_under_its_name_and_keeps_the_contract() -> None:
    registry = Registry()
    local.akoolflow_register(registry)
    entry = registry.transports.get("local")
    assert entry is not None
    transport: Transport = entry.factory(entry.options())
    assert isinstance(transport, Local)


@pytest.mark.anyio
async def test_what_is_sent_is_spoken_and_comes_back_as_the_avatars_text() -> None:
    async with joined() as (link, room):
        contract: Link = link
        for frame in chat_frames("Welcome. " * 30, "m", link.limits.max_frame_bytes):
            await contract.send(frame)
        heard = ""
        async for signal in link.signals():
            message = decode(signal) if isinstance(signal, bytes) else None
            if isinstance(message, Chat):
                heard += message.pld.text
                if message.fin:
                    break
        assert heard == "Welcome. " * 30
        assert room.avatar.ignored == {}


@pytest.mark.anyio
async def test_the_avatars_coming_is_the_first_signal_and_the_end_of_the_link_the_last() -> None:
    async with InProcessService(SimulatorOptions(join_delay_s=0)) as service:
        session = await service.create(REQUEST)
        async with Local(LocalOptions()).open(session) as link:
            signals = link.signals()
            first = await anext(signals)
        assert [first, *[signal async for signal in signals]] == [AvatarJoined(), LinkClosed("left")]
        assert session.credentials["room"].participants == []


# -- limits ------------------------------------------------------------------------------------


def test_the_limits_are_agoras_unless_the_file_says_otherwise() -> None:
    async def main() -> None:
        async with joined() as (link, _):
            assert (link.limits.max_frame_bytes, link.limits.bytes_per_s, link.limits.frames_per_s) == (960, 6000, 30)
        async with joined(bytes_per_s=math.inf, max_frame_bytes=15360) as (link, _):
            assert (link.limits.max_frame_bytes, link.limits.bytes_per_s, link.limits.frames_per_s) == (
                15360,
                math.inf,
                30,
            )

    anyio.run(main)


def test_a_byte_rate_below_one_frame_is_a_complaint_about_its_key() -> None:
    with pytest.raises(OptionInvalid) as caught:
        LocalOptions(bytes_per_s=500)
    assert caught.value.key == ("bytes_per_s",)


@pytest.mark.anyio
async def test_a_frame_too_big_is_refused_and_not_carried() -> None:
    async with joined() as (link, room):
        await link.send(b"x" * 960)
        with pytest.raises(ValueError, match="961 B"):
            await link.send(b"x" * 961)
        assert (link.refused, room.avatar.ignored) == ({"too_big": 1}, {"not_json": 1})


@pytest.mark.parametrize(("size_bytes", "fit"), [(960, 6), (100, 30), (200, 30), (201, 29)])
def test_within_one_second_a_frame_too_many_is_lost_and_counted(size_bytes: int, fit: int) -> None:
    async def main() -> None:
        async with joined() as (link, room):
            for _ in range(fit + 2):
                await link.send(b"x" * size_bytes)
            assert (link.refused, room.avatar.ignored) == ({"over_rate": 2}, {"not_json": fit})
            await anyio.sleep(0.9)
            await link.send(b"x" * size_bytes)
            assert link.refused == {"over_rate": 3}
            await anyio.sleep(0.1)
            await link.send(b"x" * size_bytes)
            assert (link.refused, room.avatar.ignored) == ({"over_rate": 3}, {"not_json": fit + 1})

    clock = trio.testing.MockClock(autojump_threshold=0)
    anyio.run(main, backend="trio", backend_options={"clock": clock})


@pytest.mark.anyio
async def test_a_frame_too_many_can_be_an_error() -> None:
    async with joined(over_rate="raise", frames_per_s=1) as (link, room):
        await link.send(b"one")
        with pytest.raises(ValueError, match="1 frames in any second"):
            await link.send(b"two")
        assert room.avatar.ignored == {"not_json": 1}


# -- failure -----------------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize("credentials", [{}, {"agora_app_id": "x"}, {"room": "sala"}])
async def test_credentials_without_a_room_of_this_process_say_what_to_change(credentials: dict[str, Any]) -> None:
    session = AvatarSession(id="s", stream_type="agora", credentials=credentials)
    with pytest.raises(LinkFailed, match='service = "simulator"'):
        async with Local(LocalOptions()).open(session):
            pass


def test_joining_waits_for_a_link_that_is_down_but_not_forever() -> None:
    async def main() -> None:
        async with InProcessService(SimulatorOptions()) as service:
            session = await service.create(REQUEST)
            room: Room = session.credentials["room"]
            room.drop_link()
            start = anyio.current_time()
            with pytest.raises(LinkFailed, match="out of reach for 5 s"):
                async with Local(LocalOptions()).open(session):
                    pass
            assert anyio.current_time() - start == pytest.approx(5.0)
            assert room.participants == []

    clock = trio.testing.MockClock(autojump_threshold=0)
    anyio.run(main, backend="trio", backend_options={"clock": clock})


@pytest.mark.anyio
async def test_a_frame_sent_while_the_link_is_down_waits_and_then_arrives() -> None:
    async with joined() as (link, room):
        room.drop_link()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(link.send, b"late")
            await anyio.wait_all_tasks_blocked()
            assert room.avatar.ignored == {}
            room.restore_link()
        assert room.avatar.ignored == {"not_json": 1}


@pytest.mark.anyio
async def test_sending_into_a_room_that_is_gone_fails() -> None:
    async with joined() as (link, room):
        room.kick("removed by the host")
        with pytest.raises(LinkFailed, match="removed by the host"):
            await link.send(b"x")


@pytest.mark.anyio
async def test_a_cancelled_send_leaves_no_frame_behind() -> None:
    async with joined() as (link, room):
        with anyio.CancelScope() as scope:
            scope.cancel()
            await link.send(b"x")
        assert (scope.cancelled_caught, room.avatar.ignored) == (True, {})


@pytest.mark.anyio
async def test_a_sender_in_a_loop_gives_others_their_turn() -> None:
    async with joined() as (link, room):
        seen: list[int] = []

        async def other() -> None:
            seen.append(room.avatar.ignored["not_json"])

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(other)
            for _ in range(20):
                await link.send(b"x")
        assert seen[0] < 20


@pytest.mark.anyio
async def test_a_frame_is_handed_over_before_anything_else_can_run() -> None:
    async with joined() as (link, room):
        ran: list[int] = []

        async def other() -> None:
            ran.append(room.avatar.ignored["not_json"])

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(other)
            await link.send(b"x")
        assert ran == [1]
