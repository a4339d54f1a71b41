"""One conversation with one avatar: what hooks, brains and embedding programs hold in their hands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal

import anyio
from msgspec import Struct

from akoolflow.bus import Bus, Channel, Inbox
from akoolflow.contracts import AvatarService, Brain, Remark, SessionRequest, Transport
from akoolflow.conversation.commands import Commands
from akoolflow.conversation.dialogue import Dialogue
from akoolflow.conversation.inbound import Inbound
from akoolflow.conversation.life import Life
from akoolflow.conversation.outbox import Outbox
from akoolflow.errors import SessionOver, WrongMode
from akoolflow.events import CommandAck, EndReason, Event, SessionEnded, SessionFailed, UserUtterance
from akoolflow.protocol import wire

__all__ = ["Conversation", "Parts", "Timing"]


class Timing(Struct, frozen=True, kw_only=True):
    """Every deadline of a conversation, in seconds."""

    create_timeout_s: float = 30.0
    ready_timeout_s: float = 30.0
    ack_timeout_s: float = 5.0
    close_timeout_s: float = 10.0
    expiring_before_s: float = 30.0
    """How long before the end of the paid duration `SessionExpiring` comes."""
    speech_grace_s: float = 3.0
    """How long past its estimated end the avatar's speech is waited for when no audio_end comes."""
    answer_timeout_s: float = 20.0
    """How long AKOOL's own model may take to answer, in dialogue mode."""
    chars_per_s: float = 15.0
    """The avatar's speaking rate, for the estimate of what was heard."""


class Parts(Struct, frozen=True, kw_only=True):
    """What a conversation is made of; transport and brains with their names."""

    bus: Bus
    service: AvatarService
    transport: tuple[str, Transport]
    brains: tuple[tuple[str, Brain], ...]
    request: SessionRequest
    timing: Timing = Timing()


class Conversation:
    """Fulfils `contracts.Session`."""

    def __init__(self, parts: Parts, session_id: str) -> None:
        self.parts, self.id = parts, session_id
        self.mode = parts.request.mode_type
        self.language = parts.request.language or ""
        self.channel: Channel = parts.bus.channel(session_id, self)
        self.clock: Callable[[], float] = parts.bus.clock
        self.outbox = Outbox(self.clock)
        self.inbound = Inbound(self)
        self.commands = Commands(self.channel, self.outbox, parts.timing.ack_timeout_s, self.inbound.recheck)
        self.dialogue = Dialogue(self)
        self.life = Life(self)

    @property
    def history(self) -> tuple[Remark, ...]:
        return tuple(self.dialogue.history)

    async def utter(self, text: str, *, source: Literal["typed", "api"] = "api") -> None:
        self._must_be_alive()
        self.user_spoke(await self.channel.publish(UserUtterance(text=text, source=source)))

    async def say(self, text: str) -> None:
        self._must_be_alive()
        if self.mode == wire.DIALOGUE:
            raise WrongMode("say", wire.DIALOGUE)
        self.dialogue.say(text)

    async def interrupt(self) -> None:
        self._must_be_alive()
        self.dialogue.drop_waiting()
        self.dialogue.cut_off("api")
        self.commands.send("interrupt")

    async def set_params(
        self,
        *,
        lang: str | None = None,
        mode: Literal[1, 2] | None = None,
        bgurl: str | None = None,
        vparams: Mapping[str, Any] | None = None,
    ) -> CommandAck:
        self._must_be_alive()
        values = {"lang": lang, "mode": mode, "bgurl": bgurl, "vparams": vparams}
        ack = await self.commands.ask("set-params", {key: value for key, value in values.items() if value})
        if ack.code == wire.ACK_OK:
            self.mode, self.language = mode or self.mode, lang or self.language
        return ack

    async def set_action(self, *, action: wire.Action | None = None, expression: wire.Expression | None = None) -> None:
        self._must_be_alive()
        values = {"action": action, "expression": expression}
        self.commands.send("set-action", {key: value for key, value in values.items() if value})

    async def publish(self, event: Event) -> None:
        await self.channel.publish(event)

    async def end(self, reason: EndReason = "closed") -> None:
        self.life.finish(reason)

    async def wait_idle(self) -> None:
        """Return when nothing is being answered or said, or when the session has ended."""
        await self.dialogue.wait_idle()

    async def wait_over(self) -> None:
        """Return when the session has ended and every component has had its last event."""
        await self.life.over.wait()

    @asynccontextmanager
    async def events(self, capacity: int = 1024) -> AsyncIterator[AsyncIterator[Event]]:
        """All events from now on, ending with the session's last; if they are not read, the oldest are dropped."""
        send, receive = anyio.create_memory_object_stream[Event](0)

        async def each() -> AsyncIterator[Event]:
            async for event in receive:
                yield event
                if isinstance(event, SessionEnded | SessionFailed):
                    return

        rule = Inbox(capacity=capacity, when_full="drop_oldest")
        with self.channel.subscribe(Event, send.send, name="events", inbox=rule), send, receive:
            yield each()

    # -- for the other rooms --

    def user_spoke(self, utterance: UserUtterance) -> None:
        """Barge in at once, and queue the turn."""
        if not utterance.final:
            return
        spoken = utterance.source == "speech"
        dialogue_mode = self.mode == wire.DIALOGUE
        speaking = self.dialogue.utter(utterance)
        # In retelling mode the service repeats, aloud, what it recognised, unless it is interrupted (field reports).
        # In dialogue mode it hears a spoken barge-in itself, and an interrupt would kill its new answer.
        if (spoken and not dialogue_mode) or (speaking and not spoken):
            self.commands.send("interrupt")

    def avatar_is_there(self) -> None:
        self.outbox.open()
        # mode_type at create does not always hold; set again once the avatar is there, it does (field reports).
        again = {"mode": self.mode, "lang": self.language}
        if data := {key: value for key, value in again.items() if value}:
            self.commands.send("set-params", data)

    def shut(self) -> None:
        self.outbox.shut()
        self.commands.shut()

    def _must_be_alive(self) -> None:
        if self.life.ending:
            raise SessionOver
