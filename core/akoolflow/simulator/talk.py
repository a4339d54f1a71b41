"""What the avatar makes of texts and of the user's speech: it retells or answers, until it is silenced."""

from __future__ import annotations

from collections import Counter
from functools import partial
from itertools import count
from typing import Final

from akoolflow.errors import FrameRejected
from akoolflow.protocol.wire import VERSION, Chat, ChatPayload, Message
from akoolflow.simulator.agenda import Agenda
from akoolflow.simulator.dialogue import Dialogue
from akoolflow.simulator.mouth import Mouth, Utterance, deltas
from akoolflow.simulator.options import SimulatorOptions
from akoolflow.simulator.pieces import Piece, Pieces

__all__ = ["Talk"]

_HEARD_CHARS: Final = 120
"""Most recognised text in one frame: whole utterances came in one (seen in the field), and 960 B hold so many."""


class Talk:
    """Texts in, the avatar's words out; `step` does what is due at `next_at`, one thing at a time."""

    def __init__(self, options: SimulatorOptions, ignored: Counter[str]) -> None:
        self.mouth = Mouth(options)
        self.dialogue = False
        """Whether the next message is answered or retold; one that has begun stays what it is."""
        self._options, self._ignored = options, ignored
        gap_s, fin_s = options.scaled_s(options.gap_timeout_s), options.scaled_s(options.fin_timeout_s)
        self._pieces = Pieces(gap_s=gap_s, fin_s=fin_s)
        self._model = Dialogue()
        self._agenda = Agenda()
        self._told: dict[str, Utterance] = {}
        self._asked: dict[str, str] = {}
        self._mids = count(1)

    # -- inputs

    def read(self, chat: Chat, now: float) -> None:
        """A piece of text from the client.

        :raises FrameRejected: rules `overflow` and those of `Pieces.put`.
        """
        waiting = self.mouth.queued_chars + sum(map(len, self._asked.values()))
        if waiting + len(chat.pld.text) > self._options.max_queued_chars:
            raise FrameRejected("overflow", f"{waiting} characters wait to be spoken")
        self._sort(self._pieces.put(chat, now), now)

    def hear(self, text: str, now: float) -> list[Message]:
        """A piece of the user's speech, recognised just now; gives what the client is told of it."""
        told: list[Message] = []
        if self.dialogue and self._options.speech_stops_avatar and self.silence(now, now):
            told.append(self.mouth.event("audio_end"))
        mid = f"user-{next(self._mids)}"
        parts = deltas(text, _HEARD_CHARS)
        for idx, part in enumerate(parts):
            pld = ChatPayload(text=part, from_="user")
            told.append(Chat(v=VERSION, mid=mid, idx=idx, fin=idx == len(parts) - 1, pld=pld))
        if self.dialogue:
            self._think(text, mid, now)
        elif self._options.echo_speech:
            at = now + self._options.scaled_s(self._options.echo_delay_s)
            self._agenda.add(at, partial(self._echo, text, mid))
        return told

    def silence(self, now: float, silent_until: float) -> bool:
        """Forget everything unsaid, begun messages too. True if a sound was cut off."""
        self._pieces.drop()
        self._told.clear()
        self._asked.clear()
        self._agenda.clear()
        return self.mouth.stop(now, silent_until)

    # -- time

    @property
    def next_at(self) -> float | None:
        times = (self._agenda.next_at, self._pieces.next_at, self.mouth.next_at)
        return min((at for at in times if at is not None), default=None)

    def step(self, at: float) -> list[Message]:
        """Do one thing that is due by now; gives what is sent to the client."""
        if (due := self._agenda.next_at) is not None and due <= at:
            self._agenda.step(at)
        elif (due := self._pieces.next_at) is not None and due <= at:
            self._sort(self._pieces.expire(at), at)
        else:
            return self.mouth.step(at)
        return []

    # -- retelling and answering

    def _sort(self, pieces: list[Piece], now: float) -> None:
        for piece in pieces:
            asked = piece.mid in self._asked or (self.dialogue and piece.mid not in self._told)
            (self._ask if asked else self._tell)(piece, now)

    def _tell(self, piece: Piece, now: float) -> None:
        utterance = self._told.get(piece.mid)
        if utterance is None:
            utterance = self._told[piece.mid] = self._utter(piece.mid, eager=self._options.speak_at == "piece")
        self.mouth.feed(utterance, piece.text, now, fin=piece.fin)
        if piece.fin:
            del self._told[piece.mid]
            self._ignored.update([] if utterance.text.strip() else ["empty"])

    def _ask(self, piece: Piece, now: float) -> None:
        question = self._asked.pop(piece.mid, "") + piece.text
        if not piece.fin:
            self._asked[piece.mid] = question
        elif question.strip():
            self._think(question, piece.mid, now)
        else:
            self._ignored["empty"] += 1

    def _think(self, question: str, mid: str, now: float) -> None:
        at = now + self._options.scaled_s(self._options.answer_delay_s)
        self._agenda.add(at, partial(self._answer, question, mid))

    def _answer(self, question: str, mid: str, at: float) -> None:
        parts = deltas(self._model.answer(question), self._options.delta_chars)
        utterance = self._utter(mid)
        for n, part in enumerate(parts):
            piece_at = at + n * self._options.scaled_s(self._options.delta_interval_s)
            self._agenda.add(piece_at, partial(self.mouth.feed, utterance, part, fin=n == len(parts) - 1))

    def _echo(self, text: str, mid: str, at: float) -> None:
        self.mouth.feed(self._utter(mid), text, at, fin=True)

    def _utter(self, mid: str, *, eager: bool = True) -> Utterance:
        reply_mid = mid if self._options.reply_mid == "same" else f"bot-{next(self._mids)}"
        utterance = Utterance(mid=mid, reply_mid=reply_mid, eager=eager)
        self.mouth.say(utterance)
        return utterance
