"""`akoolflow run FILE`: open the avatar session and talk, in the terminal or through a pipe."""

from __future__ import annotations

import logging
import signal
import sys
from pathlib import Path
from typing import Final

import anyio
import click
import msgspec
from msgspec.structs import replace

from akoolflow.assembly import plan_of
from akoolflow.bus import Inbox
from akoolflow.cli.exits import Exit
from akoolflow.cli.talk import from_pipe, from_terminal
from akoolflow.conversation import Conversation
from akoolflow.events import EndReason, Event, SessionEnded, SessionFailed
from akoolflow.flow import Flow
from akoolflow.hookspecs import hookimpl
from akoolflow.plan import Plan

__all__ = ["run"]

_SIGNALS: Final[dict[int, EndReason]] = {signal.SIGINT: "ctrl_c", signal.SIGTERM: "terminated"}
_EXITS: Final[dict[EndReason, Exit]] = {
    "input_ended": Exit.OK,
    "closed": Exit.OK,
    "duration": Exit.OK,
    "avatar_left": Exit.FAILED,
    "ctrl_c": Exit.INTERRUPTED,
    "terminated": Exit.TERMINATED,
}


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--quiet", is_flag=True, help="Print nothing but errors; leave console sinks out.")
@click.option("--json", "as_json", is_flag=True, help="Print every event as one JSON line; leave console sinks out.")
@click.option("--debug", is_flag=True, help="Log what happens, with tracebacks, to standard error.")
def run(file: Path, *, quiet: bool, as_json: bool, debug: bool) -> None:
    """Run a pipeline file: open the avatar session and talk.

    Type a line to talk; /help shows what else can be typed. Through a pipe, each line is one utterance, the next is
    read when the avatar has answered, and the end of input ends the session.
    """
    if debug:
        logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    plan = _shown(plan_of(file), quiet=quiet, as_json=as_json)
    sys.exit(anyio.run(_run, plan))


async def _run(plan: Plan) -> Exit:
    ending = _Ending()
    plan = replace(plan, sinks=(*plan.sinks, ("akoolflow:run", ending)))
    talk = from_terminal if _interactive() else from_pipe
    async with Flow(plan) as flow, anyio.create_task_group() as tasks:
        conversation = flow.open()
        tasks.start_soon(_obey_signals, conversation)
        tasks.start_soon(talk, conversation)
        await conversation.wait_over()
        tasks.cancel_scope.cancel()
    return ending.exit()


async def _obey_signals(conversation: Conversation) -> None:
    with anyio.open_signal_receiver(*map(signal.Signals, _SIGNALS)) as arrivals:
        async for number in arrivals:
            if conversation.life.ending:
                click.echo("akoolflow: closing the session, which costs until it is closed; a moment", err=True)
            await conversation.end(_SIGNALS[number])


def _shown(plan: Plan, *, quiet: bool, as_json: bool) -> Plan:
    """The plan with what is to be seen of it on standard output."""
    from akoolflow_plugins.sinks.console import Console, ConsoleOptions

    consoles = [sink for _, sink in plan.sinks if isinstance(sink, Console)]
    if quiet or as_json:
        kept = tuple((name, sink) for name, sink in plan.sinks if sink not in consoles)
        return replace(plan, sinks=(*kept, ("akoolflow:json", _JsonLines())) if as_json else kept)
    if not consoles:
        consoles = [Console(ConsoleOptions())]
        plan = replace(plan, sinks=(*plan.sinks, ("akoolflow:console", consoles[0])))
    if _interactive():
        for console in consoles:
            console.echo_typed = False  # the typed line stays on the screen
    return plan


def _interactive() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


class _JsonLines:
    inbox = Inbox(when_full="wait")

    @hookimpl
    def on_event(self, event: Event) -> None:
        sys.stdout.write(msgspec.json.encode(event).decode() + "\n")
        sys.stdout.flush()


class _Ending:
    """Remembers how the session ended, for the exit code and the one line that says why."""

    def __init__(self) -> None:
        self._event: SessionEnded | SessionFailed | None = None

    @hookimpl
    def on_session_ended(self, event: SessionEnded) -> None:
        self._event = event

    @hookimpl
    def on_session_failed(self, event: SessionFailed) -> None:
        self._event = event

    def exit(self) -> Exit:
        match self._event:
            case SessionEnded(reason=reason):
                if reason == "avatar_left":
                    click.echo("akoolflow: the avatar left before the session's time was up", err=True)
                return _EXITS[reason]
            case SessionFailed(reason=reason):
                click.echo(f"akoolflow: {reason}", err=True)
        return Exit.FAILED
