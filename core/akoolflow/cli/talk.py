"""Where the user's words come from: lines of a pipe, or a terminal with line editing."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Final

import anyio
import click

from akoolflow.conversation import Conversation
from akoolflow.errors import SessionError, SessionOver

__all__ = ["from_pipe", "from_terminal"]

_LONGEST_LINE_BYTES: Final = 65_536
"""A longer line is said in parts of this size, so that endless input without a newline fills no memory."""
_HELP: Final = """\
/say TEXT    the avatar says TEXT as it is, without asking a brain
/interrupt   cut the avatar off
/history     what was said so far, as it was heard
/quit        end the session (so does Ctrl-D)
anything else is said to the avatar; a line that begins with two slashes is said with one"""


async def from_pipe(conversation: Conversation) -> None:
    """Say each line, wait for its answer, and end the session with the input."""
    await conversation.life.settled.wait()
    async for line in _lines():
        try:
            await conversation.utter(line, source="typed")
        except SessionOver:
            return
        await conversation.wait_idle()
    await conversation.end("input_ended")


async def _lines() -> AsyncIterator[str]:
    rest = b""
    while data := await _read():
        *lines, rest = (rest + data).split(b"\n")
        if len(rest) > _LONGEST_LINE_BYTES:
            lines, rest = [*lines, rest], b""
        for line in lines:
            if text := line.decode(errors="replace").strip():
                yield text
    if text := rest.decode(errors="replace").strip():
        yield text


async def _read() -> bytes:
    # Not in a thread: one that waits for input keeps the process from ending when the session does.
    with suppress(PermissionError):  # epoll refuses a plain file, which never makes its reader wait
        await anyio.wait_readable(sys.stdin)
    return os.read(sys.stdin.fileno(), 65536)


async def from_terminal(conversation: Conversation) -> None:
    """A chat with line editing and history; what the avatar says appears above the line being typed."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.patch_stdout import patch_stdout

    prompt: PromptSession[str] = PromptSession()
    with patch_stdout(raw=True):
        await conversation.life.ready.wait()
        click.echo("Type to talk; /help shows what else can be typed.")
        while True:
            try:
                line = (await prompt.prompt_async("> ")).strip()
            except EOFError:
                break
            except KeyboardInterrupt:
                await conversation.end("ctrl_c")
                return
            if line == "/quit":
                break
            if line:
                await _obey(conversation, line)
    await conversation.end("input_ended")


async def _obey(conversation: Conversation, line: str) -> None:
    word, _, rest = line.partition(" ")
    commands: dict[str, Callable[[], Awaitable[None]]] = {
        "/say": lambda: conversation.say(rest),
        "/interrupt": conversation.interrupt,
    }
    try:
        if word in commands:
            await commands[word]()
        elif word == "/history":
            for remark in conversation.history:
                cut = " (cut off)" if remark.interrupted else ""
                click.echo(f"{remark.role:6}  {remark.text}{cut}")
        elif word == "/help" or (word.startswith("/") and not word.startswith("//")):
            click.echo(_HELP)
        else:
            await conversation.utter(line.removeprefix("/") if line.startswith("//") else line, source="typed")
    except SessionError as error:
        click.echo(f"akoolflow: {error}", err=True)
