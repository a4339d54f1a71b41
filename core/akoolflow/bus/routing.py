"""Who wants what: from pluggy's registrations to plain tuples, once at assembly."""

from __future__ import annotations

import difflib
import inspect
import itertools
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeAlias, get_args

import pluggy
from msgspec import Struct

from akoolflow import hookspecs
from akoolflow.errors import HookInvalid, OptionInvalid
from akoolflow.events import EVENT_TYPES, Event, hook_name

__all__ = ["ONLY_EVENT", "Component", "Hook", "Inbox", "component_of", "component_of_handler", "new_plugin_manager"]

ArgumentShape: TypeAlias = tuple[str, ...]
Hook: TypeAlias = tuple[Callable[..., Any], ArgumentShape, str]
"""The function, the arguments it asks for in its own order, and the hook's name for reports."""
WhenFull: TypeAlias = Literal["wait", "drop_oldest"]

ONLY_EVENT: Final[ArgumentShape] = ("event",)
_SHAPES: Final[dict[ArgumentShape, ArgumentShape]] = {
    shape: shape for shape in [(), ONLY_EVENT, ("session",), ("event", "session"), ("session", "event")]
}
"""Each shape maps to one tuple, so that the hot path can compare by identity."""


class Inbox(Struct, frozen=True, kw_only=True):
    """How many events may wait for a component in one session, and what happens to one more."""

    capacity: int = 1024
    when_full: WhenFull = "wait"
    """`wait`: the publisher waits for room; `drop_oldest`: the oldest event is dropped, counted and reported."""
    max_wait_s: float = 2.0
    """Longest wait of a publisher; after it, this inbox drops its oldest until it has caught up by half."""

    def __post_init__(self) -> None:
        if self.capacity < 1:
            raise OptionInvalid("capacity", f"an inbox for {self.capacity} events would take none", "1 or more")
        if self.when_full not in get_args(WhenFull):
            raise OptionInvalid("when_full", f"no such rule: {self.when_full!r}", "`wait` or `drop_oldest`")
        if not self.max_wait_s >= 0:
            raise OptionInvalid("max_wait_s", f"a wait of {self.max_wait_s} s", "0 or more seconds")


class Component:
    """One registered component: its hooks by event type, its inbox rule, and how it is doing."""

    __slots__ = ("delivered", "dropped", "failed", "hooks", "inbox", "name", "registered", "subject")

    def __init__(self, name: str, subject: object, hooks: Mapping[type[Event], tuple[Hook, ...]], inbox: Inbox) -> None:
        self.name, self.subject, self.hooks, self.inbox = name, subject, hooks, inbox
        self.delivered = self.failed = self.dropped = 0
        """`delivered` of sessions that have ended; those of open ones are with their workers."""
        self.registered = False
        """True if pluggy knows it."""


def new_plugin_manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


def component_of(manager: pluggy.PluginManager, subject: object, name: str | None, inbox: Inbox | None) -> Component:
    """Register `subject` with pluggy and compile what it found; refused, it leaves nothing behind.

    :raises HookInvalid: a marked method is no hook, asks for something that is not offered, or wraps others.
    """
    label = name or _free_name(manager, subject)
    rule = inbox or getattr(subject, "inbox", None) or Inbox()
    if not isinstance(rule, Inbox):
        raise HookInvalid(label, "inbox", f"must be an `Inbox`, not {type(rule).__name__}")
    if subject is None or isinstance(subject, type):
        raise HookInvalid(label, "register", f"takes an object whose methods are hooks, not {subject!r}")
    if manager.has_plugin(label):
        raise HookInvalid(label, "register", "the name is taken by another component")
    try:
        manager.register(subject, label)
    except pluggy.PluginValidationError as error:
        raise HookInvalid(label, _culprit(subject, error), str(error).splitlines()[-1].strip()) from error
    except ValueError as error:
        raise HookInvalid(label, "register", "the object is registered already, or equals (==) one that is") from error
    try:
        hooks = _hooks(manager, subject, label)
    except HookInvalid:
        manager.unregister(name=label)
        raise
    component = Component(label, subject, hooks, rule)
    component.registered = True
    return component


def component_of_handler(event_type: type[Event], handler: Callable[..., object], name: str, inbox: Inbox) -> Component:
    """A component made of one callable, which takes the event, or the event and the session, by position.

    :raises HookInvalid: the handler asks for more, or is none.
    """
    if event_type is not Event and event_type not in EVENT_TYPES:
        raise HookInvalid(name, "subscribe", f"{event_type!r} is no event type")
    _check_runs(name, "subscribe", handler)
    try:
        parameters = list(inspect.signature(handler).parameters.values())
    except ValueError:  # some builtins have no signature
        count = 1
    else:
        by_position = [p for p in parameters if p.kind <= p.VAR_POSITIONAL]
        required = [p for p in by_position if p.default is p.empty and p.kind is not p.VAR_POSITIONAL]
        if len(required) > 2 or any(_only_by_keyword(p) for p in parameters):
            raise HookInvalid(name, "subscribe", "a handler takes (event) or (event, session)")
        count = max(len(required), 1) if by_position else 0
    hook: Hook = (handler, _SHAPES[("event", "session")[:count]], name)
    types = EVENT_TYPES if event_type is Event else (event_type,)
    return Component(name, handler, dict.fromkeys(types, (hook,)), inbox)


def _hooks(manager: pluggy.PluginManager, subject: object, name: str) -> dict[type[Event], tuple[Hook, ...]]:
    by_name: dict[str, tuple[Hook, ...]] = {}
    for caller in manager.get_hookcallers(subject) or []:
        for implementation in caller.get_hookimpls():
            if implementation.plugin is not subject or (implementation.optionalhook and not caller.has_spec()):
                continue
            if not caller.has_spec():
                raise HookInvalid(name, caller.name, _nearest(caller.name))
            if implementation.wrapper or implementation.hookwrapper:
                raise HookInvalid(name, caller.name, "wrappers are not offered: each component has an inbox of its own")
            if caller.name.startswith("on_"):
                shape = _shape(name, caller.name, implementation)
                hook = (implementation.function, shape, caller.name)
                by_name[caller.name] = (*by_name.get(caller.name, ()), hook)
    every = by_name.get("on_event", ())
    table = {event_type: by_name.get(hook_name(event_type), ()) + every for event_type in EVENT_TYPES}
    return {event_type: hooks for event_type, hooks in table.items() if hooks}


def _shape(name: str, hook: str, implementation: pluggy.HookImpl) -> ArgumentShape:
    _check_runs(name, hook, implementation.function)
    # pluggy leaves out what has a default; whoever names `session=None` means the session all the same.
    optional = itertools.takewhile({"event", "session"}.__contains__, implementation.kwargnames)
    shape = (*implementation.argnames, *optional)
    parameters = inspect.signature(implementation.function).parameters.values()
    loose = any(p.kind in {p.VAR_POSITIONAL, p.VAR_KEYWORD} for p in parameters)
    if any(_only_by_keyword(p) for p in parameters) or (loose and not shape):
        raise HookInvalid(name, hook, "takes `event` and `session` by name and position, not by `*` or `**`")
    return _SHAPES[shape]


def _check_runs(name: str, hook: str, function: Callable[..., object]) -> None:
    if not callable(function):
        raise HookInvalid(name, hook, f"{function!r} cannot be called")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise HookInvalid(name, hook, "it yields, so that calling it would run nothing; return instead")


def _only_by_keyword(parameter: inspect.Parameter) -> bool:
    return parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty


def _free_name(manager: pluggy.PluginManager, subject: object) -> str:
    plain = type(subject).__name__
    numbered = (f"{plain}-{number}" for number in itertools.count(2))
    return next(name for name in itertools.chain([plain], numbered) if not manager.has_plugin(name))


def _nearest(unknown: str) -> str:
    known = [name for name in vars(hookspecs) if name.startswith(("on_", "akoolflow_"))]
    near = difflib.get_close_matches(unknown, known, n=1)
    return f"there is no such hook; did you mean {near[0]!r}?" if near else "there is no such hook; see `hookspecs`"


def _culprit(subject: object, error: pluggy.PluginValidationError) -> str:
    return next((name for name in dir(subject) if name.startswith("on_") and repr(name) in str(error)), "?")
