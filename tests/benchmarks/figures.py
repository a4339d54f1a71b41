"""From what was measured to what is told."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Final

from contract import Figures

__all__ = ["PATIENCE_S", "SETTLE_S", "check_count", "medians", "percentile"]

PATIENCE_S: Final = 300.0
"""Longest wait for what a peer was given to do."""
SETTLE_S: Final = 0.03
"""Time for what should not come any more to come all the same."""


def percentile(values: Sequence[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


def medians(rounds: Sequence[Figures]) -> Figures:
    return {name: statistics.median(figures[name] for figures in rounds) for name in rounds[0]}


def check_count(found: int, expected: int) -> None:
    if found != expected:
        raise RuntimeError(f"{expected} chunks should have left; {found} did")
