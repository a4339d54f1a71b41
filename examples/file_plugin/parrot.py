"""A brain and a sink in one file, with options; no packaging."""

from __future__ import annotations

from msgspec import Struct

from akoolflow import Say, Turn, hookimpl
from akoolflow.events import TurnFinished


class ParrotOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    times: int = 2
    """How often each word is said."""


class Parrot:
    """Says every word several times."""

    Options = ParrotOptions

    def __init__(self, options: ParrotOptions) -> None:
        self._times = options.times

    async def respond(self, turn: Turn, say: Say) -> None:
        for word in turn.text.split():
            await say(f"{word} " * self._times)


class CountTurns:
    """Prints how many turns there were so far."""

    def __init__(self) -> None:
        self._turns = 0

    @hookimpl
    def on_turn_finished(self, event: TurnFinished) -> None:
        self._turns += 1
        print(f"turn {self._turns}: {event.times.total_s:.1f} s")
