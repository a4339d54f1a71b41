"""What a publisher does at a full inbox: wait, drop the oldest, or be refused where waiting would never end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from akoolflow.bus.worker import OVERDRAFT, Worker

__all__ = ["in_own_task", "loops_back", "make_room", "most"]


def most(full: Worker) -> int:
    """The most that an inbox may hold, each publisher that waits having a place of its own."""
    if full.component.inbox.when_full == "drop_oldest":
        return full.capacity
    return OVERDRAFT * full.capacity + full.waiting


def in_own_task(worker: Worker | None) -> bool:
    """True inside the worker's hook itself, False in tasks that the hook has started."""
    return worker is not None and worker.task_id == anyio.get_current_task().id


def loops_back(full: Worker, own: Worker) -> bool:
    """True if the hook of `own` fills an inbox that cannot empty before this hook has ended, overdraft included."""
    waits = full.component.inbox.when_full == "wait"
    return waits and len(full.queue) > OVERDRAFT * full.capacity and _waits_for(full, own, surely=True)


async def make_room(full: Worker, own: Worker | None) -> None:
    """Wait or drop, by the inbox's rule; `own` is the worker whose hook has published, if one has."""
    rule = full.component.inbox
    in_circle = own is not None and _waits_for(full, own, surely=False)
    if in_circle and rule.when_full == "wait" and len(full.queue) <= OVERDRAFT * full.capacity:
        return
    if rule.when_full == "drop_oldest" or full.impatient:
        try:
            await anyio.lowlevel.checkpoint()
            while full.task_id is None and len(full.queue) > full.capacity:
                await anyio.lowlevel.checkpoint()  # it is not slow: it only had no turn yet
        finally:
            full.drop_oldest(full.capacity)
        return
    room = full.room = full.room or anyio.Event()
    full.pressed = True
    try:
        with anyio.move_on_after(rule.max_wait_s), _waiting(full, own):
            await room.wait()
    finally:
        full.drop_oldest(most(full))
    if not room.is_set():
        full.drop_oldest(full.capacity)
        full.give_room()
        full.pressed = full.impatient = True


@contextmanager
def _waiting(full: Worker, own: Worker | None) -> Iterator[None]:
    surely = in_own_task(own)
    full.waiting += 1
    if own is not None:
        own.waits_in.append(full)
        if surely:
            own.waits_surely_in = full
    try:
        yield
    finally:
        full.waiting -= 1
        if own is not None:
            own.waits_in.remove(full)
            if surely:
                own.waits_surely_in = None


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
            certain = [worker.waits_surely_in] if worker.waits_surely_in else []
            front += certain if surely else worker.waits_in
    return False
