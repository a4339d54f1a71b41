"""What a transport, a brain, an avatar service and a session promise. Nothing here is inherited from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from enum import Enum
from typing import Any, Final, Literal, Protocol, TypeAlias

from msgspec import Struct

from akoolflow.events import CommandAck, EndReason, Event
from akoolflow.protocol.pacing import Limits
from akoolflow.protocol.wire import Action, Expression

__all__ = [
    "PASS",
    "AvatarJoined",
    "AvatarLeft",
    "AvatarService",
    "AvatarSession",
    "Brain",
    "Link",
    "LinkClosed",
    "LinkDown",
    "LinkUp",
    "Pass",
    "Remark",
    "Say",
    "Session",
    "SessionRequest",
    "Signal",
    "Transport",
    "Turn",
]


# -- transports --------------------------------------------------------------------------------


class AvatarJoined(Struct, frozen=True):
    """The avatar is in the room and its video is there: frames sent from now on are heard."""


class AvatarLeft(Struct, frozen=True):
    """The avatar has left the room."""

    reason: str = ""


class LinkDown(Struct, frozen=True):
    """The room is out of reach; the transport is trying to come back."""

    reason: str


class LinkUp(Struct, frozen=True):
    """The room is back."""


class LinkClosed(Struct, frozen=True):
    """The room is gone for good; the last signal of a link."""

    reason: str


Signal: TypeAlias = bytes | AvatarJoined | AvatarLeft | LinkDown | LinkUp | LinkClosed
"""What a link brings: an opaque frame as `bytes`, or news of the room."""


class Link(Protocol):
    """One joined room: it carries opaque frames and knows its limits, and nothing of AKOOL's messages."""

    @property
    def limits(self) -> Limits: ...

    async def send(self, frame: bytes) -> None:
        """Hand one frame to the room. Returns when it is handed over, which is not when it has arrived.

        :raises ValueError: the frame is larger than the link's limit.
        :raises LinkFailed: the room is gone for good.
        """

    def signals(self) -> AsyncIterator[Signal]:
        """Frames and news, in the order in which they came; ends after `LinkClosed`. Called once."""


class Transport(Protocol):
    """A component that joins rooms; one for all sessions of a flow."""

    def open(self, session: AvatarSession) -> AbstractAsyncContextManager[Link]:
        """Join the room of this session on entering, leave it on exit, both within the transport's own deadlines.

        Exit happens under cancellation as often as not: what must be awaited there has to be shielded.

        :raises LinkFailed: the room could not be joined.
        """


# -- the avatar service ------------------------------------------------------------------------


class SessionRequest(Struct, frozen=True, kw_only=True):
    """The body of session/create, by the service's own names; None leaves a field out."""

    avatar_id: str
    stream_type: str = "agora"
    duration: float | None = None
    """Seconds, at most 3600 (documented)."""
    mode_type: int | None = None
    """1 retelling, 2 dialogue."""
    language: str | None = None
    voice_id: str | None = None
    voice_url: str | None = None
    knowledge_id: str | None = None
    scene_mode: str | None = None
    e2e_type: str | None = None
    background_url: str | None = None
    voice_params: dict[str, Any] | None = None
    credentials: dict[str, Any] | None = None

    def __repr__(self) -> str:
        """Without what may hold keys and tokens."""
        return f"SessionRequest(avatar_id={self.avatar_id!r}, stream_type={self.stream_type!r}, …)"


class AvatarSession(Struct, frozen=True, kw_only=True):
    """What session/create answered: enough to join the room."""

    id: str
    stream_type: str
    credentials: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"AvatarSession(id={self.id!r}, stream_type={self.stream_type!r}, credentials=…)"


class AvatarService(Protocol):
    """Opens and closes paid avatar sessions: the AKOOL service or its simulator."""

    async def create(self, request: SessionRequest) -> AvatarSession:
        """:raises ServiceRefused: with the service's code."""

    async def close(self, session_id: str) -> None:
        """Close a session; closing one that is over is no error."""


# -- brains ------------------------------------------------------------------------------------


class Pass(Enum):
    """The type of `PASS`."""

    PASS = "PASS"


PASS: Final = Pass.PASS
"""Returned by a brain that does not take the turn; the next one in the file is asked."""


class Remark(Struct, frozen=True):
    """One thing said in the conversation, as it was really heard."""

    role: Literal["user", "avatar"]
    text: str
    interrupted: bool = False
    """True if the avatar was cut off; `text` is then what was probably heard."""


class Turn(Struct, frozen=True, kw_only=True):
    """One utterance to answer."""

    number: int
    """From 1."""
    text: str
    session: Session
    history: tuple[Remark, ...] = ()
    """What was said before this utterance, oldest first."""
    language: str = ""
    """The session's language code; empty if it was left to the service."""
    barge_in: bool = False
    """True if the user cut the avatar off to say this."""


class Say(Protocol):
    """What a brain speaks with. Pieces are joined as they are: spaces between them are the brain's own."""

    async def __call__(self, text: str, /) -> None:
        """Give the next piece; waits while too much text is queued for the link."""


class Brain(Protocol):
    """A component that answers. Being cancelled inside `respond` is how it is interrupted."""

    async def respond(self, turn: Turn, say: Say) -> Pass | None:
        """Answer through `say`, or return `PASS` without having said anything."""


# -- sessions ----------------------------------------------------------------------------------


class Session(Protocol):
    """The running conversation, as hooks, brains and embedding programs see it.

    Every method raises `SessionOver` after the end.
    """

    @property
    def id(self) -> str:
        """Ours, not AKOOL's: it stays when a conversation moves to another AKOOL session."""

    @property
    def history(self) -> tuple[Remark, ...]: ...

    async def utter(self, text: str, *, source: Literal["typed", "api"] = "api") -> None:
        """The user says this: a brain (or AKOOL's own, in dialogue mode) answers."""

    async def say(self, text: str) -> None:
        """The avatar says exactly this, without asking a brain, after what it is saying; returns once it is queued.

        :raises WrongMode: in dialogue mode, where AKOOL's own model answers every text.
        """

    async def interrupt(self) -> None:
        """Cut the avatar off: the brain is cancelled, unsent text dropped, `interrupt` sent ahead of everything."""

    async def set_params(
        self,
        *,
        lang: str | None = None,
        mode: Literal[1, 2] | None = None,
        bgurl: str | None = None,
        vparams: Mapping[str, Any] | None = None,
    ) -> CommandAck:
        """Change the avatar's settings; only what is given is sent.

        :raises CommandTooBig: it does not fit one frame; nothing was sent.
        :raises CommandUnanswered: no ack in time.
        """

    async def set_action(self, *, action: Action | None = None, expression: Expression | None = None) -> None:
        """Play a gesture or an expression. Whether the service acks it is not documented, so none is awaited."""

    async def publish(self, event: Event) -> None:
        """Publish an event of this session; inside a hook, its cause is the event in hand."""

    async def end(self, reason: EndReason = "closed") -> None:
        """End the session in order: the current turn is cut off. Returns at once; the end is an event."""
