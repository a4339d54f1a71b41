"""pydantic over a discriminated union, through its quickest entry points."""
# mypy: disallow-subclassing-any=False, disable-error-code="no-any-unimported, import-not-found"
# Models have to inherit from its own, which carries no types where it is not installed.

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from messages import main
from pydantic import BaseModel, Field, TypeAdapter


class ChatPayload(BaseModel):
    text: str
    from_: str = Field(default="", alias="from")


class Chat(BaseModel):
    type: Literal["chat"]
    v: int
    mid: str
    idx: int
    fin: bool
    pld: ChatPayload


class Command(BaseModel):
    type: Literal["command"]
    v: int
    mid: str
    pld: dict[str, Any]


class Event(BaseModel):
    type: Literal["event"]
    v: int
    mid: str
    pld: dict[str, Any]


def _codec() -> tuple[Callable[[bytes], Any], Callable[[Any], bytes]]:
    adapter: Any = TypeAdapter(Annotated[Chat | Command | Event, Field(discriminator="type")])
    return adapter.validate_json, lambda message: message.model_dump_json(by_alias=True).encode()


if __name__ == "__main__":
    main({"union": _codec}, distribution="pydantic")
