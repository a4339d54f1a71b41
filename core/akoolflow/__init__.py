"""akoolflow: a plugin-based, event-driven framework for AKOOL streaming avatars.

The names below are the public door; events are in `akoolflow.events`, errors in `akoolflow.errors`, what plugins
implement in `akoolflow.contracts`, what their tests need in `akoolflow.testing`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from akoolflow.bus import Bus, Inbox
    from akoolflow.contracts import PASS, Brain, Link, Say, Session, Transport, Turn
    from akoolflow.errors import AkoolflowError
    from akoolflow.flow import Flow
    from akoolflow.hookspecs import hookimpl
    from akoolflow.registry import Registry

__all__ = [
    "PASS",
    "AkoolflowError",
    "Brain",
    "Bus",
    "Flow",
    "Inbox",
    "Link",
    "Registry",
    "Say",
    "Session",
    "Transport",
    "Turn",
    "__version__",
    "hookimpl",
]

_HOMES = {
    "AkoolflowError": "errors",
    "Bus": "bus",
    "Flow": "flow",
    "Inbox": "bus",
    "Registry": "registry",
    "hookimpl": "hookspecs",
} | dict.fromkeys(("PASS", "Brain", "Link", "Say", "Session", "Transport", "Turn"), "contracts")


def __getattr__(name: str) -> Any:
    # Imported at first use, so that `akoolflow --help` and plugins that need one name stay quick to start.
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - slow to import, rarely asked for

        return version("akoolflow")
    if name in _HOMES:
        return getattr(import_module(f"akoolflow.{_HOMES[name]}"), name)
    msg = f"module 'akoolflow' has no attribute {name!r}"
    raise AttributeError(msg)
