"""The conversation as a table of states, and the ledger of what was heard. Pure: no clock, no await."""

from __future__ import annotations

from enum import Enum
from typing import Final

from akoolflow.events import TurnText, TurnTimes

__all__ = ["TRANSITIONS", "Ledger", "State", "Step", "table"]


class State(Enum):
    """Where one turn stands."""

    THINKING = "thinking"
    """A brain has been asked; nothing has been sent."""
    SPEAKING = "speaking"
    """Text is on its way or being spoken."""
    TRAILING = "trailing"
    """All text has been sent; the avatar is still speaking it, or about to."""
    FINISHED = "finished"
    INTERRUPTED = "interrupted"


class Step(Enum):
    """What can happen to a turn."""

    FRAME_SENT = "frame sent"
    ALL_SENT = "all sent"
    """The brain has ended and its last frame has left."""
    NOTHING_SAID = "nothing said"
    """The brain has ended without a word."""
    SPEECH_STARTED = "speech started"
    SPEECH_ENDED = "speech ended"
    SPEECH_OVERDUE = "speech overdue"
    """The avatar should long have spoken it all, and no audio_end came."""
    CUT_OFF = "cut off"


TRANSITIONS: Final[dict[State, dict[Step, State]]] = {
    State.THINKING: {
        Step.FRAME_SENT: State.SPEAKING,
        Step.ALL_SENT: State.TRAILING,
        Step.NOTHING_SAID: State.FINISHED,
        Step.SPEECH_STARTED: State.SPEAKING,
        Step.CUT_OFF: State.INTERRUPTED,
    },
    State.SPEAKING: {
        Step.ALL_SENT: State.TRAILING,
        # The avatar has spoken all it was given so far; more is coming.
        Step.SPEECH_ENDED: State.SPEAKING,
        Step.CUT_OFF: State.INTERRUPTED,
    },
    State.TRAILING: {
        Step.SPEECH_ENDED: State.FINISHED,
        Step.SPEECH_OVERDUE: State.FINISHED,
        Step.CUT_OFF: State.INTERRUPTED,
    },
    # A late audio_end of the turn before, or an early one of the next: nothing follows.
    State.FINISHED: {},
    State.INTERRUPTED: {},
}
"""A step that a state does not list leaves it as it is."""


def table() -> str:
    """The transitions as a Markdown table, one row a state."""
    steps = list(Step)
    head = ["state", *(step.value for step in steps)]
    rows = [[s.value, *(TRANSITIONS[s][t].value if t in TRANSITIONS[s] else "" for t in steps)] for s in State]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


class Ledger:
    """One answer: what was said, sent and heard, and when. Times are the event loop's, in seconds."""

    def __init__(self, asked_at: float, chars_per_s: float) -> None:
        """:param chars_per_s: the avatar's speaking rate, by which what was heard is estimated."""
        self.state = State.THINKING
        self._asked_at, self._chars_per_s = asked_at, chars_per_s
        self._said: list[str] = []
        self._sent: list[str] = []
        self._first_piece_at: float | None = None
        self._first_frame_at: float | None = None
        self._first_speech_at: float | None = None
        self._speaking_since: float | None = None
        self._spoken_s = 0.0
        self._surely_chars = 0

    def said(self, text: str, now: float) -> None:
        if self._first_piece_at is None:
            self._first_piece_at = now
        self._said.append(text)

    def sent(self, text: str, now: float) -> None:
        if self._first_frame_at is None:
            self._first_frame_at = now
        self._sent.append(text)

    def step(self, step: Step, now: float) -> State:
        """Take a step; returns the state it led to."""
        if step is Step.SPEECH_STARTED and self._speaking_since is None:
            self._speaking_since = now
            if self._first_speech_at is None:
                self._first_speech_at = now
        elif step in {Step.SPEECH_ENDED, Step.CUT_OFF} and self._speaking_since is not None:
            self._spoken_s += now - self._speaking_since
            self._speaking_since = None
        old, self.state = self.state, TRANSITIONS[self.state].get(step, self.state)
        if self.state is State.FINISHED and old is not State.FINISHED and step is Step.SPEECH_ENDED:
            self._surely_chars = len("".join(self._sent))
        return self.state

    @property
    def has_said(self) -> bool:
        return bool(self._said)

    def speech_left_s(self, now: float) -> float:
        """How long the avatar should still need for what was sent, by its speaking rate."""
        return max(len("".join(self._sent)) / self._chars_per_s - self._heard_s(now), 0.0)

    def text(self, now: float) -> TurnText:
        sent = "".join(self._sent)
        estimated = round(self._heard_s(now) * self._chars_per_s)
        finished = self.state is State.FINISHED
        heard = sent if finished else _whole_words(sent, estimated)
        return TurnText(said="".join(self._said), sent=sent, heard=heard, heard_surely=sent[: self._surely_chars])

    def times(self, now: float) -> TurnTimes:
        def since_asked(at: float | None) -> float | None:
            return None if at is None else at - self._asked_at

        return TurnTimes(
            first_piece_s=since_asked(self._first_piece_at),
            first_frame_s=since_asked(self._first_frame_at),
            speech_s=since_asked(self._first_speech_at),
            total_s=now - self._asked_at,
        )

    def _heard_s(self, now: float) -> float:
        current = 0.0 if self._speaking_since is None else now - self._speaking_since
        return self._spoken_s + current


def _whole_words(text: str, chars: int) -> str:
    """The first `chars` characters, less a word cut in two."""
    if chars >= len(text):
        return text
    part = text[: max(chars, 0)]
    space = part.rfind(" ")
    cut_word = bool(part) and not part[-1].isspace() and not text[chars].isspace()
    return part[: space + 1] if cut_word and space >= 0 else "" if cut_word and part.isascii() else part
