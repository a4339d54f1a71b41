from __future__ import annotations

import random
import sys
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akoolflow.protocol.reassembly import Piece, Reassembly, Violation
from akoolflow.protocol.wire import Chat, ChatPayload


def chat(idx: int, text: str = "", *, fin: bool = False, mid: str = "m", from_: str = "bot") -> Chat:
    return Chat(v=2, idx=idx, fin=fin, pld=ChatPayload(text or f"t{idx}", from_), mid=mid)


def short(items: list[Piece | Violation]) -> list[str | tuple[str, int]]:
    """Texts of pieces, (rule, count) of violations."""
    return [item.text if isinstance(item, Piece) else (item.rule, item.count) for item in items]


def feed(reassembly: Reassembly, *chats: Chat, now: float = 0.0) -> list[str | tuple[str, int]]:
    return short([item for one in chats for item in reassembly.receive(one, now)])


def test_a_message_of_one_frame_is_one_final_piece() -> None:
    assert Reassembly().receive(chat(0, "Hi", fin=True), 0.0) == [Piece("m", "bot", 0, "Hi", True)]


def test_pieces_in_order_pass_at_once() -> None:
    reassembly = Reassembly()
    assert reassembly.receive(chat(0, "Hello "), 0.0) == [Piece("m", "bot", 0, "Hello ", False)]
    assert reassembly.receive(chat(1, "there", fin=True), 0.0) == [Piece("m", "bot", 1, "there", True)]
    assert reassembly.next_deadline is None


def test_pieces_out_of_order_are_put_in_order() -> None:
    reassembly = Reassembly()
    assert feed(reassembly, chat(3, fin=True), chat(1), chat(0), chat(2)) == ["t0", "t1", "t2", "t3"]


@given(st.permutations(range(8)), st.lists(st.integers(0, 7), max_size=8))
def test_any_order_with_any_duplicates_gives_each_piece_once_and_reports_the_rest(
    order: list[int], again: list[int]
) -> None:
    reassembly = Reassembly()
    chats = [chat(idx, fin=idx == 7) for idx in order + again]
    seen = feed(reassembly, *chats)
    assert [item for item in seen if isinstance(item, str)] == [f"t{idx}" for idx in range(8)]
    assert [item for item in seen if not isinstance(item, str)] == [("duplicate", 1)] * len(again)


def test_messages_may_be_interleaved() -> None:
    reassembly = Reassembly()
    seen = feed(
        reassembly,
        chat(0, "a0", mid="a"),
        chat(1, "b1", mid="b"),
        chat(1, "a1", mid="a", fin=True),
        chat(0, "b0", mid="b"),
    )
    assert seen == ["a0", "a1", "b0", "b1"]


def test_one_mid_used_by_user_and_bot_is_two_messages() -> None:
    reassembly = Reassembly()
    seen = feed(reassembly, chat(0, "said", fin=True, from_="user"), chat(0, "answered", fin=True, from_="bot"))
    assert seen == ["said", "answered"]


# -- duplicates --------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["t0", "another text"])
def test_a_repeated_idx_is_dropped_whatever_its_text(text: str) -> None:
    assert feed(Reassembly(), chat(0), chat(0, text), chat(1)) == ["t0", ("duplicate", 1), "t1"]


def test_a_held_idx_that_comes_again_is_a_duplicate() -> None:
    assert feed(Reassembly(), chat(1), chat(1), chat(0)) == [("duplicate", 1), "t0", "t1"]


def test_a_finished_message_that_comes_again_is_a_duplicate() -> None:
    reassembly = Reassembly()
    assert feed(reassembly, chat(0, fin=True), chat(0, fin=True)) == ["t0", ("duplicate", 1)]


def test_a_duplicate_is_known_after_many_other_messages() -> None:
    reassembly = Reassembly()
    feed(reassembly, chat(0, fin=True), *(chat(0, mid=f"m{n}", fin=True) for n in range(300)))
    assert feed(reassembly, chat(0, fin=True)) == [("duplicate", 1)]


def test_a_violation_names_idx_mid_and_sender_but_no_text() -> None:
    reassembly = Reassembly()
    feed(reassembly, chat(0, "secret", mid="x" * 99))
    (violation,) = reassembly.receive(chat(0, "secret", mid="x" * 99), 0.0)
    assert violation == Violation("duplicate", f"idx 0 of {'x' * 40!r} from 'bot'")


# -- a mid used again --------------------------------------------------------------------------


def test_a_finished_message_begins_anew_with_another_text() -> None:
    reassembly = Reassembly()
    seen = feed(reassembly, chat(0, "yes", fin=True), chat(0, "no, ", fin=False), chat(1, "wait", fin=True))
    assert seen == ["yes", "no, ", "wait"]


def test_a_message_of_several_pieces_begins_anew_with_another_text() -> None:
    assert feed(Reassembly(), chat(0), chat(1, fin=True), chat(0), chat(0, "new")) == [
        "t0",
        "t1",
        ("duplicate", 1),
        "new",
    ]


def test_a_finished_message_begins_anew_with_the_same_text_after_a_while() -> None:
    reassembly = Reassembly(reuse_after_s=10.0)
    seen = [feed(reassembly, chat(0, "yes", fin=True), now=now) for now in (0.0, 9.9, 10.0)]
    assert seen == [["yes"], [("duplicate", 1)], ["yes"]]


# -- gaps --------------------------------------------------------------------------------------


def test_a_gap_is_given_up_at_its_deadline_and_not_before() -> None:
    reassembly = Reassembly(gap_timeout_s=2.0)
    feed(reassembly, chat(0), now=0.0)
    feed(reassembly, chat(3), chat(4), now=1.0)
    assert reassembly.next_deadline == 3.0
    assert reassembly.expire(2.999) == []
    assert reassembly.expire(3.0) == [
        Violation("gap", "no idx 1..2 of 'm' from 'bot'", 2),
        Piece("m", "bot", 3, "t3", False),
        Piece("m", "bot", 4, "t4", False),
    ]
    assert reassembly.next_deadline is None


def test_a_message_goes_on_after_a_gap() -> None:
    reassembly = Reassembly()
    feed(reassembly, chat(1))
    assert short(reassembly.expire(2.0)) == [("gap", 1), "t1"]
    assert feed(reassembly, chat(2, fin=True), now=2.0) == ["t2"]


def test_a_final_piece_behind_a_gap_ends_the_message_when_the_gap_is_given_up() -> None:
    reassembly = Reassembly()
    feed(reassembly, chat(0), chat(2, fin=True))
    assert short(reassembly.expire(2.0)) == [("gap", 1), "t2"]
    assert feed(reassembly, chat(2, fin=True), now=2.0) == [("duplicate", 1)]


def test_each_gap_has_its_own_deadline() -> None:
    reassembly = Reassembly(gap_timeout_s=2.0)
    feed(reassembly, chat(1), now=0.0)
    feed(reassembly, chat(3), now=1.0)
    assert short(reassembly.expire(2.0)) == [("gap", 1), "t1"]
    assert reassembly.next_deadline == 3.0
    assert short(reassembly.expire(3.0)) == [("gap", 1), "t3"]


def test_all_gaps_that_are_due_are_given_up_at_once_in_order() -> None:
    reassembly = Reassembly()
    feed(reassembly, chat(1, "a1", mid="a"), chat(3, "a3", mid="a"), chat(1, "b1", mid="b"))
    assert short(reassembly.expire(9.0)) == [("gap", 1), "a1", ("gap", 1), "a3", ("gap", 1), "b1"]


def test_a_gap_that_is_filled_in_time_is_forgotten() -> None:
    reassembly = Reassembly()
    feed(reassembly, chat(1), now=0.0)
    assert feed(reassembly, chat(0), now=1.9) == ["t0", "t1"]
    assert reassembly.expire(99.0) == []


@pytest.mark.parametrize("idx", [1, 2])
def test_a_piece_of_a_gap_that_was_given_up_is_late(idx: int) -> None:
    reassembly = Reassembly()
    feed(reassembly, chat(0), chat(3))
    reassembly.expire(2.0)
    assert feed(reassembly, chat(idx), now=2.0) == [("late", 1)]


def test_a_piece_that_came_is_no_late_one_after_a_gap() -> None:
    reassembly = Reassembly()
    feed(reassembly, chat(0), chat(3))
    reassembly.expire(2.0)
    assert feed(reassembly, chat(0), chat(3), now=2.0) == [("duplicate", 1)] * 2


@pytest.mark.parametrize("idx", [0, 2])
def test_a_piece_of_a_message_that_ended_without_it_is_late(idx: int) -> None:
    reassembly = Reassembly()
    feed(reassembly, chat(1, fin=True))
    reassembly.expire(2.0)
    assert feed(reassembly, chat(idx), now=2.0) == [("late", 1)]


def test_pieces_held_behind_the_last_one_are_reported() -> None:
    assert feed(Reassembly(), chat(2), chat(3), chat(0), chat(1, fin=True)) == ["t0", "t1", ("after_fin", 2)]


# -- no mid ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mid", ["", "x" * 257])
def test_each_message_without_a_usable_mid_gets_one(mid: str) -> None:
    reassembly = Reassembly()
    assert reassembly.receive(chat(0, "one", fin=True, mid=mid), 0.0) == [
        Violation("no_mid", "without a usable mid; called anon-1"),
        Piece("anon-1", "bot", 0, "one", True),
    ]
    assert reassembly.receive(chat(0, "one", fin=True, mid=mid), 0.0)[1] == Piece("anon-2", "bot", 0, "one", True)


def test_later_frames_without_mid_follow_their_senders_latest() -> None:
    reassembly = Reassembly()
    items = [
        item
        for one in (
            chat(0, "b0", mid=""),
            chat(0, "u0", mid="", from_="user"),
            chat(1, "b1", mid="", fin=True),
            chat(1, "u1", mid="", from_="user", fin=True),
        )
        for item in reassembly.receive(one, 0.0)
    ]
    pieces = [(item.mid, item.text) for item in items if isinstance(item, Piece)]
    assert pieces == [("anon-1", "b0"), ("anon-2", "u0"), ("anon-1", "b1"), ("anon-2", "u1")]
    assert short(items).count(("no_mid", 1)) == 2


def test_frames_without_mid_may_come_out_of_order() -> None:
    reassembly = Reassembly()
    assert feed(reassembly, chat(1, mid="", fin=True), chat(0, mid="")) == [("no_mid", 1), "t0", "t1"]


def test_an_unfinished_message_without_mid_ends_where_the_next_begins() -> None:
    reassembly = Reassembly()
    seen = feed(reassembly, chat(0, "old", mid=""), chat(0, "new", mid=""), chat(1, "goes on", mid="", fin=True))
    assert seen == [("no_mid", 1), "old", ("no_mid", 1), "new", "goes on"]


# -- hostile input -----------------------------------------------------------------------------


@pytest.mark.parametrize("idx", [-1, 10**6 + 1, 10**100])
def test_an_idx_outside_any_sensible_range_is_dropped_and_reported(idx: int) -> None:
    assert feed(Reassembly(), chat(idx)) == [("idx", 1)]


def test_a_sender_with_an_endless_name_is_dropped_and_reported() -> None:
    assert feed(Reassembly(), chat(0, fin=True, from_="x" * 33)) == [("from", 1)]


def test_one_open_message_too_many_releases_what_the_longest_silent_one_holds() -> None:
    reassembly = Reassembly(max_open=2)
    feed(reassembly, chat(0, "a0", mid="a"), chat(2, "a2", mid="a"), chat(0, "b0", mid="b"))
    assert feed(reassembly, chat(0, "c0", mid="c")) == [("overflow", 1), "a2", "c0"]


@pytest.mark.parametrize("idx", [0, 1, 2])
def test_a_message_that_was_heard_of_lately_is_not_the_one_to_give_way(idx: int) -> None:
    reassembly = Reassembly(max_open=2)
    feed(reassembly, chat(0, mid="a"), now=0.0)
    feed(reassembly, chat(2, "b2", mid="b"), now=1.0)
    feed(reassembly, chat(idx, mid="a"), now=2.0)
    assert feed(reassembly, chat(0, "c0", mid="c"), now=3.0) == [("overflow", 2), "b2", "c0"]


def test_too_much_held_text_gives_up_the_oldest_gap() -> None:
    reassembly = Reassembly(max_held_bytes=100_000)
    feed(reassembly, chat(1, "old" * 100, mid="a"), now=0.0)
    seen = feed(reassembly, chat(1, "n" * 23_000, mid="b"), now=1.0)
    assert seen == [("overflow", 1), "old" * 100]
    assert reassembly.next_deadline == 3.0


def anything(number: int) -> Chat:
    hostile = random.Random(number)
    return chat(hostile.randrange(-1, 9), mid=hostile.choice(["", "a", "b"]), fin=hostile.random() < 0.2)


FLOODS: dict[str, Callable[[int], Chat]] = {
    "open messages": lambda number: chat(0, mid=f"m{number}"),
    "gaps in one message": lambda number: chat(2 * number + 1),
    "gaps in many messages": lambda number: chat(2 * number + 1, mid=f"m{number % 64}"),
    "big pieces": lambda number: chat(number + 1, "x" * 200_000, mid=f"m{number % 7}"),
    "endless mids": lambda number: chat(0, mid=f"{number}" + "x" * 5_000, fin=True),
    "the longest names": lambda number: chat(0, mid=f"{number}".rjust(256), from_=f"{number}".rjust(32), fin=True),
    "senders": lambda number: chat(1, mid="", from_=f"{number}"),
    "anything": anything,
}


def memory_bytes(value: object, seen: set[int]) -> int:
    if id(value) in seen:
        return 0
    seen.add(id(value))
    inner: list[object] = []
    if isinstance(value, dict):
        inner = [*value.keys(), *value.values()]
    elif isinstance(value, tuple):
        inner = list(value)
    elif hasattr(value, "__struct_fields__"):
        inner = [getattr(value, name) for name in value.__struct_fields__]
    elif hasattr(value, "__dict__"):
        inner = list(vars(value).values())
    return sys.getsizeof(value) + sum(memory_bytes(one, seen) for one in inner)


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS.keys())
def test_memory_stays_bounded_under_a_flood(flood: Callable[[int], Chat]) -> None:
    reassembly = Reassembly()
    for number in range(20_000):
        reassembly.receive(flood(number), number / 1000)
    assert memory_bytes(reassembly, set()) < 500_000


chats = st.builds(
    chat,
    st.integers(-1, 6),
    st.sampled_from(["a", "b", ""]),
    fin=st.booleans(),
    mid=st.sampled_from(["", "m", "n"]),
    from_=st.sampled_from(["bot", "user"]),
)


@given(st.lists(st.tuples(chats, st.sampled_from([0.0, 0.3, 2.0, 11.0])), max_size=60), st.sampled_from([1, 3, 64]))
@settings(max_examples=300)
def test_every_frame_is_delivered_or_reported_and_each_message_stays_in_order(
    frames: list[tuple[Chat, float]], max_open: int
) -> None:
    reassembly = Reassembly(max_open=max_open, max_held_bytes=5 * 4096)
    now, out = 0.0, list[Piece | Violation]()
    for one, later_s in frames:
        now += later_s
        out += reassembly.expire(now)
        out += reassembly.receive(one, now)
        deadline = reassembly.next_deadline
        assert deadline is None or now < deadline <= now + 2.0
    out += reassembly.expire(now + 2.0)
    assert reassembly.next_deadline is None
    dropping = {"duplicate", "late", "after_fin", "idx", "from"}
    pieces = [item for item in out if isinstance(item, Piece)]
    dropped = sum(item.count for item in out if isinstance(item, Violation) and item.rule in dropping)
    assert len(pieces) + dropped == len(frames)
    last: dict[tuple[str, str], Piece] = {}
    for piece in pieces:
        before = last.get((piece.mid, piece.from_))
        # With little room an open message may have been forgotten, and begun anew.
        assert before is None or before.final or piece.idx > before.idx or max_open < 64
        last[piece.mid, piece.from_] = piece
