"""What is run: every cell of W1 to W4 and W6, at one of three sizes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

from contract import Spec
from msgspec import Struct
from msgspec.structs import replace

__all__ = ["FLOORS", "PEERS", "Cell", "Size", "cells", "rounds"]

Size: TypeAlias = Literal["full", "quick", "tiny"]
FLOORS: Final = ("floor", "asyncio + msgspec", "asyncio.Queue + msgspec", "click, one command", "bare msgspec")
"""What each workload's least is called."""


class Cell(Struct, frozen=True):
    """One program of one peer, run in a process of its own as often as there are rounds."""

    name: str
    peer: str
    """As the tables call it."""
    script: str
    """File in `peers`."""
    needs: str
    """Module that its interpreter must have; empty for any."""
    spec: Spec
    most_rounds: int = 99


# peer: (file, what it needs, variant)
PEERS: Final[dict[str, tuple[str, str, str]]] = {
    "floor": ("floor", "", "inbox"),
    "akoolflow": ("akoolflow_bus", "akoolflow", "channels"),
    "akoolflow, session": ("akoolflow_session", "akoolflow", "session"),
    "asyncio.Queue": ("asyncio_queue", "", "bounded"),
    "anyio, send_nowait": ("anyio_streams", "anyio", "nowait"),
    "anyio, send": ("anyio_streams", "anyio", "send"),
    "blinker": ("blinker_signals", "blinker", "send_async"),
    "pluggy": ("pluggy_hooks", "pluggy", "awaited"),
    "pyee": ("pyee_emitter", "pyee", "tasks"),
    "livekit-agents": ("livekit_session", "livekit.agents", "text"),
    "pipecat": ("pipecat_worker", "pipecat", "lean"),
    "pipecat, its bus": ("pipecat_worker", "pipecat", "bus"),
    "faststream": ("faststream_memory", "faststream", "memory"),
    "bubus": ("bubus_bus", "bubus", "awaited"),
}

# The number is cut where the usual one would take more than some seconds a repetition.
_MOST_EVENTS: Final = 100_000
_EVENTS: Final = {
    **dict.fromkeys(("floor", "akoolflow", "asyncio.Queue"), _MOST_EVENTS),
    **dict.fromkeys(("anyio, send_nowait", "blinker", "pluggy", "pipecat, its bus"), 50_000),
    **dict.fromkeys(("anyio, send", "pyee", "livekit-agents"), 20_000),
    "pipecat": 5_000,
    "faststream": 2_000,
    "bubus": 300,
}
# peer: (turns, in flight)
_MOST_TURNS: Final = {
    **dict.fromkeys(("floor", "akoolflow", "asyncio.Queue"), (5_000, 64)),
    **dict.fromkeys(("anyio, send_nowait", "anyio, send", "blinker", "pluggy", "pyee"), (2_000, 64)),
    "pipecat": (500, 64),
    "faststream": (200, 64),
    # one conversation takes one turn at a time
    "akoolflow, session": (1_000, 1),
    "livekit-agents": (200, 1),
}
# peer: (sessions, most rounds); bubus and FastStream's memory do not get to thousands, pluggy's set-up is too slow
_SESSIONS: Final = {
    **dict.fromkeys(("floor", "akoolflow", "asyncio.Queue", "anyio, send_nowait", "blinker", "pyee"), (10_000, 3)),
    "akoolflow, session": (1_000, 3),
    "pluggy": (1_000, 3),
    "pipecat": (10_000, 1),
    "livekit-agents": (10_000, 1),
    "faststream": (100, 3),
    "bubus": (100, 3),
}
_INTERRUPTED: Final = (
    *("floor", "akoolflow", "akoolflow, session", "asyncio.Queue", "anyio, send_nowait"),
    *("pipecat", "livekit-agents"),
)
_CODECS: Final[dict[str, tuple[str, str, str]]] = {
    "bare msgspec": ("msgspec_messages", "msgspec", "struct"),
    "akoolflow": ("akoolflow_messages", "akoolflow", "codec"),
    "akoolflow, reassembly": ("akoolflow_messages", "akoolflow", "reassembly"),
    "pydantic": ("pydantic_messages", "pydantic", "union"),
    "json + dataclass": ("json_messages", "", "dataclass"),
}


def rounds(size: Size) -> int:
    return {"full": 5, "quick": 2, "tiny": 1}[size]


def cells(size: Size) -> Iterator[Cell]:
    for cell in _full_size():
        if size == "quick":
            yield replace(cell, most_rounds=min(cell.most_rounds, 2), spec=_quick(cell.spec))
        elif size == "tiny":
            yield replace(cell, spec=_tiny(cell.spec))
        else:
            yield cell


def _full_size() -> Iterator[Cell]:
    for subscribers in (1, 3, 10):
        for peer, events in _EVENTS.items():
            repeats = 3 if events == _MOST_EVENTS else 1
            spec = Spec(workload="fan_out", variant="", repeats=repeats, events=events, subscribers=subscribers)
            yield _cell(f"W1/{subscribers}", peer, spec)
    for peer in PEERS:
        if peer != "pipecat, its bus":
            slow = {"turns": 60, "turns_per_s": 20.0} if peer == "bubus" else {"turns": 300}
            yield _cell("W2/latency", peer, Spec(workload="latency", variant="", **slow))
    for peer, (turns, window) in _MOST_TURNS.items():
        yield _cell("W2/most", peer, Spec(workload="most_turns", variant="", repeats=3, turns=turns, window=window))
    for peer, (sessions, most_rounds) in _SESSIONS.items():
        yield _cell("W3", peer, Spec(workload="many_sessions", variant="", sessions=sessions), most_rounds)
    for peer in _INTERRUPTED:
        yield _cell("W4", peer, Spec(workload="interruption", variant=""))
    for peer, (script, needs, variant) in _CODECS.items():
        yield Cell("W6", peer, script, needs, Spec(workload="messages", variant=variant, repeats=3))


def _cell(name: str, peer: str, spec: Spec, most_rounds: int = 99) -> Cell:
    script, needs, variant = PEERS[peer]
    if name.startswith("W1") and peer == "akoolflow":
        variant = "bus"
    return Cell(name, peer, script, needs, replace(spec, variant=variant), most_rounds)


def _quick(spec: Spec) -> Spec:
    return replace(
        spec,
        repeats=1,
        events=max(spec.events // 4, 100),
        turns=max(spec.turns // 4, 20),
        sessions=min(spec.sessions, 1_000),
        idle_s=0.5,
        trials=40,
        patience_s=0.0,
    )


def _tiny(spec: Spec) -> Spec:
    return replace(
        spec,
        repeats=1,
        events=20,
        turns=3,
        turns_per_s=1000.0,
        window=min(spec.window, 2),
        sessions=3,
        idle_s=0.01,
        trials=2,
        background=1,
        patience_s=0.0,
    )
