"""Seeded trouble: refusals, waits, lost answers, dropped connections, by call. The same seed gives the same trouble."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from random import Random
from typing import Annotated, Literal

from msgspec import Meta, Struct

from akoolflow.errors import OptionInvalid

__all__ = ["Fault", "Faults", "Firing", "Trouble"]

_Seconds = Annotated[float, Meta(ge=0, le=3600)]


class Fault(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of trouble, and when it happens."""

    does: Literal["refuse", "delay", "lose_answer", "drop", "http_error"]
    """`refuse` answers with `code`; `delay` waits before the call is carried out; `lose_answer` carries it out and
    drops the connection instead of answering; `drop` drops it without carrying anything out; `http_error` answers with
    `status` and a page that is no JSON, as a gateway does."""
    endpoint: Annotated[str, Meta(min_length=1)] = "*"
    """Which calls: a path below `/api/open/`, with `*` for any part of it, as in `*/session/create`."""
    code: Annotated[int, Meta(ge=1, le=99_999)] | None = None
    status: Annotated[int, Meta(ge=400, le=599)] = 502
    delay_s: _Seconds = 0.0
    jitter_s: _Seconds = 0.0
    """Up to so much more, evenly spread."""
    share: Annotated[float, Meta(gt=0, le=1)] = 1.0
    """Of the calls that match."""
    skip: Annotated[int, Meta(ge=0)] = 0
    """Matching calls that come before the first trouble."""
    times: Annotated[int, Meta(ge=1)] | None = None
    """How often at most; without an end by default."""

    def __post_init__(self) -> None:
        if (self.does == "refuse") != (self.code is not None):
            raise OptionInvalid("code", "goes with `refuse`, and is needed there", "such as code = 1215")
        if self.code == 1000:
            raise OptionInvalid("code", "1000 is success", "such as code = 1215")
        if self.does == "delay" and not self.delay_s + self.jitter_s:
            raise OptionInvalid("delay_s", "a delay of nothing", "such as delay_s = 2.5")


class Firing(Struct, frozen=True, kw_only=True):
    """A fault, and how often it has happened."""

    fault: Fault
    matched: int
    fired: int


class Trouble(Struct, frozen=True, kw_only=True):
    """What happens to one call."""

    delay_s: float = 0.0
    fault: Fault | None = None
    """The one that takes the place of the answer; None if there is an answer."""


class Faults:
    """Draws the trouble of each call; each fault has random numbers of its own, so that none disturbs another."""

    def __init__(self, faults: Sequence[Fault], seed: int) -> None:
        self._faults = tuple(faults)
        self._random = [Random(f"{seed}:{n}") for n in range(len(faults))]
        self._matched = [0] * len(faults)
        self._fired = [0] * len(faults)

    def draw(self, endpoint: str) -> Trouble:
        """:param endpoint: the name of the call."""
        delay_s = 0.0
        instead: Fault | None = None
        for n, fault in enumerate(self._faults):
            if (instead and fault.does != "delay") or not fnmatchcase(endpoint, fault.endpoint):
                continue
            if not self._strikes(n, fault):
                continue
            if fault.does == "delay":
                delay_s += fault.delay_s + fault.jitter_s * self._random[n].random()
            else:
                instead = fault
        return Trouble(delay_s=delay_s, fault=instead)

    def firings(self) -> list[Firing]:
        counts = zip(self._faults, self._matched, self._fired, strict=True)
        return [Firing(fault=fault, matched=matched, fired=fired) for fault, matched, fired in counts]

    def _strikes(self, n: int, fault: Fault) -> bool:
        self._matched[n] += 1
        if self._matched[n] <= fault.skip or (fault.times is not None and self._fired[n] >= fault.times):
            return False
        if self._random[n].random() >= fault.share:
            return False
        self._fired[n] += 1
        return True
