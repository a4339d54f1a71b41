"""Pieces of messages in, in any order; pieces in their own order out. Nothing is dropped without a `Violation`.

A message is known by (mid, from), since the service may use one mid for what the user said and for the answer.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from msgspec import Struct

from akoolflow.protocol.wire import Chat

__all__ = ["Piece", "Reassembly", "Violation"]

_MAX_IDX: Final = 1_000_000
_MAX_MID_CHARS: Final = 256
_MAX_FROM_CHARS: Final = 32
_MAX_GAPS: Final = 32
_MAX_SENDERS: Final = 16
_GENERATION: Final = 256
_PIECE_BYTES: Final = 4096

_Key: TypeAlias = tuple[str, str]
_Over: TypeAlias = tuple[int | None, float, int, tuple[range, ...]]
"""A finished message: hash of the text at idx 0, when it ended, last idx, gaps. A struct costs three times as much."""


class Piece(Struct, frozen=True, gc=False):
    """The next piece of its message."""

    mid: str
    from_: str
    idx: int
    text: str
    final: bool


class Violation(Struct, frozen=True, gc=False):
    """A piece that was dropped, or taken with a repair.

    `rule` is one of: duplicate (this idx came before, with whatever text), late (its gap was given up, or its message
    is over), after_fin (it stood behind the last piece), gap (waited for in vain), overflow (waited for no longer, for
    lack of room), no_mid (a mid was made up), idx or from (outside any sensible range).
    """

    rule: str
    detail: str
    """Names and numbers, never text."""
    count: int = 1
    """Pieces concerned."""


class _Held(Struct, frozen=True, gc=False):
    text: str
    fin: bool
    at_s: float


class _Open(Struct):
    at_s: float  # when it was last heard of
    next_idx: int = 0
    first: int | None = None  # hash of the text at idx 0
    held: dict[int, _Held] = {}  # in the order of arrival; all behind a gap at `next_idx`
    gaps: tuple[range, ...] = ()  # given up


class Reassembly:
    """One for each session; `now` is in seconds of any clock that does not go back.

    A gap is given up `gap_timeout_s` after the first piece behind it came: call `expire` at `next_deadline`.
    Frames without a usable mid: each idx 0 begins a message with a made-up mid, the rest follow their sender's latest.
    A mid used twice is neither documented nor excluded. A message that is over begins anew with another text at idx 0,
    or with anything once it has been over for `reuse_after_s`; whatever else comes for it is a duplicate or late.
    Room is bounded: beyond `max_open` the message that was silent longest is forgotten, beyond `max_held_bytes` (where
    a piece counts 4 bytes a character and 4 KiB more, so that tiny ones count too) the oldest gap is given up.
    """

    def __init__(
        self,
        gap_timeout_s: float = 2.0,
        max_open: int = 64,
        max_held_bytes: int = 1 << 20,
        reuse_after_s: float = 10.0,
    ) -> None:
        self.gap_timeout_s, self.reuse_after_s = gap_timeout_s, reuse_after_s
        self.max_open, self.max_held_bytes = max_open, max_held_bytes
        self._open: dict[_Key, _Open] = {}
        self._held_bytes = 0
        # Two generations: to take the oldest out of one dict for each message would cost more than all the rest.
        self._recent: dict[_Key, _Over] = {}
        self._older: dict[_Key, _Over] = {}
        self._made_up: dict[str, str] = {}  # sender: its latest made-up mid
        self._made_up_count = 0

    @property
    def next_deadline(self) -> float | None:
        """When the next gap is to be given up; None if there is none."""
        return self._longest_waiting()[0] + self.gap_timeout_s if self._held_bytes else None

    def receive(self, chat: Chat, now: float) -> list[Piece | Violation]:
        # The two usual cases first, by themselves, since they are nearly all there is.
        mid, from_ = key = chat.mid, chat.pld.from_
        message = self._open.get(key) if self._open else None
        if message is None:
            if (
                chat.fin
                and chat.idx == 0
                and 0 < len(mid) <= _MAX_MID_CHARS
                and len(from_) <= _MAX_FROM_CHARS
                and key not in self._older
            ):
                text = chat.pld.text
                over = hash(text), now, 0, ()
                if self._recent.setdefault(key, over) is over:
                    if len(self._recent) >= _GENERATION:
                        self._older, self._recent = self._recent, {}
                    return [Piece(mid, from_, 0, text, True)]
        elif chat.idx == message.next_idx and not chat.fin and not message.held:
            message.next_idx += 1
            message.at_s = now
            return [Piece(mid, from_, chat.idx, chat.pld.text, False)]
        return self._receive(chat, now)

    def expire(self, now: float) -> list[Piece | Violation]:
        """Give up the gaps whose deadline has come, and release what waited behind them."""
        out: list[Piece | Violation] = []
        while (deadline := self.next_deadline) is not None and deadline <= now:
            out += self._give_up(self._longest_waiting()[1], "gap", now)
        return out

    def _receive(self, chat: Chat, now: float) -> list[Piece | Violation]:
        mid, from_ = chat.mid, chat.pld.from_
        if not 0 <= chat.idx <= _MAX_IDX:
            return [Violation("idx", f"outside 0..{_MAX_IDX}")]
        if len(from_) > _MAX_FROM_CHARS:
            return [Violation("from", f"of {len(from_)} characters; at most {_MAX_FROM_CHARS} make sense")]
        out: list[Piece | Violation] = []
        if not 0 < len(mid) <= _MAX_MID_CHARS:
            mid, is_new = self._make_up(chat)
            if is_new:
                out.append(Violation("no_mid", f"without a usable mid; called {mid}"))
        key = mid, from_
        message = self._open.get(key)
        if message is None:
            if repetition := self._repetition_of_over(key, chat, now):
                return [*out, repetition]
            out += self._make_room(now)
            message = self._open[key] = _Open(now)
        message.at_s = now
        if chat.idx < message.next_idx or chat.idx in message.held:
            return [*out, _repetition(key, chat.idx, message.gaps, _MAX_IDX)]
        message.held[chat.idx] = _Held(chat.pld.text, chat.fin, now)
        self._held_bytes += _room_bytes(chat.pld.text)
        out += self._release(key, now)
        while self._held_bytes > self.max_held_bytes:
            out += self._give_up(self._longest_waiting()[1], "overflow", now)
        return out

    def _repetition_of_over(self, key: _Key, chat: Chat, now: float) -> Violation | None:
        over = self._recent.get(key) or self._older.get(key)
        if over is None:
            return None
        first, at_s, last_idx, gaps = over
        begins_anew = chat.idx == 0 and first not in {None, hash(chat.pld.text)}
        if begins_anew or now - at_s >= self.reuse_after_s:
            return None
        return _repetition(key, chat.idx, gaps, last_idx)

    def _make_up(self, chat: Chat) -> tuple[str, bool]:
        """A mid, and whether it is a new one."""
        from_ = chat.pld.from_
        latest = self._made_up.pop(from_, None)
        message = self._open.get((latest, from_)) if latest else None
        is_new = not latest or (chat.idx == 0 and not (message and message.next_idx == 0))
        self._made_up_count += is_new
        mid = f"anon-{self._made_up_count}" if is_new or not latest else latest
        self._made_up[from_] = mid
        if len(self._made_up) > _MAX_SENDERS:
            del self._made_up[next(iter(self._made_up))]
        return mid, is_new

    def _release(self, key: _Key, now: float) -> list[Piece | Violation]:
        """What of a message is in order now."""
        out: list[Piece | Violation] = []
        message = self._open[key]
        while (piece := message.held.pop(message.next_idx, None)) is not None:
            idx = message.next_idx
            if idx == 0:
                message.first = hash(piece.text)
            message.next_idx += 1
            self._held_bytes -= _room_bytes(piece.text)
            out.append(Piece(*key, idx, piece.text, piece.fin))
            if piece.fin:
                del self._open[key]
                self._remember(key, (message.first, now, idx, message.gaps))
                if message.held:
                    self._held_bytes -= sum(_room_bytes(piece.text) for piece in message.held.values())
                    out.append(Violation("after_fin", f"behind idx {idx}, the last{_of(key)}", len(message.held)))
                break
        return out

    def _give_up(self, key: _Key, rule: str, now: float) -> list[Piece | Violation]:
        message = self._open[key]
        gap = range(message.next_idx, min(message.held))
        message.gaps = (*message.gaps[1 - _MAX_GAPS :], gap)
        message.next_idx = gap.stop
        missing = Violation(rule, f"no idx {gap.start}..{gap.stop - 1}{_of(key)}", len(gap))
        return [missing, *self._release(key, now)]

    def _make_room(self, now: float) -> list[Piece | Violation]:
        """Forget a message, not without releasing what it holds; without pieces that wait nothing is lost by it."""
        out: list[Piece | Violation] = []
        if len(self._open) >= self.max_open:
            key = min(self._open, key=lambda key: self._open[key].at_s)
            while key in self._open and self._open[key].held:
                out += self._give_up(key, "overflow", now)
            self._open.pop(key, None)
        return out

    def _longest_waiting(self) -> tuple[float, _Key]:
        return min((next(iter(it.held.values())).at_s, key) for key, it in self._open.items() if it.held)

    def _remember(self, key: _Key, over: _Over) -> None:
        self._recent[key] = over
        if len(self._recent) >= _GENERATION:
            self._older, self._recent = self._recent, {}


def _repetition(key: _Key, idx: int, gaps: tuple[range, ...], last_idx: int) -> Violation:
    late = idx > last_idx or any(idx in gap for gap in gaps)
    return Violation("late" if late else "duplicate", f"idx {idx}{_of(key)}")


def _room_bytes(text: str) -> int:
    return 4 * len(text) + _PIECE_BYTES


def _of(key: _Key) -> str:
    return f" of {key[0][:40]!r} from {key[1]!r}"
