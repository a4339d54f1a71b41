"""What arrives from the room, turned into events: chat put together, speech told, the rest reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import anyio
from msgspec import UNSET

from akoolflow.errors import FrameRejected
from akoolflow.events import BotChunk, ProtocolViolated, SpeechEnded, SpeechStarted, UserUtterance
from akoolflow.protocol import wire
from akoolflow.protocol.codec import decode
from akoolflow.protocol.reassembly import Piece, Reassembly, Violation

if TYPE_CHECKING:
    from akoolflow.conversation.conversation import Conversation

__all__ = ["Inbound"]

_GAP_TIMEOUT_S: Final = 2.0
"""A piece of a message that is missing this long is given up; how long the service itself waits is not documented."""
_MOST_OPEN_MESSAGES: Final = 64


class Inbound:
    """One for each conversation."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation, self._channel = conversation, conversation.channel
        self._clock: Callable[[], float] = conversation.clock
        self._reassembly = Reassembly(gap_timeout_s=_GAP_TIMEOUT_S, max_open=_MOST_OPEN_MESSAGES)
        self._heard: dict[str, str] = {}
        """The user's message so far, by mid, until its final piece."""
        self._changed = anyio.Event()

    async def receive(self, frame: bytes) -> None:
        """Take one frame. What breaks the protocol becomes `ProtocolViolated`, never a crash."""
        try:
            message = decode(frame)
        except FrameRejected as error:
            self._violated(error.rule, error.detail)
            return
        match message:
            case wire.Chat():
                for item in self._reassembly.receive(message, self._clock()):
                    await self._chat(item)
            case wire.Command() if message.pld.code is UNSET:
                self._violated("command", "without a code it is no ack, and the service sends no commands")
            case wire.Command():
                self._conversation.commands.answered(message)
            case _:
                await self._event(message)
        self._changed.set()

    async def run(self) -> None:
        """Give up on what does not come, until cancelled."""
        commands = self._conversation.commands
        while True:
            self._changed = anyio.Event()
            now = self._clock()
            for item in self._reassembly.expire(now):
                await self._chat(item)
            commands.expire(now)
            deadlines = [d for d in (self._reassembly.next_deadline, commands.next_deadline) if d is not None]
            with anyio.move_on_after(max(min(deadlines) - now, 0.0) if deadlines else None):
                await self._changed.wait()

    def recheck(self) -> None:
        """A deadline was added elsewhere."""
        self._changed.set()

    async def _chat(self, item: Piece | Violation) -> None:
        conversation, channel = self._conversation, self._channel
        if isinstance(item, Violation):
            self._violated(item.rule, item.detail, item.count)
        elif item.from_ == "user":
            text = self._heard.pop(item.mid, "") + item.text
            if not item.final:
                if len(self._heard) >= _MOST_OPEN_MESSAGES:
                    self._heard.pop(next(iter(self._heard)))
                self._heard[item.mid] = text
            utterance = channel.post(UserUtterance(text=text, final=item.final, source="speech", mid=item.mid))
            conversation.user_spoke(utterance)
        elif item.from_ == "bot":
            piece = BotChunk(text=item.text, idx=item.idx, final=item.final, origin="avatar", mid=item.mid)
            turn = conversation.dialogue.turn
            conversation.dialogue.avatar_said(piece)
            await channel.publish(piece, turn=turn)
        else:
            self._violated("from", "a chat message that is neither from `bot` nor from `user`")

    async def _event(self, message: wire.Event) -> None:
        dialogue = self._conversation.dialogue
        match message.pld.event:
            case "audio_start":
                dialogue.speech_started()
                await self._channel.publish(SpeechStarted(mid=message.mid), turn=dialogue.turn)
            case "audio_end":
                # Published first: a turn that ends with the speech is told after it.
                await self._channel.publish(SpeechEnded(mid=message.mid), turn=dialogue.turn)
                dialogue.speech_ended()
            case unknown:
                self._violated("event", f"unknown event {unknown[:40]!r}")

    def _violated(self, rule: str, detail: str, count: int = 1) -> None:
        self._channel.post(ProtocolViolated(rule=rule, detail=detail, count=count))
