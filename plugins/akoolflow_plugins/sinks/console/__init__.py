"""Sink `console`: the conversation to read along, coloured on a terminal, plain in a pipe.

Read `screen` (where it is written), then `lines` (what is written).
"""

from __future__ import annotations

from typing import Literal, TextIO

import anyio
from msgspec import Struct

from akoolflow.events import Event
from akoolflow.hookspecs import hookimpl
from akoolflow.registry import Registry
from akoolflow_plugins.sinks.console.lines import Conversations, one_line
from akoolflow_plugins.sinks.console.screen import Screen

__all__ = ["Console", "ConsoleOptions", "akoolflow_register"]


class ConsoleOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    show: Literal["conversation", "all"] = "conversation"
    """What is said, with a line when something happens to the session; or one line for each event, with its fields."""
    times: bool = False
    """A line with the latencies after each turn."""
    echo_typed: bool = True
    """Show what the user typed; false where the typed line stays on the screen anyway."""


class Console:
    """Text from outside is shown harmless: it cannot move the cursor, and cannot pass for another speaker's."""

    def __init__(self, options: ConsoleOptions, stream: TextIO | None = None) -> None:
        """:param stream: by default `sys.stdout`, as it is when something is written."""
        self._options = options
        self._screen = Screen(stream)
        self._conversations = Conversations(times=options.times, echo_typed=options.echo_typed)
        self._in_turn = anyio.Lock(fast_acquire=True)
        """Sessions write one after the other, in the order in which their lines were made."""

    @property
    def echo_typed(self) -> bool:
        """May be changed at any time: only the program that reads the input knows what stays on the screen."""
        return self._conversations.echo_typed

    @echo_typed.setter
    def echo_typed(self, value: bool) -> None:
        self._conversations.echo_typed = value

    @hookimpl
    async def on_event(self, event: Event) -> None:
        if self._screen.gone:
            return
        async with self._in_turn:
            paint = self._screen.paint
            shown = one_line(event, paint) if self._options.show == "all" else self._conversations.lines(event, paint)
            await self._screen.write(shown)

    async def aclose(self) -> None:
        """Finish the last line."""
        async with self._in_turn:
            await self._screen.write(self._conversations.end_line())


@hookimpl
def akoolflow_register(registry: Registry) -> None:
    registry.sinks.add("console", ConsoleOptions, Console)
