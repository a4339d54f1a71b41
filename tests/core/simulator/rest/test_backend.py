"""What the service remembers is all it needs: another one goes on from its shelves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from akoolflow.contracts import SessionRequest
from akoolflow.errors import ServiceRefused
from akoolflow.simulator.options import STOCK_AVATARS
from akoolflow.simulator.rest.backend import Backend, Caller, Shelves
from akoolflow.simulator.rest.options import Switches

Make = Callable[..., Any]
T0 = 1_800_000_000.0
STEPS = st.one_of(
    st.tuples(st.just("open"), st.sampled_from(STOCK_AVATARS), st.integers(1, 50)),
    st.tuples(st.just("close"), st.integers(0, 5), st.just(0)),
    st.tuples(st.just("wait"), st.integers(0, 40), st.just(0)),
)


def again(shelves: Shelves) -> Shelves:
    """As if written down and read: the same records in the same order, on other shelves."""
    other = Shelves()
    for old, new in zip(shelves, other, strict=True):
        for key, record in old.items():
            new[key] = record
    return other


def done(backend: Backend, step: tuple[str, Any, int], now: float) -> object:
    account = next(iter(backend.accounts))
    caller = Caller(account=account, now=now)
    try:
        match step:
            case ("open", avatar_id, duration_s):
                return backend.open(caller, SessionRequest(avatar_id=avatar_id, duration=duration_s)).id
            case ("close", back, _):
                if back < len(found := backend.sessions(caller)):
                    backend.close(caller, found[back].id)
    except ServiceRefused as refusal:
        return refusal.code
    return None


def seen(backend: Backend, now: float) -> Any:
    account = next(iter(backend.accounts))
    return backend.all_sessions(now), backend.ledger.credits(account)


@settings(max_examples=60)
@given(st.lists(STEPS, max_size=25), st.integers(0, 25))
def test_a_restart_at_any_moment_changes_nothing(steps: list[tuple[str, Any, int]], stop: int) -> None:
    steady = Backend(Switches())
    restarted = Backend(Switches())
    now = T0
    for n, step in enumerate(steps):
        if n == stop:
            restarted = Backend(Switches(), again(restarted.shelves))
        now += step[1] if step[0] == "wait" else 0.0
        assert done(steady, step, now) == done(restarted, step, now)
    assert seen(steady, now) == seen(restarted, now)


def test_a_session_that_ran_out_while_nobody_was_there_is_over_and_paid(world: Make) -> None:
    one = world()
    session = one.create(duration=60).data.id
    one.backend = Backend(one.switches, again(one.backend.shelves))
    one.now += 3600
    assert one.ask("v4/liveAvatar/session/detail", {"id": session}).data.status == 3
    assert (one.credits, one.create().code) == (994, 1000)


def test_an_upload_goes_on_being_processed_while_nobody_is_there(world: Make) -> None:
    one = world()
    video = {"url": "https://x/y.mp4", "avatar_id": "Me1", "name": "Me", "type": 2, "url_from": 1}
    one.ask("v3/avatar/create", video)
    one.backend = Backend(one.switches, again(one.backend.shelves))
    one.now += 100
    assert one.create(avatar_id="Me1").code == 1000


def test_every_refusal_comes_before_anything_is_charged_or_taken(world: Make) -> None:
    one = world(sessions_per_account=1, no_credit_code=1006)
    refusals = [
        one.create(mode_type=9).code,
        one.create(stream_type="agora", credentials={"agora_uid": 1}).code,
        one.create(voice_id="simVoiceDiego0000004").code,
        one.create(knowledge_id="none").code,
        one.create(avatar_id="none").code,
    ]
    assert (refusals, one.credits, one.create().code) == ([1003, 1003, 1003, 1232, 1008], 1000, 1000)


def test_only_what_changed_is_handed_on() -> None:
    shelves = Shelves()
    shelves.holds["a"] = shelves.holds["b"] = one = object()  # type: ignore[assignment]
    first = shelves.holds.take_changes()
    del shelves.holds["a"]
    assert (first, shelves.holds.take_changes(), shelves.holds.take_changes()) == (
        [("a", one), ("b", one)],
        [("a", None)],
        [],
    )
