"""The simulated avatar: frames, speech and time in; frames and the time of the next ones out.

No clock, no socket, no await, nothing random: the same inputs at the same times give the same frames.
Whose word each behaviour rests on is written at its option, or beside it here.
"""

from __future__ import annotations

import math
import re
from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET

from akoolflow.errors import FrameRejected
from akoolflow.protocol.codec import encode
from akoolflow.protocol.wire import ACK_OK, DIALOGUE, VERSION, Chat, Command, CommandPayload, Message, SetAction
from akoolflow.simulator.agenda import Agenda
from akoolflow.simulator.mouth import Spoken
from akoolflow.simulator.options import SimulatorOptions
from akoolflow.simulator.params import PARAMETER_ERROR, Settings, changed
from akoolflow.simulator.reader import read
from akoolflow.simulator.talk import Talk

__all__ = ["Avatar", "AvatarState"]

AvatarState: TypeAlias = Literal["absent", "joined", "left"]

_SENTENCE_END: Final = re.compile(r"(?<=[.!?。！？])\s*")  # noqa: RUF001 - other scripts' marks are meant
_ABSENT: Final = {"absent": "before_join", "left": "after_leave"}
_MAX_ACTIONS: Final = 1000


class Avatar:
    """One avatar in one room.

    Every input takes the time, in seconds of any clock that does not run backwards. Call `poll` at `next_at`, and after
    each input: it gives the frames that the avatar has sent by then.
    """

    def __init__(self, options: SimulatorOptions, settings: Settings) -> None:
        self.state: AvatarState = "absent"
        self.ignored: Counter[str] = Counter()
        """Inputs that the service takes no notice of, by the rule they broke."""
        self.actions: deque[SetAction] = deque(maxlen=_MAX_ACTIONS)
        """Gestures and expressions played; of more than a thousand the oldest are forgotten."""
        self._options = options
        self._talk = Talk(options, self.ignored)
        self._agenda = Agenda()
        self._clock = -math.inf
        self._outbox: list[bytes] = []
        self._commands: dict[str, Callable[[Any], list[Message]]] = {
            "set-params": self._set_params,
            "interrupt": self._interrupt,
            "set-action": self._set_action,
        }
        self._apply(settings)

    @property
    def settings(self) -> Settings:
        """What it goes by now."""
        return self._settings

    @property
    def spoken(self) -> list[Spoken]:
        """What was really said aloud, oldest first; what is being said now is not in it yet."""
        return self._talk.mouth.spoken

    @property
    def speaking(self) -> bool:
        """Whether it made a sound at the time of the last input or poll."""
        return self._talk.mouth.speaking

    # -- inputs

    def join(self, now: float) -> None:
        """From now on it hears; what came before is lost on every transport (seen in the field)."""
        self._advance(now)
        self.state = "joined"

    def receive(self, frame: bytes, now: float) -> None:
        """A frame from the client; any bytes will do."""
        self._advance(now)
        if self.state != "joined":
            self.ignored[_ABSENT[self.state]] += 1
            return
        try:
            self._take(read(frame))
        except FrameRejected as refusal:
            self.ignored[refusal.rule] += 1

    def hear(self, text: str, now: float) -> None:
        """The user has just finished saying this into the microphone."""
        self._advance(now)
        if self.state != "joined" or not text.strip():
            self.ignored[_ABSENT.get(self.state, "empty")] += 1
            return
        sentences = [part for part in _SENTENCE_END.split(text) if part] if self._options.split_speech else [text]
        for n, sentence in enumerate(sentences):
            self._later(n * self._options.split_gap_s, partial(self._heard, sentence))

    def leave(self, now: float) -> None:
        """Out of the room, in the middle of a word if need be; what it has not sent yet never comes."""
        self._advance(now)
        self._talk.silence(self._clock, self._clock)
        self._agenda.clear()
        self.state = "left"

    # -- outputs

    def poll(self, now: float) -> list[bytes]:
        """The frames sent since the last poll, in order."""
        self._advance(now)
        frames, self._outbox = self._outbox, []
        return frames

    @property
    def next_at(self) -> float | None:
        """When `poll` has something to do again; None: not before the next input."""
        return self._clock if self._outbox else self._due

    # -- time

    @property
    def _due(self) -> float | None:
        times = (self._agenda.next_at, self._talk.next_at)
        return min((at for at in times if at is not None), default=None)

    def _advance(self, now: float) -> None:
        while (due := self._due) is not None and due <= now:
            self._clock = max(self._clock, due)
            if due == self._agenda.next_at:
                self._agenda.step(self._clock)
            else:
                self._send(self._talk.step(self._clock))
        self._clock = max(self._clock, now)

    def _later(self, delay_s: float, act: Callable[[float], None]) -> None:
        self._agenda.add(self._clock + self._options.scaled_s(delay_s), act)

    def _send(self, messages: list[Message], _at: float = 0.0) -> None:
        self._outbox += map(encode, messages)

    # -- what comes in

    def _take(self, message: Message) -> None:
        if isinstance(message, Command):
            self._command(message)
        elif not isinstance(message, Chat):
            raise FrameRejected("event", "the service takes no events")
        elif self.settings.voice_only:
            raise FrameRejected("voice_only", "scene mode fast_dialogue takes no text")
        else:
            self._talk.read(message, self._clock)

    def _heard(self, text: str, at: float) -> None:
        self._send(self._talk.hear(text, at))

    def _command(self, command: Command) -> None:
        cmd = command.pld.cmd or ""
        act = self._commands.get(cmd, _unknown)
        code, msg, told = ACK_OK, "OK", list[Message]()
        try:
            told = act(command.pld.data)
        except msgspec.ValidationError as error:
            # The code is our guess: the service's general one for a wrong parameter.
            code, msg = PARAMETER_ERROR, f"parameter error: {error}"
        if self._options.ack != "never" and (cmd != "set-action" or self._options.ack_actions):
            named = cmd if self._options.ack == "full" else UNSET
            told = [Command(v=VERSION, mid=command.mid, pld=CommandPayload(cmd=named, code=code, msg=msg)), *told]
        self._later(self._options.command_delay_s, partial(self._send, told))

    # -- commands: each gives what is sent after its ack

    def _set_params(self, data: Any) -> list[Message]:
        self._apply(changed(self._settings, data))
        return []

    def _apply(self, settings: Settings) -> None:
        self._settings = settings
        self._talk.dialogue = settings.voice_only or settings.mode == DIALOGUE
        self._talk.mouth.voice_speed = settings.voice_speed

    def _set_action(self, data: Any) -> list[Message]:
        action = msgspec.convert(data, SetAction)
        if not data or data.keys() - {"action", "expression"}:
            raise msgspec.ValidationError("set-action takes `action`, `expression` or both")
        self.actions.append(action)
        return []

    def _interrupt(self, _data: Any) -> list[Message]:
        options = self._options
        ack_at = self._clock + options.scaled_s(options.command_delay_s)
        if not self._talk.silence(self._clock, ack_at):
            return []
        ended: list[Message] = [self._talk.mouth.event("audio_end")]
        if options.interrupt_end == "late":
            self._later(options.command_delay_s + options.late_audio_end_s, partial(self._send, ended))
        return ended if options.interrupt_end == "prompt" else []


def _unknown(_data: Any) -> list[Message]:
    raise msgspec.ValidationError("unknown cmd")
