"""Where the daemon and its clients meet without any configuration. Both sides ask here, so they always agree."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from pathlib import Path

SOCKET_NAME = "statekeep.sock"


def socket_path(environ: Mapping[str, str], uid: int) -> Path:
    """Return the socket of the user's daemon.

    ``STATEKEEP_SOCKET`` names it. Else it is in the user's runtime directory, which the system empties at logout, or,
    where there is none (containers, cron, ``su``), beside the user's state.
    """
    if named := environ.get("STATEKEEP_SOCKET"):
        return Path(named)
    runtime = _xdg(environ, "XDG_RUNTIME_DIR") or Path(f"/run/user/{uid}")
    if not runtime.is_dir():
        runtime = _xdg(environ, "XDG_STATE_HOME") or _home(environ, uid) / ".local/state"
    return runtime / "statekeep" / SOCKET_NAME


def data_directory(environ: Mapping[str, str], uid: int) -> Path:
    """Return where the user's daemon keeps its store: ``STATEKEEP_DATA``, else beside the user's data."""
    if named := environ.get("STATEKEEP_DATA"):
        return Path(named)
    data = _xdg(environ, "XDG_DATA_HOME") or _home(environ, uid) / ".local/share"
    return data / "statekeep"


def default_socket() -> Path:
    """Return the socket of this process's user."""
    return socket_path(os.environ, os.getuid())


def _xdg(environ: Mapping[str, str], name: str) -> Path | None:
    """Return a base directory; the specification says that a relative one is to be ignored."""
    path = Path(environ.get(name, ""))
    return path if path.is_absolute() else None


def _home(environ: Mapping[str, str], uid: int) -> Path:
    return Path(environ.get("HOME") or pwd.getpwuid(uid).pw_dir)
