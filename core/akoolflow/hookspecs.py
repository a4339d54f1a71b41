"""Every hook on one page.

A component is a plain object; mark the methods that are hooks with `@hookimpl`. Each may be `def` or `async def` and
may leave out the arguments it does not need. A component gets the events of one session in sequence order, one at a
time. The value that a hook returns is ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

from akoolflow.contracts import Session
from akoolflow.events import (
    BotChunk,
    BrainFailed,
    CommandAck,
    CommandSent,
    CommandTimedOut,
    DeliveryFailed,
    Event,
    EventsDropped,
    LinkConnected,
    LinkLost,
    LinkRestored,
    PluginFailed,
    ProtocolViolated,
    SessionCreated,
    SessionEnded,
    SessionExpiring,
    SessionFailed,
    SessionReady,
    SpeechEnded,
    SpeechStarted,
    TurnFinished,
    TurnInterrupted,
    TurnStarted,
    UserUtterance,
)

if TYPE_CHECKING:
    from akoolflow.registry import Registry

__all__ = ["PROJECT", "hookimpl", "hookspec"]

PROJECT = "akoolflow"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def akoolflow_register(registry: Registry) -> None:
    """Called once on a plugin module: put its options struct and factory on a shelf."""


@hookspec
def on_event(event: Event, session: Session) -> None:
    """Every event, whatever its type."""


@hookspec
def on_session_created(event: SessionCreated, session: Session) -> None:
    """Paid from here on."""


@hookspec
def on_session_ready(event: SessionReady, session: Session) -> None:
    """The place for a greeting."""


@hookspec
def on_session_expiring(event: SessionExpiring, session: Session) -> None:
    """The duration is nearly used up."""


@hookspec
def on_session_ended(event: SessionEnded, session: Session) -> None:
    """Last, in good order."""


@hookspec
def on_session_failed(event: SessionFailed, session: Session) -> None:
    """Last, in trouble."""


@hookspec
def on_link_connected(event: LinkConnected, session: Session) -> None:
    """In the room."""


@hookspec
def on_link_lost(event: LinkLost, session: Session) -> None:
    """Out of reach for now."""


@hookspec
def on_link_restored(event: LinkRestored, session: Session) -> None:
    """Back in the room."""


@hookspec
def on_user_utterance(event: UserUtterance, session: Session) -> None:
    """The user spoke or typed."""


@hookspec
def on_bot_chunk(event: BotChunk, session: Session) -> None:
    """A piece of the avatar's words."""


@hookspec
def on_speech_started(event: SpeechStarted, session: Session) -> None:
    """The avatar's sound began."""


@hookspec
def on_speech_ended(event: SpeechEnded, session: Session) -> None:
    """The avatar's sound stopped."""


@hookspec
def on_turn_started(event: TurnStarted, session: Session) -> None:
    """An utterance is being answered."""


@hookspec
def on_turn_finished(event: TurnFinished, session: Session) -> None:
    """Answered to the end; where the time went."""


@hookspec
def on_turn_interrupted(event: TurnInterrupted, session: Session) -> None:
    """Cut off; what was heard."""


@hookspec
def on_command_sent(event: CommandSent, session: Session) -> None:
    """A command left."""


@hookspec
def on_command_ack(event: CommandAck, session: Session) -> None:
    """The service answered a command."""


@hookspec
def on_command_timed_out(event: CommandTimedOut, session: Session) -> None:
    """It did not."""


@hookspec
def on_brain_failed(event: BrainFailed, session: Session) -> None:
    """A brain raised."""


@hookspec
def on_plugin_failed(event: PluginFailed, session: Session) -> None:
    """A hook raised or took too long."""


@hookspec
def on_events_dropped(event: EventsDropped, session: Session) -> None:
    """A slow component lost events."""


@hookspec
def on_delivery_failed(event: DeliveryFailed, session: Session) -> None:
    """A sink could not deliver."""


@hookspec
def on_protocol_violated(event: ProtocolViolated, session: Session) -> None:
    """A frame broke the protocol."""
