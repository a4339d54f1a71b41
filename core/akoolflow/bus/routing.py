"""Who wants what: from pluggy's registrations to plain tuples, once at assembly."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeAlias

import pluggy
from msgspec import Struct

from akoolflow import hookspecs
from akoolflow.errors import HookInvalid
from akoolflow.events import EVENT_TYPES, Event, hook_name

__all__ = ["ONLY_EVENT", "Component", "Inbox", "component_of", "component_of_handler", "new_plugin_manager"]

ArgumentShape: TypeAlias = tuple[str, ...]
Hook: TypeAlias = tuple[Callable[..., Any], ArgumentShape, str]
"""The function, the arguments it asks for in its own order, and the hook's name for reports."""

ONLY_EVENT: Final[ArgumentShape] = ("event",)
_SHAPES: Final[dict[ArgumentShape, ArgumentShape]] = {
    shape: shape for shape in [(), ONLY_EVENT, ("session",), ("event", "session"), ("session", "event")]
}
"""Each shape maps to one tuple, so that the hot path can compare by identity."""


class Inbox(Struct, frozen=True, kw_only=True):
    """How many events may wait for a component in one session, and what happens to one more."""

    capacity: int = 1024
    when_full: Literal["wait", "drop_oldest"] = "wait"
    """`wait`: the publisher waits for room; `drop_oldest`: the oldest event is dropped, counted and reported."""
    max_wait_s: float = 2.0
    """Longest wait of a publisher; after it, this inbox drops its oldest until it has caught up by half."""


class Component:
    """One registered component: its hooks by event type, its inbox rule, and how it is doing."""

    __slots__ = ("delivered", "dropped", "failed", "failures", "hooks", "inbox", "name", "put_aside", "subject")

    def __init__(self, name: str, subject: object, hooks: Mapping[type[Event], tuple[Hook, ...]], inbox: Inbox) -> None:
        self.name, self.subject, self.hooks, self.inbox = name, subject, hooks, inbox
        self.delivered = self.failed = self.dropped = 0
        self.failures = 0
        """In a row."""
        self.put_aside = False


def new_plugin_manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


def component_of(manager: pluggy.PluginManager, subject: object, name: str | None, inbox: Inbox) -> Component:
    """Register `subject` with pluggy and compile what it found.

    :raises HookInvalid: a marked method is no hook, asks for something that is not offered, or wraps others.
    """
    plain_name = name or type(subject).__name__
    try:
        registered = manager.register(subject, name)
    except pluggy.PluginValidationError as error:
        raise HookInvalid(plain_name, _culprit(subject, error), str(error).splitlines()[-1].strip()) from error
    except ValueError as error:
        raise HookInvalid(plain_name, "register", "it is registered already, or the name is taken") from error
    try:
        found = _hooks(manager, subject, registered or plain_name)
    except HookInvalid:
        manager.unregister(subject)
        raise
    return Component(registered or plain_name, subject, found, inbox)


def component_of_handler(event_type: type[Event], handler: Callable[..., object], name: str, inbox: Inbox) -> Component:
    """A component made of one callable, which takes the event, or the event and the session, by position."""
    try:
        parameters = inspect.signature(handler).parameters.values()
    except (TypeError, ValueError):
        shape = ONLY_EVENT
    else:
        required = [p for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
        wants_more = [p for p in required if p.default is p.empty]
        if len(wants_more) > 2:
            raise HookInvalid(name, "subscribe", "a handler takes (event) or (event, session)")
        shape = ("event", "session")[: max(len(wants_more), 1)] if required else ()
    types = EVENT_TYPES if event_type is Event else (event_type,)
    hook: Hook = (handler, _SHAPES[shape], name)
    return Component(name, handler, dict.fromkeys(types, (hook,)), inbox)


def _hooks(manager: pluggy.PluginManager, subject: object, name: str) -> dict[type[Event], tuple[Hook, ...]]:
    by_name: dict[str, Hook] = {}
    for caller in manager.get_hookcallers(subject) or []:
        if not caller.has_spec():
            raise HookInvalid(name, caller.name, _nearest(caller.name))
        for implementation in caller.get_hookimpls():
            if implementation.plugin is not subject:
                continue
            shape = tuple(implementation.argnames)
            if implementation.wrapper or implementation.hookwrapper:
                raise HookInvalid(name, caller.name, "wrappers are not offered: each component has an inbox of its own")
            if caller.name.startswith("on_"):
                by_name[caller.name] = (implementation.function, _SHAPES[shape], caller.name)
    every = (by_name["on_event"],) if "on_event" in by_name else ()
    own = {event_type: by_name.get(hook_name(event_type)) for event_type in EVENT_TYPES}
    table = {event_type: ((hook, *every) if hook else every) for event_type, hook in own.items()}
    return {event_type: hooks for event_type, hooks in table.items() if hooks}


def _nearest(unknown: str) -> str:
    known = [name for name in vars(hookspecs) if name.startswith(("on_", "akoolflow_"))]
    near = difflib.get_close_matches(unknown, known, n=1)
    return f"there is no such hook; did you mean {near[0]!r}?" if near else "there is no such hook; see `hookspecs`"


def _culprit(subject: object, error: pluggy.PluginValidationError) -> str:
    return next((name for name in dir(subject) if name.startswith("on_") and repr(name) in str(error)), "?")
