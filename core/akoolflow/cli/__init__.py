"""The command line: one file for each command, imported when the command is run. Exit codes are in `exits`."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Final

import click
from click.shell_completion import CompletionItem

from akoolflow.cli.exits import Exit

__all__ = ["COMMANDS", "cli", "main"]

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "run": ("akoolflow.cli.run:run", "Run a pipeline file: open the avatar session and talk."),
    "validate": ("akoolflow.cli.validate:validate", "Check a pipeline file; nothing is opened."),
    "plugins": ("akoolflow.cli.plugins:plugins", "List the installed plugins, or show the options of some."),
    "schema": ("akoolflow.cli.schema:schema", "Print the JSON Schema of pipeline files or of events."),
    "sessions": ("akoolflow.cli.sessions:sessions", "List, close and reap avatar sessions that are paid for."),
    "simulate": ("akoolflow.cli.simulate:simulate", "Serve the AKOOL REST API on loopback, free of charge."),
}
"""Where each command is, and its line in `--help`, which imports none of them."""

_COMPLETION: Final = "_AKOOLFLOW_COMPLETE"


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002 - click's
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        names = [CompletionItem(n, help=line) for n, (_, line) in COMMANDS.items() if n.startswith(incomplete)]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="akoolflow", prog_name="akoolflow", message="%(prog)s %(version)s")
def cli() -> None:
    """Event-driven pipelines for AKOOL streaming avatars."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; what failed on purpose becomes one line for each cause, anything else keeps its traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that cannot show a character gets its escape
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes standard output once more at exit, and would complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.PIPE_CLOSED
    return code


def _run(arguments: Sequence[str] | None) -> int:
    try:
        if _COMPLETION in os.environ:  # a shell asks what could be typed
            cli.main(prog_name="akoolflow", complete_var=_COMPLETION)
        # Not by `cli.main`, which takes a broken pipe for a failure of ours.
        with cli.make_context("akoolflow", list(sys.argv[1:] if arguments is None else arguments)) as context:
            result = cli.invoke(context)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else Exit.OK if leaving.code is None else Exit.FAILED
    except BrokenPipeError:
        raise
    except Exception as error:
        if (code := _tell(error)) is None:
            raise
        return code
    return result if isinstance(result, int) else Exit.OK


def _tell(error: Exception) -> Exit | None:
    from akoolflow.errors import AkoolflowError, ConfigError, ConfigInvalid, PluginError

    if not isinstance(error, AkoolflowError):
        return None
    lines = [str(complaint) for complaint in error.complaints] if isinstance(error, ConfigInvalid) else [str(error)]
    for line in lines:
        click.echo(line if isinstance(error, ConfigInvalid) else f"akoolflow: {line}", err=True)
    return Exit.CONFIG if isinstance(error, ConfigError | PluginError) else Exit.FAILED
