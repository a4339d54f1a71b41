"""Brain `echo`: says back what it hears; the smallest brain there is, and a model to copy."""

from __future__ import annotations

import re
from typing import Final, Literal

from msgspec import Struct

from akoolflow.contracts import Say, Turn
from akoolflow.hookspecs import hookimpl
from akoolflow.registry import Registry

__all__ = ["Echo", "EchoOptions", "akoolflow_register"]

_WORD: Final = re.compile(r"\s*\S+\s*")


class EchoOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    prefix: str = ""
    """Said before the user's words, with nothing put between: end it with a space if there is to be one."""
    chunk: Literal["whole", "word"] = "whole"
    """Give the answer in one piece, or word by word as a language model would."""


class Echo:
    """Takes every turn."""

    def __init__(self, options: EchoOptions) -> None:
        self._options = options

    async def respond(self, turn: Turn, say: Say) -> None:
        if not turn.text.strip():
            return
        answer = self._options.prefix + turn.text
        for piece in _WORD.findall(answer) if self._options.chunk == "word" else [answer]:
            await say(piece)


@hookimpl
def akoolflow_register(registry: Registry) -> None:
    registry.brains.add("echo", EchoOptions, Echo)
