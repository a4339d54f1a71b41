"""json and dataclasses, as they are written by hand; the types of what is read are not checked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from messages import main


@dataclass(slots=True)
class Chat:
    v: int
    mid: str
    idx: int
    fin: bool
    from_: str
    text: str


@dataclass(slots=True)
class Other:
    v: int
    type: str
    mid: str
    pld: dict[str, Any]


def _decode(frame: bytes) -> Chat | Other:
    read = json.loads(frame)
    if read["type"] == "chat":
        payload = read["pld"]
        return Chat(read["v"], read["mid"], read["idx"], read["fin"], payload.get("from", ""), payload["text"])
    return Other(read["v"], read["type"], read["mid"], read["pld"])


def _encode(message: Chat | Other) -> bytes:
    written: dict[str, Any]
    if isinstance(message, Chat):
        payload = {"from": message.from_, "text": message.text}
        written = {"v": message.v, "type": "chat", "mid": message.mid}
        written |= {"idx": message.idx, "fin": message.fin, "pld": payload}
    else:
        written = {"v": message.v, "type": message.type, "mid": message.mid, "pld": message.pld}
    return json.dumps(written, separators=(",", ":"), ensure_ascii=False).encode()


def _codec() -> tuple[Callable[[bytes], Chat | Other], Callable[[Chat | Other], bytes]]:
    return _decode, _encode


if __name__ == "__main__":
    main({"dataclass": _codec})
