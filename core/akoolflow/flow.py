"""Many conversations, one flow: the components built once, a conversation for each session."""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final, Self

import anyio
from anyio.abc import TaskGroup

from akoolflow.bus import Bus, Inbox
from akoolflow.conversation import Conversation, Parts
from akoolflow.errors import FlowClosed, RequiredPutAside
from akoolflow.events import PluginFailed
from akoolflow.hookspecs import hookimpl
from akoolflow.plan import Plan

__all__ = ["Flow"]

log: Final = logging.getLogger(__name__)
_CLOSE_TIMEOUT_S: Final = 5.0


class Flow:
    """Runs conversations. Use it as `async with Flow.from_file("pipeline.toml") as flow:`."""

    def __init__(self, plan: Plan, *, bus: Bus | None = None) -> None:
        """:param bus: a bus of your own, not entered yet; the flow enters and leaves it."""
        self.plan = plan
        self.bus = bus or Bus()
        self._stack = AsyncExitStack()
        self._group: TaskGroup | None = None
        self._conversations: set[Conversation] = set()

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """Load a pipeline file and build its components; nothing is opened yet.

        :raises ConfigInvalid: with all complaints about the file.
        :raises PluginBroken: a component could not be built.
        """
        from akoolflow.assembly import plan_of  # noqa: PLC0415 - a flow that is built in code reads no TOML

        return cls(plan_of(Path(path)))

    async def __aenter__(self) -> Self:
        plan = self.plan
        await self._stack.__aenter__()
        try:
            for name, component in (plan.transport, *plan.brains, *plan.sinks):
                if aclose := getattr(component, "aclose", None):
                    self._stack.push_async_callback(_close_component, name, aclose)
            if isinstance(plan.service, AbstractAsyncContextManager):
                await self._stack.enter_async_context(plan.service)
            await self._stack.enter_async_context(self.bus)
            for name, component in (plan.transport, *plan.brains):
                self.bus.register(component, name=name)
            for name, component in plan.sinks:
                rule = getattr(component, "inbox", None) or Inbox(when_full="drop_oldest")
                self.bus.register(component, name=name, inbox=rule)
            self.bus.register(_Guard(plan.required), name="akoolflow:required")
            self._group = await self._stack.enter_async_context(anyio.create_task_group())
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_exc_info: object) -> None:
        for conversation in list(self._conversations):
            conversation.life.finish("closed")
        self._group = None
        # Left as if in peace: a task group would wrap the body's own exception in an ExceptionGroup.
        await self._stack.__aexit__(None, None, None)

    @asynccontextmanager
    async def session(self, session_id: str | None = None) -> AsyncIterator[Conversation]:
        """One conversation: entered when the avatar is ready, ended in order on exit.

        If the session ends by itself, its methods raise `SessionOver` and its events end.

        :raises FlowClosed: the flow is not entered, or is being left.
        :raises SessionError: the session could not be opened.
        """
        conversation = self.open(session_id)
        try:
            await conversation.life.settled.wait()
            if conversation.life.failure is not None:
                raise conversation.life.failure
            yield conversation
        finally:
            conversation.life.finish("closed")
            with anyio.CancelScope(shield=True):
                await conversation.wait_over()

    def open(self, session_id: str | None = None) -> Conversation:
        """Begin a conversation without waiting for the avatar; it runs until it ends or the flow is left.

        :raises FlowClosed: the flow is not entered, or is being left.
        """
        if self._group is None:
            raise FlowClosed
        conversation = Conversation(self._parts(), session_id or secrets.token_hex(8))
        self._conversations.add(conversation)
        self._group.start_soon(self._run, conversation, name=f"conversation {conversation.id}")
        return conversation

    async def _run(self, conversation: Conversation) -> None:
        try:
            await conversation.life.run()
        finally:
            self._conversations.discard(conversation)

    def _parts(self) -> Parts:
        plan = self.plan
        return Parts(
            bus=self.bus,
            service=plan.service,
            transport=plan.transport,
            brains=plan.brains,
            request=plan.request,
            timing=plan.timing,
        )


class _Guard:
    """Ends a session whose required component was put aside."""

    def __init__(self, required: frozenset[str]) -> None:
        self._required = required

    @hookimpl
    def on_plugin_failed(self, event: PluginFailed, session: Conversation | None) -> None:
        if session is not None and event.put_aside and event.component in self._required:
            session.life.fail(RequiredPutAside(event.component, event.error))


async def _close_component(name: str, aclose: Callable[[], Awaitable[object]]) -> None:
    try:
        with anyio.fail_after(_CLOSE_TIMEOUT_S, shield=True):
            await aclose()
    except Exception:
        log.exception("component %s did not close", name)
