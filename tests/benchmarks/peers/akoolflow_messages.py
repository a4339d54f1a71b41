"""akoolflow's codec through its own entry points; variant `reassembly` puts each message in its order as well."""

from __future__ import annotations

from collections.abc import Callable

from contract import clock
from messages import main

from akoolflow.protocol.codec import decode, encode
from akoolflow.protocol.reassembly import Reassembly
from akoolflow.protocol.wire import Chat, Message


def _codec() -> tuple[Callable[[bytes], Message], Callable[[Message], bytes]]:
    return decode, encode


def _with_reassembly() -> tuple[Callable[[bytes], Message], Callable[[Message], bytes]]:
    reassembly = Reassembly()

    def receive(frame: bytes) -> Message:
        message = decode(frame)
        if isinstance(message, Chat):
            reassembly.receive(message, clock())
        return message

    return receive, encode


if __name__ == "__main__":
    main({"codec": _codec, "reassembly": _with_reassembly}, distribution="akoolflow")
