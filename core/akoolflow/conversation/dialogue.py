"""Turns: an utterance in, an answer out, one at a time; the newest utterance wins."""

from __future__ import annotations

import itertools
import logging
import math
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import anyio
from msgspec import Struct

from akoolflow.contracts import PASS, Brain, Remark, Turn
from akoolflow.conversation.outbox import Speech
from akoolflow.events import (
    BotChunk,
    BrainFailed,
    Event,
    TurnFinished,
    TurnInterrupted,
    TurnStarted,
    UserUtterance,
)
from akoolflow.protocol import wire
from akoolflow.protocol.codec import Cut, OutgoingChat
from akoolflow.turns import Ledger, State, Step

if TYPE_CHECKING:
    from akoolflow.conversation.conversation import Conversation

__all__ = ["CutReason", "Dialogue"]

log: Final = logging.getLogger(__name__)
CutReason: TypeAlias = Literal["user", "api", "end"]
_ERROR_CHARS: Final = 300


class _Task(Struct, kw_only=True):
    """Something to be said: an answer to an utterance, or a text as it is."""

    utterance: UserUtterance | None = None
    text: str = ""
    barge_in: bool = False


class _Running:
    """The turn in hand."""

    def __init__(self, number: int, task: _Task, ledger: Ledger, started: Event, speech: Speech) -> None:
        self.number, self.task, self.ledger, self.started, self.speech = number, task, ledger, started, speech
        self.scope = anyio.CancelScope()
        self.brain = ""
        self.pieces = 0
        self.reason: CutReason | None = None
        """Why it was cut off, once it was."""
        self.reported = False
        """True if AKOOL's own model answers: then the avatar's reports are the answer."""
        self.moved = anyio.Event()
        """Set when the ledger's state may have changed."""

    def step(self, step: Step, now: float) -> None:
        self.ledger.step(step, now)
        self.moved.set()


class Dialogue:
    """Runs turns for one conversation."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._channel, self._outbox = conversation.channel, conversation.outbox
        self._clock: Callable[[], float] = conversation.clock
        self._brains: tuple[tuple[str, Brain], ...] = conversation.parts.brains
        self._timing = conversation.parts.timing
        self._tasks: deque[_Task] = deque()
        self._running: _Running | None = None
        self._changed = anyio.Event()
        self._numbers = itertools.count(1)
        self.history: list[Remark] = []

    # -- what comes in --

    def utter(self, utterance: UserUtterance) -> bool:
        """Take up an utterance; whatever is being said is cut off first, at once. True if something was."""
        barge_in = self.cut_off("user")
        self._tasks.clear()
        self._push(_Task(utterance=utterance, barge_in=barge_in))
        return barge_in

    def say(self, text: str) -> None:
        """Speak a text as it is, after what is being said."""
        self._push(_Task(text=text))

    def cut_off(self, reason: CutReason) -> bool:
        """Stop the turn in hand: not a frame of it leaves after this returns. True if there was one."""
        running = self._running
        if running is None or running.reason is not None:
            return False
        running.reason = reason
        self._outbox.silence()
        running.scope.cancel()
        return True

    def drop_waiting(self) -> None:
        self._tasks.clear()

    def speech_started(self) -> None:
        if self._running is not None:
            self._running.step(Step.SPEECH_STARTED, self._clock())

    def speech_ended(self) -> None:
        if self._running is not None:
            self._running.step(Step.SPEECH_ENDED, self._clock())

    def avatar_said(self, piece: BotChunk) -> None:
        """The avatar reports its own words: in dialogue mode this is the answer."""
        running = self._running
        if running is None or not running.reported:
            return
        now = self._clock()
        running.ledger.said(piece.text, now)
        running.ledger.sent(piece.text, now)
        running.step(Step.ALL_SENT if piece.final else Step.FRAME_SENT, now)

    async def wait_idle(self) -> None:
        """Return when no turn runs or waits."""
        while self._running is not None or self._tasks:
            await self._changed.wait()

    @property
    def turn(self) -> int:
        """Number of the turn in hand; 0 between turns."""
        return self._running.number if self._running is not None else 0

    def _push(self, task: _Task) -> None:
        self._tasks.append(task)
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    # -- the loop --

    async def run(self) -> None:
        """Take turns until cancelled."""
        try:
            while True:
                while not self._tasks:
                    await self._changed.wait()
                await self._take(self._tasks.popleft())
                self._running = None
                self._notify()
        finally:
            self._running = None
            self._tasks.clear()
            self._notify()

    async def _take(self, task: _Task) -> None:
        asked_at = self._clock()
        ledger = Ledger(asked_at, self._timing.chars_per_s)
        number = next(self._numbers)
        asked = task.utterance
        text = asked.text if asked else task.text
        started = self._channel.post(TurnStarted(text=text, barge_in=task.barge_in), turn=number, cause=asked)
        chat = OutgoingChat(self._conversation.commands.new_mid(), self._outbox.max_frame_bytes)
        self._running = running = _Running(number, task, ledger, started, Speech(chat))

        def sent(cut: Cut) -> None:
            now = self._clock()
            ledger.sent(cut.text, now)
            running.step(Step.ALL_SENT if cut.fin else Step.FRAME_SENT, now)

        running.speech.on_sent = sent
        try:
            with running.scope:
                await self._speak(running)
        finally:
            if running.reason is None and ledger.state is not State.FINISHED:
                running.reason = "end"
                self._outbox.silence()
            self._close(running)

    async def _speak(self, running: _Running) -> None:
        task = running.task
        asked = task.utterance
        if asked is None:
            self._outbox.speak(running.speech)
            await self._say(running, task.text)
        elif not await self._ask_brains(running, asked):
            if self._conversation.mode != wire.DIALOGUE:
                running.step(Step.NOTHING_SAID, self._clock())
                return
            running.reported = True
            if asked.source != "speech":  # what was spoken into the room, AKOOL's own model has heard already
                self._outbox.speak(running.speech)
                running.speech.chat.feed(asked.text)
                running.speech.chat.finish()
                running.speech.on_sent = None  # the user's words, not the avatar's
                self._outbox.wake()
            await self._wait_for_end(running, self._timing.answer_timeout_s)
            return
        running.speech.chat.finish()
        self._outbox.wake()
        if not running.ledger.has_said:
            running.step(Step.NOTHING_SAID, self._clock())
            return
        await self._channel.publish(self._chunk(running, "", final=True), turn=running.number, cause=running.started)
        await running.speech.all_sent.wait()
        await self._wait_for_end(running, 0.0)

    async def _ask_brains(self, running: _Running, asked: UserUtterance) -> bool:
        turn = Turn(
            number=running.number,
            text=asked.text,
            session=self._conversation,
            history=tuple(self.history),
            language=self._conversation.language,
            barge_in=running.task.barge_in,
        )
        self.history.append(Remark("user", asked.text))
        if self._brains:
            self._outbox.speak(running.speech)

        async def say(text: str, /) -> None:
            await self._say(running, text)

        for name, brain in self._brains:
            running.brain = name
            try:
                answer = await brain.respond(turn, say)
            except Exception as error:  # noqa: BLE001 - a brain's bug must not end the conversation
                self._brain_failed(running, name, error)
            except anyio.get_cancelled_exc_class() as error:
                # A cancelled future inside the brain looks like our own cancellation; only ours may end the turn.
                if running.scope.cancel_called or anyio.current_effective_deadline() == -math.inf:
                    raise
                self._brain_failed(running, name, error)
            else:
                if answer is not PASS:
                    return True
            if running.ledger.has_said:
                return True
        running.brain = ""
        return False

    async def _say(self, running: _Running, text: str) -> None:
        if self._running is not running or running.reason is not None:
            await anyio.lowlevel.checkpoint()  # a brain that outlived its turn: nobody listens to it any more
            return
        if not text:
            return
        chunk = self._chunk(running, text)
        running.pieces += 1
        running.ledger.said(text, self._clock())
        running.speech.chat.feed(text)
        self._outbox.wake()
        await self._channel.publish(chunk, turn=running.number, cause=running.started)
        while running.speech.full:
            running.speech.room = anyio.Event()
            await running.speech.room.wait()

    def _chunk(self, running: _Running, text: str, *, final: bool = False) -> BotChunk:
        mid = running.speech.chat.mid
        return BotChunk(text=text, idx=running.pieces, final=final, origin="brain", mid=mid)

    def _brain_failed(self, running: _Running, name: str, error: BaseException) -> None:
        log.debug("brain %s failed", name, exc_info=error)
        text = f"{type(error).__name__}: {error}"[:_ERROR_CHARS]
        self._channel.post(BrainFailed(component=name, error=text), turn=running.number, cause=running.started)

    async def _wait_for_end(self, running: _Running, extra_s: float) -> None:
        """Wait for the end of the avatar's speech; not for ever, since audio_end may never come."""
        ledger = running.ledger
        while ledger.state is not State.FINISHED:
            left_s = ledger.speech_left_s(self._clock()) + self._timing.speech_grace_s + extra_s
            with anyio.move_on_after(left_s) as patience:
                await running.moved.wait()
            running.moved = anyio.Event()
            if patience.cancelled_caught:
                if ledger.state is State.TRAILING:
                    running.step(Step.SPEECH_OVERDUE, self._clock())
                else:
                    running.step(Step.ALL_SENT if ledger.has_said else Step.NOTHING_SAID, self._clock())

    def _close(self, running: _Running) -> None:
        now = self._clock()
        ledger = running.ledger
        if running.reason is not None:
            running.step(Step.CUT_OFF, now)
        text, times = ledger.text(now), ledger.times(now)
        event: Event
        if running.reason is None:
            event = TurnFinished(brain=running.brain, text=text, times=times)
        else:
            event = TurnInterrupted(brain=running.brain, reason=running.reason, text=text, times=times)
        if text.heard:
            self.history.append(Remark("avatar", text.heard, interrupted=running.reason is not None))
        self._channel.post(event, turn=running.number, cause=running.started)
