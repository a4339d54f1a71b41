"""One cell in a process of its own: `python -m peers.NAME SPEC`, with the spec as JSON, prints one JSON line."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
from contract import Figures, Opener, Peer, Spec
from fan_out import fan_out
from interruption import interruption
from noise import Noise
from sessions import many_sessions
from turns import latency, most_turns

__all__ = ["about", "main", "tell"]

_WORKLOADS: Final[dict[str, Callable[[Peer, Spec, Noise], Awaitable[Figures]]]] = {
    "fan_out": fan_out,
    "latency": latency,
    "most_turns": most_turns,
    "many_sessions": many_sessions,
    "interruption": interruption,
}


def main(variants: Mapping[str, Opener], *, distribution: str | None = None) -> None:
    """Run the cell that the command line describes; `distribution` is whose version is told."""
    spec = msgspec.json.decode(sys.argv[1], type=Spec)
    asyncio.run(_run(variants[spec.variant], spec, about(distribution)))


def about(distribution: str | None) -> dict[str, Any]:
    version = importlib.metadata.version(distribution) if distribution else ""
    return {"python": ".".join(map(str, sys.version_info[:3])), "version": version}


def tell(row: Mapping[str, Any], noise: Noise) -> None:
    sys.stdout.write(msgspec.json.encode({**row, "others_cores": noise.cores}).decode() + "\n")
    sys.stdout.flush()


async def _run(opener: Opener, spec: Spec, row: dict[str, Any]) -> None:
    noise = Noise(spec.patience_s)
    try:
        async with opener() as peer:
            row["figures"] = await _WORKLOADS[spec.workload](peer, spec, noise)
            _leave(row, noise)
    except Exception as error:  # noqa: BLE001 - the figure of a cell that failed is its error
        traceback.print_exc()
        row["error"] = f"{type(error).__name__}: {error}"[:300]
        _leave(row, noise)


def _leave(row: Mapping[str, Any], noise: Noise) -> None:
    tell(row, noise)
    # At once: to take down thousands of open sessions is no part of any figure, and takes some peers minutes.
    os._exit(1 if "error" in row else 0)
