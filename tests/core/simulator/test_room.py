"""The in-process room, in virtual time: ten minutes of talk take milliseconds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import pytest
import trio.testing

from akoolflow.contracts import AvatarJoined, AvatarLeft, LinkClosed, LinkDown, LinkUp, Signal
from akoolflow.errors import LinkFailed
from akoolflow.protocol.codec import decode, encode
from akoolflow.protocol.wire import Chat, ChatPayload
from akoolflow.simulator.avatar import Avatar
from akoolflow.simulator.options import SimulatorOptions
from akoolflow.simulator.params import Settings
from akoolflow.simulator.room import MAX_WAITING_SIGNALS, Participant, Room

OPTIONS = SimulatorOptions(chars_per_s=10.0, speech_delay_s=1.0, command_delay_s=0.5)


def virtually(main: Callable[[], Awaitable[None]]) -> float:
    """Run on trio with a clock that jumps to the next deadline; gives the virtual seconds that it took."""

    async def timed() -> float:
        start = anyio.current_time()
        await main()
        return anyio.current_time() - start

    clock = trio.testing.MockClock(autojump_threshold=0)
    return anyio.run(timed, backend="trio", backend_options={"clock": clock})


@asynccontextmanager
async def running(
    joins_s: float = 0.5, ends_s: float = 600.0, options: SimulatorOptions = OPTIONS
) -> AsyncIterator[Room]:
    """A room whose avatar comes and goes so many seconds from now."""
    room = Room(Avatar(options, Settings(mode=1)))
    now = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: room.run(joins_s=now + joins_s, ends_s=now + ends_s))
        yield room
        room.close("the test is over")


def chat(text: str, mid: str = "m") -> bytes:
    return encode(Chat(v=2, mid=mid, idx=0, fin=True, pld=ChatPayload(text=text)))


async def taken(participant: Participant, count: int) -> list[tuple[float, Signal | str]]:
    """The next signals with the time of their coming; frames by what they say."""
    signals: list[tuple[float, Signal | str]] = []
    async for signal in participant:
        told = decode(signal) if isinstance(signal, bytes) else signal
        said = told.pld.text if isinstance(told, Chat) else getattr(getattr(told, "pld", None), "event", signal)
        signals.append((round(anyio.current_time(), 3), said))
        if len(signals) == count:
            break
    return signals


# -- time --------------------------------------------------------------------------------------


def test_the_avatar_comes_speaks_at_its_rate_and_goes_at_the_end_of_the_duration() -> None:
    async def main() -> None:
        start = round(anyio.current_time(), 3)
        async with running() as room:
            me = room.enter()
            assert await taken(me, 1) == [(start + 0.5, AvatarJoined())]
            me.hand_over(chat("0123456789"))
            log = await taken(me, 4)
        assert [round(at - start, 3) for at, _ in log] == [0.5, 1.5, 2.5, 600.0]
        assert [said for _, said in log[:3]] == ["0123456789", "audio_start", "audio_end"]
        assert log[3][1] == AvatarLeft("the session's duration is over")

    assert virtually(main) == pytest.approx(600.0)


def test_ten_minutes_of_steady_talk_are_spoken_to_the_last_word() -> None:
    async def main() -> None:
        async with running(ends_s=700.0) as room:
            me = room.enter()
            await taken(me, 1)
            for n in range(100):
                me.hand_over(chat(f"This is sentence number {n}.", f"m{n}"))
                await anyio.sleep(6.0)
            assert [spoken.text for spoken in room.avatar.spoken] == [
                f"This is sentence number {n}." for n in range(100)
            ]

    assert virtually(main) == pytest.approx(600.5)


@pytest.mark.anyio
async def test_it_runs_on_both_loops_in_real_time() -> None:
    async with running(joins_s=0.001, options=SimulatorOptions(speed=1000)) as room:
        me = room.enter()
        await taken(me, 1)
        room.hear("hello")
        assert [said for _, said in await taken(me, 4)] == ["hello", "hello", "audio_start", "audio_end"]


def test_a_frame_before_the_avatar_is_there_is_lost() -> None:
    async def main() -> None:
        async with running() as room:
            room.enter().hand_over(chat("too early"))
            await anyio.sleep(10)
            assert (room.avatar.spoken, room.avatar.ignored) == ([], {"before_join": 1})

    virtually(main)


def test_who_comes_late_is_told_how_the_avatar_stands() -> None:
    async def main() -> None:
        async with running(ends_s=5.0) as room:
            await anyio.sleep(1)
            assert [said for _, said in await taken(room.enter(), 1)] == [AvatarJoined()]
            await anyio.sleep(10)
            assert [said for _, said in await taken(room.enter(), 1)] == [AvatarLeft("the session's duration is over")]

    virtually(main)


# -- faults ------------------------------------------------------------------------------------


def test_while_the_link_is_down_frames_out_wait_and_frames_in_are_lost() -> None:
    async def main() -> None:
        async with running() as room:
            me = room.enter()
            await taken(me, 1)
            me.hand_over(chat("0123456789"))
            room.drop_link("cable pulled")
            with anyio.move_on_after(5) as waiting:
                await me.reachable()
            assert waiting.cancelled_caught
            room.restore_link()
            await me.reachable()
            assert [said for _, said in await taken(me, 2)] == [LinkDown("cable pulled"), LinkUp()]
            assert me.lost_frames == 3
            assert [spoken.text for spoken in room.avatar.spoken] == ["0123456789"]

    virtually(main)


def test_what_the_avatar_had_sent_when_it_left_still_arrives() -> None:
    async def main() -> None:
        async with running() as room:
            me = room.enter()
            await taken(me, 1)
            me.hand_over(chat("last words"))
            room.dismiss("called away")
            assert [said for _, said in await taken(me, 2)] == ["last words", AvatarLeft("called away")]

    virtually(main)


def test_news_of_the_avatar_waits_for_the_link() -> None:
    async def main() -> None:
        async with running(joins_s=2.0, ends_s=20.0) as room:
            me = room.enter()
            room.drop_link()
            await anyio.sleep(5)
            room.restore_link()
            room.drop_link()
            await anyio.sleep(30)
            room.restore_link()
            told = [said for _, said in await taken(me, 6)]
        down = LinkDown("the network is gone")
        assert told == [down, LinkUp(), AvatarJoined(), down, LinkUp(), AvatarLeft("the session's duration is over")]

    virtually(main)


@pytest.mark.anyio
@pytest.mark.parametrize("fate", [Room.kick, Room.close])
async def test_who_waits_for_the_link_hears_that_the_room_is_gone(fate: Callable[[Room], None]) -> None:
    async with running() as room:
        me = room.enter()
        room.drop_link()

        async def fail() -> None:
            with pytest.raises(LinkFailed):
                await me.reachable()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(fail)
            await anyio.wait_all_tasks_blocked()
            fate(room)


@pytest.mark.anyio
async def test_a_kick_is_the_last_that_a_participant_hears() -> None:
    async with running() as room:
        me = room.enter()
        room.kick("again and again")
        room.drop_link()
        assert [signal async for signal in me] == [LinkClosed("again and again")]
        assert (room.participants, room.avatar.state) == ([], "absent")


@pytest.mark.anyio
async def test_nobody_enters_a_closed_room() -> None:
    async with running() as room:
        room.close("closed for today")
        with pytest.raises(LinkFailed, match="closed for today"):
            room.enter()


@pytest.mark.anyio
async def test_a_participant_that_takes_nothing_loses_frames_but_no_news() -> None:
    async with running() as room:
        me = room.enter()
        for _ in range(MAX_WAITING_SIGNALS + 5):
            me.tell(b"frame")
        room.kick("enough")
        signals = [signal async for signal in me]
    assert (me.lost_frames, len(signals), signals[-1]) == (5, MAX_WAITING_SIGNALS + 1, LinkClosed("enough"))
