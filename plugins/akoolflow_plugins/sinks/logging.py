"""Sink `logging`: events as records of the standard library's logging, to be routed like any other."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Struct

from akoolflow.errors import OptionInvalid
from akoolflow.events import EVENT_TYPES, Event
from akoolflow.hookspecs import hookimpl
from akoolflow.registry import Registry
from akoolflow.secret import masked
from akoolflow.toml.faults import nearest

__all__ = ["DEFAULT_LEVELS", "Level", "Logging", "LoggingOptions", "akoolflow_register"]

Level: TypeAlias = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "OFF"]
_LEVELS: Final[Mapping[Level, int]] = {
    "DEBUG": logging.DEBUG,
    "INFO": logging.INFO,
    "WARNING": logging.WARNING,
    "ERROR": logging.ERROR,
    "CRITICAL": logging.CRITICAL,
}
DEFAULT_LEVELS: Final[Mapping[str, Level]] = {
    "SessionCreated": "INFO",
    "SessionReady": "INFO",
    "SessionExpiring": "INFO",
    "SessionEnded": "INFO",
    "SessionFailed": "ERROR",
    "LinkConnected": "INFO",
    "LinkLost": "WARNING",
    "LinkRestored": "INFO",
    "UserUtterance": "INFO",
    "BotChunk": "DEBUG",
    "SpeechStarted": "DEBUG",
    "SpeechEnded": "DEBUG",
    "TurnStarted": "DEBUG",
    "TurnFinished": "INFO",
    "TurnInterrupted": "INFO",
    "CommandSent": "DEBUG",
    "CommandAck": "DEBUG",
    "CommandTimedOut": "WARNING",
    "BrainFailed": "WARNING",
    "PluginFailed": "WARNING",
    "EventsDropped": "WARNING",
    "DeliveryFailed": "WARNING",
    "ProtocolViolated": "WARNING",
}
_TEXT_LINE: Final = "%(asctime)s %(levelname)-8s %(message)s"
_PLACE: Final = ("session", "seq", "turn", "cause")
_STAMP: Final = frozenset(Event.__struct_fields__)
_UNSAFE_SPANS: Final = [(0, 0x1F), (0x7F, 0x9F), (0x61C, 0x61C), (0x2028, 0x202E), (0x2066, 0x2069), (0xD800, 0xDFFF)]
_UNSAFE: Final = {code: f"\\u{code:04x}" for first, last in _UNSAFE_SPANS for code in range(first, last + 1)}
"""What could end a line, drive a terminal, turn the direction of text or break an encoding, as JSON escapes."""


class LoggingOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    logger: str = "akoolflow.session"
    """Name of the logger."""
    format: Literal["text", "json"] = "text"
    """The message: the event's name with `key=value` pairs, or one JSON object."""
    levels: dict[str, Level] = {}
    """Level by event name, where it is not to be the usual one; `OFF` leaves the event out."""
    configure: bool = False
    """Give that logger (never the root logger) a handler to standard error, for programs that set up no logging."""

    def __post_init__(self) -> None:
        for name in self.levels:
            if name not in DEFAULT_LEVELS:
                raise OptionInvalid(("levels", name), f"no event is called {name!r}", nearest(name, DEFAULT_LEVELS))
        if not self.logger:
            raise OptionInvalid("logger", "the root logger", 'give it a name, such as "akoolflow.session"')


class Logging:
    """Each record has the attributes `event`, `session`, `seq`, `turn`, `cause`, and `fields`: the event's own."""

    def __init__(self, options: LoggingOptions) -> None:
        self._json = options.format == "json"
        self._logger = logging.getLogger(options.logger)
        names = {**DEFAULT_LEVELS, **options.levels}
        self._levels = {kind: _LEVELS.get(names[kind.__name__]) for kind in EVENT_TYPES}
        self._undo: Callable[[], None] | None = None
        if options.configure:
            lowest = min((level for level in self._levels.values() if level is not None), default=logging.CRITICAL)
            self._undo = _configure(self._logger, lowest, "%(message)s" if self._json else _TEXT_LINE)

    @hookimpl
    def on_event(self, event: Event) -> None:
        level = self._levels.get(type(event))
        if level is None or not self._logger.isEnabledFor(level):
            return
        own = (name for name in event.__struct_fields__ if name not in _STAMP)
        fields = {name: msgspec.to_builtins(getattr(event, name), enc_hook=masked) for name in own}
        place = {"event": type(event).__name__} | {name: getattr(event, name) for name in _PLACE}
        message = self._object(event, level, place | fields) if self._json else _pairs(place | fields)
        self._logger.log(level, "%s", message, extra={**place, "fields": fields})

    def _object(self, event: Event, level: int, values: dict[str, Any]) -> str:
        time = datetime.fromtimestamp(event.unix_s, UTC).isoformat(timespec="microseconds")
        return _encoded({"time": time, "level": logging.getLevelName(level), "logger": self._logger.name} | values)

    async def aclose(self) -> None:
        """Leave the logger as it was found."""
        undo, self._undo = self._undo, None
        if undo is not None:
            undo()


class _Stderr:
    """Standard error as it is when something is written: prompt_toolkit puts its own there while the user can type."""

    def write(self, text: str) -> None:
        sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def _configure(logger: logging.Logger, level: int, line: str) -> Callable[[], None]:
    before = logger.level, logger.propagate
    handler = logging.StreamHandler(_Stderr())
    handler.setFormatter(logging.Formatter(line))
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False

    def undo() -> None:
        logger.removeHandler(handler)
        handler.close()
        logger.setLevel(before[0])
        logger.propagate = before[1]

    return undo


def _pairs(values: dict[str, Any]) -> str:
    event = values.pop("event")
    return " ".join([event, *(f"{name}={_encoded(value)}" for name, value in values.items())])


def _encoded(value: object) -> str:
    # The standard library's, since a text may hold half a surrogate pair, which msgspec refuses.
    return json.dumps(value, ensure_ascii=False).translate(_UNSAFE)


@hookimpl
def akoolflow_register(registry: Registry) -> None:
    registry.sinks.add("logging", LoggingOptions, Logging)
