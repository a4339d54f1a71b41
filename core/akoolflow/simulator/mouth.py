"""The avatar's mouth: texts in, one after another, at a speaking rate; what was really spoken stays on record."""

from __future__ import annotations

import math
import re
from collections import deque
from itertools import count
from typing import Final

from msgspec import Struct

from akoolflow.protocol.wire import VERSION, Chat, ChatPayload, Event, EventPayload, Message
from akoolflow.simulator.options import SimulatorOptions

__all__ = ["Mouth", "Spoken", "Utterance", "deltas"]

_WORD: Final = re.compile(r"\s*\S+\s*|\s+")
_ROUNDING: Final = 1e-6
"""In characters: one that ends this soon after the cut was still heard, since times are floats."""


class Spoken(Struct, frozen=True, kw_only=True):
    """One utterance as it sounded."""

    start_s: float
    end_s: float
    """When its last sound was made."""
    text: str
    """What was said aloud: all of the text, or its beginning if the avatar was cut off."""
    mid: str
    """Of the message that it retells or answers: a chat of the client's, or the user's recognised speech."""
    reply_mid: str
    """Of the avatar's own text frames."""
    interrupted: bool


class Utterance(Struct, eq=False, kw_only=True):
    """A text on its way to the mouth; it grows until it is whole."""

    mid: str
    reply_mid: str
    eager: bool = True
    """False: it waits until it is whole."""
    text: str = ""
    whole: bool = False
    waiting: list[tuple[str, bool]] = []
    """Pieces of the text, and whether each is the last, that have not been reported yet."""
    reported: int = 0
    changed_at: float = 0.0
    ready_at: float | None = None
    """When its sound could begin; None while there is nothing to say."""
    started_at: float | None = None
    chars_per_s: float = 1.0
    until: float = 0.0
    """When all of the text so far will have been said; holds once it has started."""


class Mouth:
    """Speaks utterances in the order of `say`; `step` does what is due at `next_at`, one thing at a time."""

    def __init__(self, options: SimulatorOptions) -> None:
        self._options = options
        self._queue: deque[Utterance] = deque()
        self._free_at = -math.inf
        self._events = count(1)
        self.voice_speed = 1.0
        """Holds from the next utterance on."""
        self.queued_chars = 0
        """Text not yet said to its end."""
        self.spoken: list[Spoken] = []

    @property
    def speaking(self) -> bool:
        return bool(self._queue) and self._queue[0].started_at is not None

    def say(self, utterance: Utterance) -> None:
        self._queue.append(utterance)

    def feed(self, utterance: Utterance, text: str, now: float, *, fin: bool) -> None:
        """More text for an utterance that was given to `say`; after `fin` there is none."""
        options = self._options
        parts = deltas(text, options.delta_chars) or ([""] if fin else [])
        utterance.waiting += [(part, fin and n == len(parts)) for n, part in enumerate(parts, 1)]
        utterance.text += text
        self.queued_chars += len(text)
        utterance.whole = fin
        utterance.changed_at = now
        if utterance.started_at is not None and text:
            utterance.until = max(utterance.until, now) + len(text) / utterance.chars_per_s
        elif utterance.ready_at is None and utterance.text.strip() and (fin or utterance.eager):
            utterance.ready_at = now + options.scaled_s(options.speech_delay_s)

    def stop(self, now: float, silent_until: float) -> bool:
        """Fall silent and forget all that is queued; nothing more is said before `silent_until`.

        True if a sound was cut off.
        """
        head = self._queue[0] if self._queue else None
        self._queue.clear()
        self.queued_chars = 0
        self._free_at = max(self._free_at, silent_until)
        if head is None or head.started_at is None:
            return False
        unsaid = (head.until - now) * head.chars_per_s
        self._record(head, min(now, head.until), int(len(head.text) - unsaid + _ROUNDING))
        return True

    @property
    def next_at(self) -> float | None:
        """When the next step is due; None if that hangs on more text."""
        if not self._queue:
            return None
        head = self._queue[0]
        if head.ready_at is None:
            return head.changed_at if head.whole else None
        if head.waiting:
            return head.changed_at
        if head.started_at is None:
            return max(head.ready_at, self._free_at)
        return max(head.until, head.changed_at) if head.whole else None

    def step(self, at: float) -> list[Message]:
        """Do the one thing that is due: report text, begin to sound, or end. Gives what is sent to the client."""
        head = self._queue[0]
        if head.ready_at is None:
            self._next()
            return []
        if head.waiting:
            return self._report(head)
        if head.started_at is None:
            head.started_at = at
            head.chars_per_s = self._options.chars_per_s * self._options.speed * self.voice_speed
            head.until = at + len(head.text) / head.chars_per_s
            return [self.event("audio_start")]
        self._next()
        self._record(head, min(at, head.until), len(head.text))
        return [self.event("audio_end")]

    def event(self, name: str) -> Event:
        return Event(v=VERSION, mid=f"event-{next(self._events)}", pld=EventPayload(event=name))

    def _next(self) -> None:
        self.queued_chars -= len(self._queue.popleft().text)

    def _report(self, head: Utterance) -> list[Message]:
        frames: list[Message] = []
        for idx, (text, fin) in enumerate(head.waiting, head.reported):
            pld = ChatPayload(text=text, from_="bot")
            frames.append(Chat(v=VERSION, mid=head.reply_mid, idx=idx, fin=fin, pld=pld))
        head.reported += len(head.waiting)
        head.waiting = []
        return frames

    def _record(self, head: Utterance, end_s: float, chars: int) -> None:
        assert head.started_at is not None  # noqa: S101 - only what sounded is recorded
        self.spoken.append(
            Spoken(
                start_s=head.started_at,
                end_s=end_s,
                text=head.text[:chars],
                mid=head.mid,
                reply_mid=head.reply_mid,
                interrupted=chars < len(head.text) or not head.whole,
            )
        )


def deltas(text: str, max_chars: int) -> list[str]:
    """Cut a text after words where that is possible; joined, the parts are the text."""
    parts: list[str] = []
    for word in _WORD.findall(text):
        if parts and len(parts[-1]) + len(word) <= max_chars:
            parts[-1] += word
        else:
            parts += [word[n : n + max_chars] for n in range(0, len(word), max_chars)]
    return parts
