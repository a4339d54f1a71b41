"""Chat pieces in order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akoolflow.errors import FrameRejected
from akoolflow.protocol.wire import Chat, ChatPayload
from akoolflow.simulator.pieces import Piece, Pieces


def chat(idx: int, *, mid: str = "m", fin: bool = False) -> Chat:
    return Chat(v=2, mid=mid, idx=idx, fin=fin, pld=ChatPayload(text=str(idx)))


def texts(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def rule(pieces: Pieces, piece: Chat) -> str:
    with pytest.raises(FrameRejected) as caught:
        pieces.put(piece, 0.0)
    return caught.value.rule


@given(st.permutations(range(8)))
def test_any_order_of_arrival_gives_one_order_of_speaking(order: list[int]) -> None:
    pieces = Pieces(gap_s=1.0, fin_s=9.0)
    out = [piece for idx in order for piece in pieces.put(chat(idx, fin=idx == 7), 0.0)]
    assert texts(out) == "01234567"
    assert [piece.fin for piece in out] == [False] * 7 + [True]
    assert pieces.next_at is None


def test_messages_that_interleave_do_not_mix() -> None:
    pieces = Pieces(gap_s=1.0, fin_s=9.0)
    out = [pieces.put(chat(idx, mid=mid), 0.0)[0] for idx in (0, 1) for mid in "ab"]
    assert [(piece.mid, piece.text) for piece in out] == [("a", "0"), ("b", "0"), ("a", "1"), ("b", "1")]


def test_a_gap_is_waited_for_from_its_first_piece_and_then_skipped() -> None:
    pieces = Pieces(gap_s=1.0, fin_s=9.0)
    pieces.put(chat(1), 0.0)
    pieces.put(chat(2), 0.5)
    assert (pieces.next_at, pieces.expire(0.9), texts(pieces.expire(1.0))) == (1.0, [], "12")
    assert rule(pieces, chat(0)) == "duplicate"


def test_each_gap_has_a_time_of_its_own() -> None:
    pieces = Pieces(gap_s=1.0, fin_s=9.0)
    pieces.put(chat(1), 0.0)
    pieces.put(chat(3), 0.0)
    assert (texts(pieces.expire(1.0)), pieces.next_at, texts(pieces.expire(2.0))) == ("1", 2.0, "3")


def test_a_gap_that_fills_leaves_its_time_to_no_other() -> None:
    pieces = Pieces(gap_s=1.0, fin_s=9.0)
    pieces.put(chat(1), 0.0)
    pieces.put(chat(3), 0.5)
    assert (texts(pieces.put(chat(0), 0.9)), pieces.next_at) == ("01", 1.9)


def test_a_message_without_an_end_is_ended_after_its_last_piece() -> None:
    pieces = Pieces(gap_s=1.0, fin_s=9.0)
    pieces.put(chat(0), 0.0)
    pieces.put(chat(1), 5.0)
    assert (pieces.next_at, pieces.expire(14.0)) == (14.0, [Piece("m", "", fin=True)])


def test_pieces_behind_the_end_are_forgotten() -> None:
    pieces = Pieces(gap_s=1.0, fin_s=9.0)
    pieces.put(chat(2), 0.0)
    pieces.put(chat(1, fin=True), 0.0)
    assert texts(pieces.put(chat(0), 0.0)) == "01"
    assert (pieces.next_at, rule(pieces, chat(2))) == (None, "after_end")


def test_dropped_messages_are_over() -> None:
    pieces = Pieces(gap_s=1.0, fin_s=9.0)
    pieces.put(chat(0), 0.0)
    pieces.drop()
    assert (pieces.next_at, rule(pieces, chat(1))) == (None, "after_end")


def test_a_thousand_ended_messages_are_remembered_and_no_more() -> None:
    pieces = Pieces(gap_s=1.0, fin_s=9.0)
    for n in range(1024):
        pieces.put(chat(0, mid=f"m{n}", fin=True), 0.0)
    assert rule(pieces, chat(0, mid="m0", fin=True)) == "after_end"
    pieces.put(chat(0, mid="one more", fin=True), 0.0)
    assert texts(pieces.put(chat(0, mid="m0", fin=True), 0.0)) == "0"


def test_hostile_senders_meet_a_limit_of_open_messages_and_of_pieces_ahead() -> None:
    pieces = Pieces(gap_s=1.0, fin_s=9.0)
    for n in range(64):
        pieces.put(chat(1, mid=f"m{n}"), 0.0)
    assert rule(pieces, chat(1, mid="one more")) == "overflow"
    for idx in range(2, 257):
        pieces.put(chat(idx, mid="m0"), 0.0)
    assert rule(pieces, chat(257, mid="m0")) == "overflow"
    assert len(pieces.put(chat(0, mid="m0"), 0.0)) == 257
