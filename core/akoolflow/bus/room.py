"""What a publisher does at a full inbox: wait, drop the oldest, or be refused where waiting would never end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import anyio

from akoolflow.errors import FeedbackLoop
from akoolflow.events import Event

if TYPE_CHECKING:
    from akoolflow.bus.worker import Worker

__all__ = ["Room", "in_own_task", "most", "press"]

_OVERDRAFT: Final = 2
"""An inbox may hold this many times its capacity where waiting for room would never end."""


class Room:
    """Who waits for room in an inbox, and in which other inboxes its own component's hooks wait for some."""

    __slots__ = ("given", "impatient", "waiting", "waits_in", "waits_surely_in")

    def __init__(self) -> None:
        self.given: anyio.Event | None = None
        """Publishers wait for it; None while there is room."""
        self.waiting = 0
        self.impatient = False
        """A publisher has waited its longest: until there is room, the oldest are dropped."""
        self.waits_in: list[Worker] = []
        """Full inboxes in which its hook, or a task that a hook started, waits."""
        self.waits_surely_in: Worker | None = None
        """The one in which the hook itself waits; a task it started may be left behind and hold up nobody."""

    def give(self) -> None:
        self.impatient = False
        given, self.given = self.given, None
        if given is not None:
            given.set()


def most(full: Worker) -> int:
    """The most that an inbox may hold, each publisher that waits having a place of its own."""
    if full.component.inbox.when_full == "drop_oldest":
        return full.capacity
    return _OVERDRAFT * full.capacity + full.room.waiting


def in_own_task(worker: Worker | None) -> bool:
    """True inside the worker's hook itself, False in tasks that the hook has started."""
    return worker is not None and worker.task_id == anyio.get_current_task().id


async def press(crowded: list[Worker], own: Worker | None, event: Event, take_back: Callable[[Event], None]) -> None:
    """Wait or drop wherever this event has filled an inbox; `own` is the worker whose hook has published it, if any.

    :raises FeedbackLoop: an inbox, overdraft included, cannot empty before this very hook has ended.
    """
    if own is not None and in_own_task(own):
        for full in crowded:
            depth = len(full.queue)
            if _is_overdrawn(full) and _waits_for(full, own, surely=True):
                take_back(event)
                raise FeedbackLoop(own.component.name, type(event).__name__, depth)
    for full in crowded:
        if len(full.queue) >= full.capacity:
            await _make_room(full, own)


async def _make_room(full: Worker, own: Worker | None) -> None:
    rule = full.component.inbox
    if rule.when_full == "wait" and own is not None and not _is_overdrawn(full) and _waits_for(full, own, surely=False):
        return
    if rule.when_full == "drop_oldest" or full.room.impatient:
        try:
            await anyio.lowlevel.checkpoint()
            while full.task_id is None and len(full.queue) > full.capacity:
                await anyio.lowlevel.checkpoint()  # it is not slow: it only had no turn yet
        finally:
            full.drop_oldest(full.capacity)
        return
    given = full.room.given = full.room.given or anyio.Event()
    full.pressed = True
    with anyio.move_on_after(rule.max_wait_s), _waiting(full, own):
        try:
            await given.wait()
        except anyio.get_cancelled_exc_class():
            full.drop_oldest(most(full))  # publishers that give up one after another must not overfill it
            raise
    if not given.is_set():
        full.drop_oldest(full.capacity)
        full.room.give()
        full.room.impatient = True


@contextmanager
def _waiting(full: Worker, own: Worker | None) -> Iterator[None]:
    surely = in_own_task(own)
    full.room.waiting += 1
    if own is not None:
        own.room.waits_in.append(full)
        if surely:
            own.room.waits_surely_in = full
    try:
        yield
    finally:
        full.room.waiting -= 1
        if own is not None:
            own.room.waits_in.remove(full)
            if surely:
                own.room.waits_surely_in = None


def _is_overdrawn(full: Worker) -> bool:
    return full.component.inbox.when_full == "wait" and len(full.queue) > _OVERDRAFT * full.capacity


def _waits_for(first: Worker, last: Worker, *, surely: bool) -> bool:
    """True if `last` would have to move before `first` can: a wait of `last` for `first` would never end."""
    seen: set[int] = set()
    front = [first]
    while front:
        worker = front.pop()
        if worker is last:
            return True
        if id(worker) not in seen:
            seen.add(id(worker))
            certain = [worker.room.waits_surely_in] if worker.room.waits_surely_in else []
            front += certain if surely else worker.room.waits_in
    return False
