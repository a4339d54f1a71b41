"""What the console writes for each event."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import msgspec

from akoolflow.events import (
    BotChunk,
    BrainFailed,
    CommandAck,
    CommandTimedOut,
    DeliveryFailed,
    Event,
    EventsDropped,
    LinkLost,
    LinkRestored,
    PluginFailed,
    ProtocolViolated,
    SessionEnded,
    SessionExpiring,
    SessionFailed,
    SessionReady,
    TurnFinished,
    TurnInterrupted,
    TurnTimes,
    UserUtterance,
)
from akoolflow.secret import masked
from akoolflow_plugins.sinks.console.screen import INDENT, harmless

__all__ = ["Conversations", "Paint", "one_line"]

Paint: TypeAlias = Callable[[str, str], str]
"""Style and text in, text in that style out."""

_ACK_OK: Final = 1000
_REASONS: Final = {
    "input_ended": "end of input",
    "closed": "closed",
    "ctrl_c": "Ctrl-C",
    "terminated": "terminated",
    "duration": "its time is up",
    "avatar_left": "the avatar left",
}
_STATUS: Final[Mapping[type[Event], tuple[str, Callable[[Any], str]]]] = {
    SessionReady: ("quiet", lambda e: f"the avatar is ready after {e.waited_s:.1f} s"),
    SessionExpiring: ("quiet", lambda e: f"{e.remaining_s:.0f} s left"),
    SessionEnded: ("quiet", lambda e: f"ended: {_REASONS[e.reason]}; {e.seconds_used:.1f} s used"),
    SessionFailed: ("trouble", lambda e: f"failed: {e.reason}"),
    LinkLost: ("trouble", lambda e: f"{e.transport}: connection lost: {e.reason}"),
    LinkRestored: ("quiet", lambda e: f"{e.transport}: connection back after {e.lost_s:.1f} s"),
    CommandAck: ("trouble", lambda e: f"{e.cmd or 'a command'} was refused: code {e.code}, {e.msg}"),
    CommandTimedOut: ("trouble", lambda e: f"{e.cmd}: no answer within {e.elapsed_s:.1f} s"),
    BrainFailed: ("trouble", lambda e: f"brain {e.component}: {e.error}"),
    PluginFailed: ("trouble", lambda e: f"{e.component}: {e.error}{'; put aside' if e.put_aside else ''}"),
    EventsDropped: ("trouble", lambda e: f"{e.component} was too slow for {e.count} events"),
    DeliveryFailed: ("trouble", lambda e: f"{e.component}: not delivered: {e.error}"),
    ProtocolViolated: ("trouble", lambda e: f"protocol: {e.rule}: {e.detail}"),
}
_TIMES: Final = (("first_piece_s", "first piece"), ("first_frame_s", "first frame"), ("speech_s", "first sound"))
_STAMP: Final = frozenset(Event.__struct_fields__)
_TALK_MEMORY: Final = 16
_SAID_CHARS: Final = 4000


class _Talk:
    """What has to be remembered of one session, so that each answer is shown once."""

    def __init__(self) -> None:
        self.brain_turns: deque[int] = deque(maxlen=_TALK_MEMORY)
        self.brain_mids: deque[str] = deque(maxlen=_TALK_MEMORY)
        self.brain_said = ""
        self.shown_turn = 0
        """The last turn of which an answer was shown."""

    def is_echo(self, event: BotChunk) -> bool:
        """True if the avatar reports what a brain has said; the report may come after the end of its turn."""
        if event.origin == "brain":
            return False
        late = event.turn == 0 and event.text.strip() in self.brain_said
        return event.turn in self.brain_turns or event.mid in self.brain_mids or late

    def remember(self, event: BotChunk) -> None:
        if event.origin == "brain":
            self.brain_said = (self.brain_said + event.text)[-_SAID_CHARS:]
            if event.turn and event.turn not in self.brain_turns:
                self.brain_turns.append(event.turn)
            if event.mid and event.mid not in self.brain_mids:
                self.brain_mids.append(event.mid)


class Conversations:
    """Turns the events of all sessions into lines; an answer grows on its line as its pieces come."""

    def __init__(self, *, times: bool, echo_typed: bool) -> None:
        self.times, self.echo_typed = times, echo_typed
        self._talks: dict[str, _Talk] = {}
        self._growing: tuple[str, str, str] | None = None
        """Session, origin and mid of the answer whose line is not finished."""
        self._held = ""
        """White space at the end of that line: shown if more text follows it."""
        self._special: Mapping[type[Event], Callable[[Any, Paint], str]] = {
            UserUtterance: self._utterance,
            BotChunk: self._chunk,
            TurnFinished: self._finished,
            TurnInterrupted: self._interrupted,
        }

    def lines(self, event: Event, paint: Paint) -> str:
        """What the event adds to the screen; often nothing."""
        talk = self._talks.get(event.session)
        if talk is None and not isinstance(event, EventsDropped):  # its last report may come after the end
            self._talks[event.session] = _Talk()
        text = ""
        if special := self._special.get(type(event)):
            text = special(event, paint)
        elif type(event) in _STATUS and not (isinstance(event, CommandAck) and event.code == _ACK_OK):
            style, sentence = _STATUS[type(event)]
            text = self._status(event, sentence(event), paint, style)
        if isinstance(event, (SessionEnded, SessionFailed)):
            self._talks.pop(event.session, None)
        return text

    def end_line(self) -> str:
        unfinished, self._growing, self._held = self._growing is not None, None, ""
        return "\n" if unfinished else ""

    def _utterance(self, event: UserUtterance, paint: Paint) -> str:
        if not event.final or (event.source == "typed" and not self.echo_typed):
            return ""
        return self.end_line() + self._label(event, "you", paint) + harmless(event.text.strip()) + "\n"

    def _chunk(self, event: BotChunk, paint: Paint) -> str:
        talk = self._talks[event.session]
        answer = (event.session, event.origin, event.mid)
        growing = self._growing == answer
        if not growing and talk.is_echo(event):
            return ""
        talk.remember(event)
        piece = self._held + event.text if growing else event.text.lstrip()
        shown = piece.rstrip()
        text = ""
        if shown:
            text = ("" if growing else self.end_line() + self._label(event, "avatar", paint)) + harmless(shown)
            self._growing, growing, talk.shown_turn = answer, True, event.turn
        if growing:
            self._held = piece[len(shown) :]
            text += self.end_line() if event.final else ""
        return text

    def _finished(self, event: TurnFinished, paint: Paint) -> str:
        answered = event.text.said or self._talks[event.session].shown_turn == event.turn
        text = "" if answered else self._status(event, "no answer", paint)
        return text + self._latencies(event, event.times, paint)

    def _interrupted(self, event: TurnInterrupted, paint: Paint) -> str:
        if self._growing is not None and self._growing[0] == event.session:
            text = paint("quiet", " (cut off)") + self.end_line()
        elif event.text.said:
            text = self._status(event, f"cut off; heard: {event.text.heard or 'nothing'}", paint)
        else:
            text = ""
        return text + self._latencies(event, event.times, paint)

    def _latencies(self, event: Event, times: TurnTimes, paint: Paint) -> str:
        if not self.times:
            return ""
        known = [(name, getattr(times, field)) for field, name in _TIMES]
        steps = [f"{name} {_duration(value)}" for name, value in known if value is not None]
        return self._status(event, ", ".join([*steps, f"total {_duration(times.total_s)}"]), paint)

    def _status(self, event: Event, sentence: str, paint: Paint, style: str = "quiet") -> str:
        line = paint(style, f"{'·':{INDENT}}{harmless(sentence)}")
        return self.end_line() + self._session(event, paint) + line + "\n"

    def _label(self, event: Event, speaker: str, paint: Paint) -> str:
        return self._session(event, paint) + paint(speaker, f"{speaker:{INDENT}}")

    def _session(self, event: Event, paint: Paint) -> str:
        """Which session it is, as soon as there are several at once."""
        return paint("quiet", harmless(event.session[:8]) + " ") if len(self._talks) > 1 else ""


def one_line(event: Event, paint: Paint) -> str:
    """One event with its fields."""
    values = {name: getattr(event, name) for name in event.__struct_fields__ if name not in _STAMP}
    place = {name: value for name in ("turn", "cause") if (value := getattr(event, name))}
    fields = " ".join(f"{name}={_json(value)}" for name, value in (place | values).items())
    name = f"{type(event).__name__:18}"
    style = _STATUS[type(event)][0] if type(event) in _STATUS else "quiet"
    return paint("quiet", f"{harmless(event.session[:8])} {event.seq:5} ") + paint(style, name) + f"{fields}\n"


def _json(value: object) -> str:
    # The standard library's, since a text may hold half a surrogate pair, which msgspec refuses.
    return harmless(json.dumps(msgspec.to_builtins(value, enc_hook=masked), ensure_ascii=False))


def _duration(value_s: float) -> str:
    return f"{value_s * 1000:.0f} ms" if value_s < 1 else f"{value_s:.2f} s"
