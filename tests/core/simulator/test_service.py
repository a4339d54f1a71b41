"""The simulated session service: the pure model, then its face in this process."""

from __future__ import annotations

import math
from typing import Any

import anyio
import msgspec
import pytest

from akoolflow.contracts import AvatarLeft, AvatarService, LinkClosed, SessionRequest, Signal
from akoolflow.errors import ServiceRefused
from akoolflow.protocol.wire import DIALOGUE, RETELLING
from akoolflow.simulator.options import STOCK_AVATARS, SimulatorOptions
from akoolflow.simulator.params import Settings
from akoolflow.simulator.room import Room
from akoolflow.simulator.service import InProcessService
from akoolflow.simulator.sessions import FAILED, OVER, QUEUEING, RUNNING, Service

AVATAR = STOCK_AVATARS[0]
OPTIONS = SimulatorOptions(join_delay_s=0.5)


def request(**fields: Any) -> SessionRequest:
    return msgspec.convert({"avatar_id": AVATAR, "stream_type": "local"} | fields, SessionRequest)


def refused(service: Service, **fields: Any) -> ServiceRefused:
    with pytest.raises(ServiceRefused) as caught:
        service.create(request(**fields), 0.0)
    return caught.value


# -- the model ---------------------------------------------------------------------------------


def test_a_session_queues_until_its_avatar_joins_runs_and_is_over_after_its_duration() -> None:
    service = Service(OPTIONS)
    session = service.create(request(duration=60), 10.0)
    states = [service.detail(session.id, now).status for now in (10.0, 10.4, 10.5, 69.9, 70.0)]
    assert (session.status, states) == (QUEUEING, [QUEUEING, QUEUEING, RUNNING, RUNNING, OVER])


def test_a_session_without_a_duration_has_the_default_one() -> None:
    assert Service(SimulatorOptions(default_duration_s=90)).create(request(), 5.0).ends_s == 95.0


def test_speed_hastens_the_avatar_but_not_the_agreed_duration() -> None:
    session = Service(SimulatorOptions(join_delay_s=1.0, speed=10)).create(request(duration=60), 0.0)
    assert (session.joins_s, session.ends_s) == (0.1, 60.0)


def test_ids_are_24_hex_digits_that_follow_from_the_seed() -> None:
    def ids(seed: int) -> list[str]:
        service = Service(SimulatorOptions(seed=seed, sessions_per_avatar=3))
        return [service.create(request(), 0.0).id for _ in range(3)]

    assert ids(0) == ids(0)
    assert len({*ids(0), *ids(1)}) == 6
    assert all(len(one) == 24 and int(one, 16) for one in ids(0))


@pytest.mark.parametrize("code", [1215, 1218, 1237])
def test_an_avatar_serves_one_session_at_a_time(code: int) -> None:
    service = Service(msgspec.convert({"busy_code": code}, SimulatorOptions))
    first = service.create(request(), 0.0)
    assert refused(service).code == code
    service.create(request(avatar_id=STOCK_AVATARS[1]), 0.0)
    service.close(first.id, 1.0)
    assert service.create(request(), 1.0).id != first.id


def test_an_avatar_is_free_again_when_a_session_was_left_to_run_out() -> None:
    service = Service(OPTIONS)
    service.create(request(duration=60), 0.0)
    assert service.create(request(), 60.0).status == QUEUEING


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"avatar_id": ""}, 1003),
        ({"avatar_id": "nobody"}, 1008),
        ({"duration": 3601}, 1003),
        ({"duration": 0}, 1003),
        ({"duration": math.nan}, 1003),
        ({"mode_type": 3}, 1003),
        ({"stream_type": "flv"}, 1003),
        ({"scene_mode": "meeting"}, 1003),
        ({"e2e_type": "openai"}, 1003),
        ({"e2e_type": "other", "scene_mode": "fast_dialogue"}, 1003),
        ({"voice_params": {"speed": 0.7}}, 1003),
        ({"voice_params": {"vid": "only in set-params"}}, 1003),
        ({"voice_params": {"elevenlabs_settings": {"style": 2}}}, 1003),
        ({"voice_params": {"speed": 1.0}, "scene_mode": "fast_dialogue"}, 1003),
        ({"voice_params": {"voice_id": "nova"}, "scene_mode": "fast_dialogue"}, 1003),
    ],
)
def test_a_bad_request_is_refused_and_takes_no_avatar(fields: dict[str, Any], code: int) -> None:
    service = Service(OPTIONS)
    assert refused(service, **fields).code == code
    assert service.sessions(0.0) == []
    service.create(request(), 0.0)


@pytest.mark.parametrize(
    "fields",
    [
        {"duration": 3600, "mode_type": 1, "voice_params": {"speed": 1.2, "turn_detection": {"type": "semantic_vad"}}},
        {"language": "", "voice_id": "", "knowledge_id": "", "background_url": "", "scene_mode": "", "e2e_type": ""},
        {"scene_mode": "fast_dialogue", "e2e_type": "openai", "voice_params": {"voice_id": "marin"}},
        {"stream_type": "trtc"},
    ],
)
def test_what_the_documentation_allows_is_taken(fields: dict[str, Any]) -> None:
    assert Service(OPTIONS).create(request(**fields), 0.0).status == QUEUEING


def test_the_second_close_says_that_it_was_one() -> None:
    service = Service(OPTIONS)
    session = service.create(request(), 0.0)
    assert [service.close(session.id, 1.0), service.close(session.id, 2.0)] == [True, False]
    ended = service.detail(session.id, 3.0)
    assert (ended.status, ended.ends_s) == (OVER, 1.0)


def test_a_session_that_never_was_does_not_exist() -> None:
    with pytest.raises(ServiceRefused) as caught:
        Service(OPTIONS).close("0" * 24, 0.0)
    assert caught.value.code == 1216


def test_a_failed_session_stays_failed_and_frees_its_avatar() -> None:
    service = Service(OPTIONS)
    session = service.create(request(duration=60), 0.0)
    service.fail(session.id, 1.0)
    assert service.detail(session.id, 100.0).status == FAILED
    service.create(request(), 1.0)


def test_sessions_are_listed_newest_first_and_by_status() -> None:
    service = Service(SimulatorOptions(sessions_per_avatar=9))
    ids = [service.create(request(), float(n)).id for n in range(3)]
    service.close(ids[1], 3.0)
    assert [one.id for one in service.sessions(4.0)] == ids[::-1]
    assert [one.id for one in service.sessions(4.0, status=OVER)] == [ids[1]]


def test_of_ten_thousand_ended_sessions_the_oldest_is_forgotten_first() -> None:
    service = Service(OPTIONS)
    ids = []
    for _ in range(10_001):
        ids.append(service.create(request(), 0.0).id)
        service.close(ids[-1], 0.0)
    assert [one.id for one in service.sessions(0.0)] == ids[:0:-1]


# -- the face in this process ------------------------------------------------------------------


def test_it_keeps_the_contract() -> None:
    service: AvatarService = InProcessService(OPTIONS)
    assert isinstance(service, InProcessService)


@pytest.mark.anyio
async def test_create_hands_over_the_room_itself() -> None:
    async with InProcessService(OPTIONS) as service:
        session = await service.create(request())
        assert (session.stream_type, session.credentials["room"]) == ("local", service.rooms[session.id])
        assert service.detail(session.id).status == QUEUEING


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fields", "options", "mode"),
    [
        ({}, {}, DIALOGUE),
        ({}, {"default_mode": 1}, RETELLING),
        ({"mode_type": 1}, {}, RETELLING),
        ({"mode_type": 1}, {"mode_holds": False}, DIALOGUE),
    ],
)
async def test_the_avatar_starts_in_the_mode_that_was_asked_for_unless_it_does_not_hold(
    fields: dict[str, Any], options: dict[str, Any], mode: int
) -> None:
    async with InProcessService(msgspec.convert(options, SimulatorOptions)) as service:
        session = await service.create(request(**fields))
        assert service.rooms[session.id].avatar.settings.mode == mode


@pytest.mark.anyio
async def test_the_avatar_starts_with_what_the_request_says() -> None:
    asked = {"language": "es", "background_url": "https://x", "voice_params": {"voice_id": "marin", "stt_language": ""}}
    async with InProcessService(OPTIONS) as service:
        session = await service.create(request(scene_mode="fast_dialogue", **asked))
        assert service.rooms[session.id].avatar.settings == Settings(
            voice_only=True, lang="es", bgurl="https://x", voice={"voice_id": "marin"}
        )


@pytest.mark.anyio
async def test_closing_sends_the_avatar_out_and_closing_again_is_no_error() -> None:
    async with InProcessService(OPTIONS) as service:
        session = await service.create(request())
        room: Room = session.credentials["room"]
        await service.close(session.id)
        await service.close(session.id)
        await service.close("never opened")
        assert (room.avatar.state, service.detail(session.id).status, dict(service.rooms)) == ("left", OVER, {})


@pytest.mark.anyio
async def test_a_session_fails_when_its_avatar_leaves_early() -> None:
    async with InProcessService(OPTIONS) as service:
        session = await service.create(request())
        service.rooms[session.id].dismiss("the avatar crashed")
        await anyio.wait_all_tasks_blocked()
        assert (service.detail(session.id).status, dict(service.rooms)) == (FAILED, {})


@pytest.mark.anyio
async def test_the_end_of_the_service_ends_every_session_and_closes_every_room() -> None:
    async with InProcessService(SimulatorOptions(sessions_per_avatar=2)) as service:
        rooms = [(await service.create(request())).credentials["room"] for _ in range(2)]
        inside = [room.enter() for room in rooms]
    signals: list[Signal] = [signal for participant in inside async for signal in participant]
    ended = [AvatarLeft("the simulator has ended"), LinkClosed("the simulator has ended")]
    assert signals == ended * 2
    assert [session.status for session in service.sessions()] == [OVER, OVER]


@pytest.mark.anyio
@pytest.mark.parametrize("fields", [{"stream_type": "agora"}, {"credentials": {"agora_uid": 1}}])
async def test_rooms_that_are_not_in_this_process_are_refused(fields: dict[str, Any]) -> None:
    async with InProcessService(OPTIONS) as service:
        with pytest.raises(ServiceRefused, match="transport `local` only"):
            await service.create(request(**fields))


@pytest.mark.anyio
async def test_a_service_that_is_not_running_says_so() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await InProcessService(OPTIONS).create(request())
