"""What the exit codes of `akoolflow` mean."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Exit"]


class Exit(IntEnum):
    OK = 0
    FAILED = 1
    """What was asked could not be done; one line on standard error says why."""
    USAGE = 2
    """The command line itself is wrong."""
    CONFIG = 78
    """The pipeline file or a plugin that it names is wrong; `EX_CONFIG` of BSD's sysexits.h."""
    INTERRUPTED = 130
    """Ended by Ctrl-C: 128 + SIGINT."""
    PIPE_CLOSED = 141
    """Whoever read standard output has gone: 128 + SIGPIPE, as a shell reports it of any other program."""
    TERMINATED = 143
    """Ended by SIGTERM: 128 + SIGTERM."""
