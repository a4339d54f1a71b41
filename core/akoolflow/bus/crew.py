"""The tasks that workers borrow: a session in which nothing happens holds none.

A task takes one ready worker after another. Whenever it takes one and leaves others ready, it calls a second task,
which carries on if the first has to wait in a hook: so a slow component holds up its own task and no other component.
"""

from __future__ import annotations

import time
from collections import deque
from contextvars import Context, copy_context
from functools import partial
from typing import Final

import anyio
from anyio.abc import TaskGroup

from akoolflow.bus.failures import fail
from akoolflow.bus.loop import cancelled_from_outside
from akoolflow.bus.worker import Worker, current_worker

__all__ = ["Crew"]

_TURN_S: Final = 0.001
"""How long a task may go from worker to worker before the event loop gets a turn."""
_MOST_PARKED: Final = 128
"""Tasks kept for later; more of them end when there is nothing to do."""
_LOOKS: Final = 8
"""Looks of the watchdog in the time that a hook may take."""


class Crew:
    """Lends a task to each worker that has events, and takes it back from a hook that keeps it too long."""

    def __init__(self, group: TaskGroup, hook_timeout_s: float) -> None:
        self._group = group
        self._hook_timeout_s = hook_timeout_s
        self._context = copy_context()
        """Of whoever entered the bus: a task must not carry what the first publisher happened to have in its own."""
        self._ready: deque[Worker] = deque()
        self.broken = False
        """The user's Ctrl-C came up in a hook: the program ends without further ado."""
        self._at_work: set[Worker] = set()
        self._parked: list[anyio.Event] = []
        self._coming = False
        """A task was called and has not looked at what is ready yet."""
        self._watchdog_sleeps: anyio.Event | None = None
        group.start_soon(self._watch, name="akoolflow watchdog")

    def schedule(self, worker: Worker) -> None:
        """Lend it a task soon; it must not be `idle` any more."""
        self._ready.append(worker)
        self._call_if_ready()

    def _call_if_ready(self) -> None:
        if self._coming or not self._ready:
            return
        self._coming = True
        if self._parked:
            self._parked.pop().set()
        else:
            self._context.run(partial(self._group.start_soon, self._serve, name="akoolflow crew"))

    async def _serve(self) -> None:
        task_id = anyio.get_current_task().id
        try:
            fit = True
            while fit:
                self._coming = False
                fit = await self._serve_ready(task_id) and await self._park()
        except (KeyboardInterrupt, GeneratorExit, BaseExceptionGroup):
            self.broken = True
            raise
        except anyio.get_cancelled_exc_class():
            self._call_if_ready()
            if cancelled_from_outside():
                raise
            # A hook has cancelled this task natively, and it only came out here: the task ends, the bus does not.
        else:
            self._call_if_ready()

    async def _park(self) -> bool:
        """Wait to be called; False if there are enough who wait."""
        current_worker.set(None)
        if len(self._parked) >= _MOST_PARKED:
            return False
        called = anyio.Event()
        self._parked.append(called)
        try:
            await called.wait()
        except BaseException:
            if called.is_set():
                self._coming = False
            else:
                self._parked.remove(called)
            raise
        return True

    async def _serve_ready(self, task_id: int) -> bool:
        """False if a hook has left the task unfit to serve others."""
        turn_ends = time.monotonic() + _TURN_S
        while self._ready:
            worker = self._ready.popleft()
            self._call_if_ready()
            if not await self._lend(worker, task_id):
                return False
            if time.monotonic() >= turn_ends:
                await anyio.lowlevel.checkpoint()
                turn_ends = time.monotonic() + _TURN_S
        return True

    async def _lend(self, worker: Worker, task_id: int) -> bool:
        """False if a hook has left something of its own in the task."""
        current_worker.set(worker)
        context = copy_context()
        worker.task_id = task_id
        self._at_work.add(worker)
        if self._watchdog_sleeps is not None:
            self._watchdog_sleeps.set()
            self._watchdog_sleeps = None
        in_order = True
        try:
            # Shielded: when the program is cancelled, the last events of its sessions are still to be delivered.
            with anyio.CancelScope(shield=True) as worker.scope:
                await worker.work()
        except RuntimeError as error:
            in_order = False
            if worker.scope is not None:
                worker.scope.shield = False  # it was never left
            fail(worker, RuntimeError(f"it left a cancel scope or a task group open: {error}"))
        finally:
            self._at_work.discard(worker)
            worker.task_returned()
            if not worker.idle:
                self._ready.append(worker)
        fit = not worker.spoilt and _is_current(context)
        worker.spoilt = False
        if not in_order:
            self._call_if_ready()
            await anyio.sleep_forever()  # what the hook left open would now break the end of this task, too
        return fit

    async def _watch(self) -> None:
        """Cancel hooks that take too long. A look now and then costs nothing per event, unlike a timeout each."""
        seen: dict[Worker, tuple[int, str, int]] = {}
        while True:
            if not self._at_work:
                seen.clear()
                self._watchdog_sleeps = anyio.Event()
                await self._watchdog_sleeps.wait()
            await anyio.sleep(self._hook_timeout_s / _LOOKS)
            seen = {worker: self._look(worker, *seen.get(worker, (-1, "", 0))) for worker in list(self._at_work)}

    def _look(self, worker: Worker, handled: int, hook: str, looks: int) -> tuple[int, str, int]:
        # Looks are counted, not seconds: if the whole loop was held up, no hook is to blame for the time that took.
        moved = worker.handled != handled or worker.hook != hook
        if moved or worker.room.waits_surely_in is not None:
            looks = 0
        elif looks >= _LOOKS and not (worker.overdue and worker.put_aside):
            looks = 0
            fail(worker, TimeoutError(f"took longer than {self._hook_timeout_s:g} s and was cancelled"))
            worker.cancel_hook()
        return worker.handled, worker.hook, looks + 1


def _is_current(context: Context) -> bool:
    try:
        return copy_context() == context
    except Exception:  # noqa: BLE001 - a stranger's variable, whose value does not know `==`
        return False
