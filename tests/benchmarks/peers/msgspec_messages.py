"""The floor of W6: msgspec's own decoder and encoder over a tagged union, called directly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from messages import main


class ChatPayload(msgspec.Struct):
    text: str
    from_: str = msgspec.field(name="from", default="")


class Chat(msgspec.Struct, tag="chat"):
    v: int
    mid: str
    idx: int
    fin: bool
    pld: ChatPayload


class Command(msgspec.Struct, tag="command"):
    v: int
    mid: str
    pld: dict[str, Any]


class Event(msgspec.Struct, tag="event"):
    v: int
    mid: str
    pld: dict[str, Any]


def _codec() -> tuple[Callable[[bytes], object], Callable[[object], bytes]]:
    return msgspec.json.Decoder(Chat | Command | Event).decode, msgspec.json.Encoder().encode


if __name__ == "__main__":
    main({"struct": _codec}, distribution="msgspec")
