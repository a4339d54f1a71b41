"""Where the leases are kept: the user's state folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from akoolflow.errors import LeasesUnusable

__all__ = ["book_path", "state_folder"]


def state_folder(environ: Mapping[str, str] | None = None) -> Path:
    """`$AKOOLFLOW_STATE`, else `$XDG_STATE_HOME/akoolflow`, else `~/.local/state/akoolflow`; nothing is created.

    :raises LeasesUnusable: the user has no home folder, and neither variable is set.
    """
    environ = os.environ if environ is None else environ
    if own := environ.get("AKOOLFLOW_STATE"):
        return Path(own).absolute()
    # The XDG specification wants a relative path ignored: it would be another folder in every working directory.
    if (shared := environ.get("XDG_STATE_HOME", "")).startswith("/"):
        return Path(shared) / "akoolflow"
    try:
        return Path("~/.local/state/akoolflow").expanduser()
    except RuntimeError as error:
        raise LeasesUnusable("~/.local/state/akoolflow", str(error), "set AKOOLFLOW_STATE to a folder") from error


def book_path(environ: Mapping[str, str] | None = None) -> Path:
    """The lease book of this user.

    :raises LeasesUnusable: as `state_folder`.
    """
    return state_folder(environ) / "leases.sqlite3"
