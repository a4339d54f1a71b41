"""W6: a stream message read and written again, the same frames for every codec, each with a mid of its own."""

from __future__ import annotations

import gc
import statistics
import sys
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias, TypeVar

import msgspec
from cell import about, tell
from contract import TEXT, Spec, clock
from noise import Noise

__all__ = ["main"]

M = TypeVar("M")
Make: TypeAlias = Callable[[], tuple[Callable[[bytes], M], Callable[[M], bytes]]]
"""Makes a pair of functions that decode and encode, new for each repetition."""
_FRAME: Final = '{"v":2,"type":"chat","mid":"msg-1763683200000-%d","idx":0,"fin":true,"pld":{"from":"bot","text":"%s"}}'


def main(variants: Mapping[str, Make[M]], *, distribution: str | None = None) -> None:
    """Run the cell that the command line describes.

    :raises RuntimeError: a message came out as another one.
    """
    spec = msgspec.json.decode(sys.argv[1], type=Spec)
    make = variants[spec.variant]
    frames = [(_FRAME % (number, TEXT)).encode() for number in range(spec.events)]
    _check(make, frames[0])
    noise = Noise(spec.patience_s)
    seconds = []
    for _ in range(1 + spec.repeats):
        decode, encode = make()
        gc.collect()
        with noise:
            began = clock()
            for frame in frames:
                encode(decode(frame))
            seconds.append(clock() - began)
    tell(about(distribution) | {"figures": {"per_s": spec.events / statistics.median(seconds[1:])}}, noise)


def _check(make: Make[M], frame: bytes) -> None:
    decode, encode = make()
    if msgspec.json.decode(encode(decode(frame))) != msgspec.json.decode(frame):
        raise RuntimeError("the message that was written is not the one that was read")
