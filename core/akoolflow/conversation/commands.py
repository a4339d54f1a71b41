"""Commands to the avatar and their acks, matched by mid."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from typing import Any

import anyio

from akoolflow.bus import Channel
from akoolflow.conversation.outbox import Outbox
from akoolflow.errors import CommandUnanswered, SessionOver
from akoolflow.events import CommandAck, CommandName, CommandSent, CommandTimedOut
from akoolflow.protocol import wire
from akoolflow.protocol.acks import Acks
from akoolflow.protocol.codec import command_frame
from akoolflow.secret import without_secrets

__all__ = ["Commands"]


class Commands:
    """One for each conversation."""

    def __init__(self, channel: Channel, outbox: Outbox, timeout_s: float, deadline_added: Callable[[], None]) -> None:
        """:param deadline_added: called when `next_deadline` may have come nearer."""
        self._channel, self._outbox, self._timeout_s = channel, outbox, timeout_s
        self._deadline_added = deadline_added
        self._clock: Callable[[], float] = channel.bus.clock
        self._acks = Acks(timeout_s)
        self._waiters: dict[str, _Waiter] = {}
        self._mids = itertools.count(1)
        self._started_ms = int(time.time() * 1000)
        self._over = False

    def new_mid(self) -> str:
        """`msg-<epoch ms>-<n>`: the form of the service's own samples, made unique."""
        return f"msg-{self._started_ms}-{next(self._mids)}"

    def send(self, cmd: CommandName, data: Mapping[str, Any] | None = None, *, turn: int = 0) -> str:
        """Queue a command ahead of all speech; returns its mid.

        :raises CommandTooBig: it does not fit one frame of this link; nothing is sent.
        """
        mid = self.new_mid()
        frame = command_frame(mid, cmd, data, self._outbox.max_frame_bytes)

        def sent() -> None:
            if cmd != "set-action":  # whether the service acks it is not documented
                self._acks.sent(mid, cmd, self._clock())
                self._deadline_added()
            self._channel.post(CommandSent(cmd=cmd, mid=mid, data=without_secrets(dict(data or {}))), turn=turn)

        self._outbox.command(frame, sent)
        return mid

    async def ask(self, cmd: CommandName, data: Mapping[str, Any]) -> CommandAck:
        """Send a command and wait for its ack.

        :raises CommandUnanswered: none came in time.
        :raises SessionOver: the session ended first.
        """
        mid = self.send(cmd, data)
        waiter = self._waiters[mid] = _Waiter()
        try:
            await waiter.done.wait()
        finally:
            del self._waiters[mid]
        if waiter.ack is not None:
            return waiter.ack
        raise SessionOver if self._over else CommandUnanswered(cmd, mid, self._timeout_s)

    def answered(self, message: wire.Command) -> None:
        answer = self._acks.answered(message, self._clock())
        ack = CommandAck(cmd=answer.cmd, mid=answer.mid, code=answer.code, msg=answer.msg, elapsed_s=answer.elapsed_s)
        self._settle(answer.mid, self._channel.post(ack))

    @property
    def next_deadline(self) -> float | None:
        return self._acks.next_deadline

    def expire(self, now: float) -> None:
        for late in self._acks.expire(now):
            cmd: CommandName = late.cmd  # type: ignore[assignment]  # only our own commands are expected
            self._channel.post(CommandTimedOut(cmd=cmd, mid=late.mid, elapsed_s=late.elapsed_s))
            self._settle(late.mid, None)

    def shut(self) -> None:
        """The session ends: nobody waits any longer."""
        self._over = True
        for mid in list(self._waiters):
            self._settle(mid, None)

    def _settle(self, mid: str, ack: CommandAck | None) -> None:
        if waiter := self._waiters.get(mid):
            waiter.ack = ack
            waiter.done.set()


class _Waiter:
    def __init__(self) -> None:
        self.done = anyio.Event()
        self.ack: CommandAck | None = None
