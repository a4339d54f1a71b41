"""What is decided about each lease that nobody holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.core.leases.fakes import NOON, Listed, ask

from akoolflow.leases.clock import Instant
from akoolflow.leases.dating import Dating, dating_for, told_unix_s
from akoolflow.leases.holder import Holder
from akoolflow.leases.lease import Lease
from akoolflow.leases.matching import Verdict, View, decide

HOLDER = Holder("token", 1, 1, "host", "boot")
SOON_S = 5.0
LATE_S = 200.0
PAST_S = 700.0


def at(seconds: float, boot_id: str = "boot") -> Instant:
    """So long after noon, at which the tests' leases are asked for."""
    return Instant(NOON + seconds, 1000 + seconds, boot_id)


def lease(
    lease_id: str = "L", session_id: str = "", *, asked: float = 0.0, before: str | None = "", **ask_: Any
) -> Lease:
    """A lease that nobody holds: of a lost create, or of a session whose id is given."""
    return Lease(
        id=lease_id,
        state="open" if session_id else "asking",
        ask=ask(before=None if before is None else frozenset(before.split()), **ask_),
        asked=at(asked),
        session_id=session_id,
        cost_s=600,
        opener=HOLDER,
    )


def view(leases: Sequence[Lease], listed: str | Sequence[Listed] = "", *, now: float = SOON_S, **fields: Any) -> View:
    """What is seen: sessions by their ids, each seen only now."""
    sessions = [Listed(name) for name in listed.split()] if isinstance(listed, str) else listed
    found = {session.id: session for session in sessions}
    seen = dict.fromkeys(found, at(now)) | fields.pop("first_seen", {})
    named = fields.pop("named", {one.session_id for one in leases} - {""})
    return View(now=at(now), leases=leases, listed=found, first_seen=seen, named=frozenset(named), **fields)


def verdicts(seen: View) -> dict[str, tuple[Verdict, tuple[str, ...]]]:
    return {each.lease.id: (each.verdict, each.sessions) for each in decide(seen)}


def verdict(seen: View) -> Verdict:
    [decision] = decide(seen)
    return decision.verdict


def object_id(seconds: float, rest: str = "0" * 16) -> str:
    return f"{int(NOON + seconds):08x}{rest}"


# -- sessions whose id is known ----------------------------------------------------------------


def test_an_open_session_is_closed() -> None:
    assert verdicts(view([lease("L", "s1")], "s1 s2")) == {"L": ("close", ("s1",))}


def test_a_session_that_is_not_listed_is_looked_for_once_more_before_it_is_over() -> None:
    assert verdict(view([lease("L", "s1")])) == "again"
    assert verdict(view([lease("L", "s1")], missed=frozenset({"s1"}))) == "over"


def test_a_session_that_is_listed_after_all_is_closed() -> None:
    assert verdict(view([lease("L", "s1")], "s1", missed=frozenset({"s1"}))) == "close"


def test_a_session_that_is_not_listed_and_whose_duration_has_passed_is_over() -> None:
    assert verdict(view([lease("L", "s1")], now=PAST_S)) == "over"


def test_a_session_that_is_listed_is_closed_however_old_it_is() -> None:
    assert verdict(view([lease("L", "s1")], "s1", now=PAST_S)) == "close"


@pytest.mark.parametrize("held", ["here", "elsewhere"])
def test_what_somebody_holds_is_not_decided_upon(held: Any) -> None:
    assert decide(view([replace(lease("L", "s1"), held=held), replace(lease("M"), held=held)], "s1 s2")) == []


def test_an_id_that_a_live_session_has_been_given_anew_is_left_to_it() -> None:
    old, new = lease("old", "s1"), replace(lease("new", "s1"), held="elsewhere")
    assert verdicts(view([old, new], "s1")) == {"old": ("over", ())}


# -- lost creates ------------------------------------------------------------------------------


def test_a_session_that_was_not_there_before_and_is_seen_soon_after_is_closed() -> None:
    assert verdicts(view([lease(before="old")], "old new")) == {"L": ("close", ("new",))}


@pytest.mark.parametrize(("now", "expected"), [(SOON_S, "wait"), (LATE_S, "nothing"), (PAST_S, "unknown")])
def test_without_any_session_time_tells(now: float, expected: Verdict) -> None:
    assert verdict(view([lease(before="old")], "old", now=now)) == expected


def test_a_session_that_is_seen_late_may_be_a_strangers() -> None:
    assert verdicts(view([lease()], "new", now=LATE_S)) == {"L": ("ambiguous", ("new",))}


def test_a_session_that_was_first_seen_soon_is_still_ours_at_a_later_look() -> None:
    seen = view([lease()], "new", now=LATE_S, first_seen={"new": at(SOON_S)})
    assert verdict(seen) == "close"


def test_if_nobody_looked_before_a_session_may_be_a_strangers() -> None:
    assert verdict(view([lease(before=None)], "new")) == "ambiguous"


@pytest.mark.parametrize("before", [None, "old"])
def test_if_nobody_else_uses_the_account_a_session_that_no_lease_explains_is_ours(before: str | None) -> None:
    assert verdict(view([lease(before=before)], "new", now=LATE_S, sole_user=True)) == "close"


def test_a_session_that_another_lease_has_ever_named_is_not_ours() -> None:
    assert verdict(view([lease()], "s1", named={"s1"}, sole_user=True)) == "wait"


def test_more_sessions_than_lost_creates_are_left_alone() -> None:
    seen = view([lease()], "s1 s2", sole_user=True)
    assert verdicts(seen) == {"L": ("ambiguous", ("s1", "s2"))}


def test_as_many_sessions_as_lost_creates_are_all_ours() -> None:
    decided = verdicts(view([lease("L1"), lease("L2")], "s1 s2"))
    assert {kind for kind, _ in decided.values()} == {"close"}
    assert {sessions for _, sessions in decided.values()} == {("s1",), ("s2",)}


def test_of_more_lost_creates_than_sessions_the_rest_goes_on_waiting() -> None:
    assert sorted(verdicts(view([lease("L1"), lease("L2")], "s1")).values()) == [("close", ("s1",)), ("wait", ())]


def test_each_session_goes_to_a_create_that_can_have_opened_it() -> None:
    decided = verdicts(view([lease("L1", before="b"), lease("L2", before="a")], "a b"))
    assert decided == {"L1": ("close", ("a",)), "L2": ("close", ("b",))}


def test_sessions_that_only_one_lost_create_can_have_opened_are_one_too_many_however_many_creates_were_lost() -> None:
    leases = [lease("L1"), lease("L2", before="a b"), lease("L3", before="a b")]
    assert {kind for kind, _ in verdicts(view(leases, "a b c")).values()} == {"ambiguous"}


def test_creates_that_share_no_session_do_not_make_each_other_doubtful() -> None:
    leases = [lease("L1", avatar_id="a"), lease("L2", avatar_id="b")]
    listed = [Listed("s1", avatar_id="a"), Listed("s2", avatar_id="b"), Listed("s3", avatar_id="b")]
    assert verdicts(view(leases, listed)) == {"L1": ("close", ("s1",)), "L2": ("ambiguous", ("s2", "s3"))}


@pytest.mark.parametrize(("field", "value"), [("avatar_id", "another"), ("stream_type", "agora")])
def test_a_session_of_another_avatar_or_kind_of_room_is_not_ours(field: str, value: str) -> None:
    assert verdict(view([lease()], [replace(Listed("new"), **{field: value})], sole_user=True)) == "wait"


def test_once_doubtful_always_doubtful() -> None:
    doubtful = replace(lease(), suspects=("s1", "s2"))
    assert verdict(view([doubtful], "s1", sole_user=True)) == "ambiguous"


def test_a_doubtful_create_is_settled_when_none_of_the_sessions_is_left_or_its_time_is_up() -> None:
    doubtful = replace(lease(), suspects=("s1", "s2"))
    assert [verdict(view([doubtful])), verdict(view([doubtful], "s1", now=PAST_S))] == ["unknown", "unknown"]


# -- creates that others still wait for --------------------------------------------------------


def waiting(*, asked: float, **ask_: Any) -> Lease:
    return replace(lease("theirs", asked=asked, **ask_), held="elsewhere")


def test_a_session_that_a_live_process_may_be_waiting_for_is_not_touched() -> None:
    assert verdict(view([lease(), waiting(asked=1)], "new", sole_user=True)) == "wait"


def test_a_session_that_was_seen_before_a_live_process_asked_is_not_what_it_waits_for() -> None:
    assert verdict(view([lease(), waiting(asked=6)], "new", now=SOON_S)) == "close"


def test_a_live_process_that_waits_for_another_avatar_is_in_nobodys_way() -> None:
    listed = [Listed("new", avatar_id="avatar")]
    assert verdict(view([lease(), waiting(asked=1, avatar_id="another")], listed)) == "close"


# -- ids that tell the time --------------------------------------------------------------------

DATED = {"L": Dating(-5.0, 5.0)}


@pytest.mark.parametrize("now", [SOON_S, LATE_S])
def test_an_id_of_the_right_time_is_proof_however_late_it_is_seen(now: float) -> None:
    assert verdict(view([lease(before=None)], object_id(1), now=now, dating=DATED)) == "close"


@pytest.mark.parametrize("seconds", [-3600, -10, 60, 150])
def test_an_id_of_another_time_is_a_strangers(seconds: float) -> None:
    assert verdict(view([lease(before=None)], object_id(seconds), now=LATE_S, dating=DATED)) == "nothing"


def test_two_ids_of_the_right_time_are_one_too_many() -> None:
    listed = f"{object_id(1)} {object_id(2)}"
    assert verdict(view([lease(before=None)], listed, now=LATE_S, dating=DATED)) == "ambiguous"


@pytest.mark.parametrize("name", ["s1", "65536a40000000000000000g", "65536A400000000000000000", "65536a40" * 4, ""])
def test_an_id_that_is_not_24_hex_digits_tells_nothing(name: str) -> None:
    assert told_unix_s(name) is None


def opened(asked: float, answered: float, session_id: str, boot_id: str = "boot") -> Lease:
    made = lease("x", session_id, asked=asked)
    return replace(made, asked=at(asked, boot_id), opened=at(answered, boot_id))


@pytest.mark.parametrize("ahead_s", [0, -120, 7200])
def test_earlier_sessions_show_how_the_services_clock_stands_to_ours(ahead_s: float) -> None:
    dating = dating_for(at(100), [opened(0, 2, object_id(1 + ahead_s)), opened(50, 50.5, object_id(50 + ahead_s))])
    assert dating is not None
    assert dating.least_s < ahead_s < dating.most_s
    assert dating.most_s - dating.least_s < 12.5
    assert dating.fits(NOON + 101 + ahead_s, at(100), 30)
    assert not dating.fits(NOON + 80 + ahead_s, at(100), 30)


@pytest.mark.parametrize(
    "earlier",
    [
        [],
        [opened(0, 1, "5f1e8a6bcd0011223344556a")],
        [opened(0, 1, object_id(0)), opened(50, 51, "no such id")],
        [opened(0, 1, object_id(0)), opened(50, 51, object_id(500))],
        [opened(0, 1, object_id(0), boot_id="an earlier boot")],
        [lease("asking")],
        [replace(opened(0, 1, object_id(0)), asked=replace(at(0), unix_s=NOON - 3600))],
    ],
    ids=[
        "none",
        "by lot",
        "one tells nothing",
        "they disagree",
        "before a reboot",
        "unanswered",
        "clock set meanwhile",
    ],
)
def test_ids_are_not_believed_until_they_are_borne_out(earlier: list[Lease]) -> None:
    assert dating_for(at(100), earlier) is None


def test_ids_are_not_believed_if_the_clock_was_set_since() -> None:
    asked = replace(at(100), unix_s=NOON + 100 + 3600)
    assert dating_for(asked, [opened(0, 1, object_id(0))]) is None


# -- whatever is seen --------------------------------------------------------------------------

NAMES = ("s1", "s2", "s3", object_id(1), object_id(90))


@st.composite
def views(draw: st.DrawFn) -> View:
    leases = []
    for number in range(draw(st.integers(0, 5))):
        made = lease(
            f"L{number}",
            draw(st.sampled_from(["", "", *NAMES])),
            asked=draw(st.sampled_from([0.0, 1.0, 100.0])),
            before=draw(st.sampled_from([None, "", "s1", "s1 s2"])),
            avatar_id=draw(st.sampled_from("ab")),
        )
        held = draw(st.sampled_from(["nobody", "nobody", "elsewhere", "here"]))
        leases.append(replace(made, held=held, suspects=draw(st.sampled_from([(), (), ("s1",)]))))
    names = draw(st.sets(st.sampled_from(NAMES)))
    dated = draw(st.sets(st.sampled_from([one.id for one in leases]))) if leases else ()
    return view(
        leases,
        [Listed(name, avatar_id=draw(st.sampled_from(["", "a", "b"]))) for name in sorted(names)],
        now=draw(st.sampled_from([SOON_S, LATE_S, PAST_S])),
        named={one.session_id for one in leases if one.session_id} | draw(st.sets(st.sampled_from(NAMES))),
        missed=frozenset(draw(st.sets(st.sampled_from(NAMES)))),
        dating=dict.fromkeys(dated, Dating(-5.0, 5.0)),
        sole_user=draw(st.booleans()),
    )


@settings(max_examples=500)
@given(views())
def test_each_orphan_is_decided_upon_once_and_nothing_that_is_somebodys_is_closed(seen: View) -> None:
    decisions = decide(seen)
    orphans = [one for one in seen.leases if one.held == "nobody"]
    closing = [(each.lease, each.sessions[0]) for each in decisions if each.verdict == "close"]
    live = {one.session_id for one in seen.leases if one.held != "nobody"}

    assert sorted(each.lease.id for each in decisions) == sorted(one.id for one in orphans)
    assert len({session for one, session in closing if one.state == "asking"}) == sum(
        one.state == "asking" for one, _ in closing
    )
    for one, session in closing:
        assert session in seen.listed
        assert session not in live
        if one.state == "asking":
            assert session not in seen.named
            assert session not in (one.ask.before or ())
            assert not one.suspects
            assert seen.listed[session].avatar_id in {"", one.ask.avatar_id}
