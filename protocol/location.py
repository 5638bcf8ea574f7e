"""Where the daemon and its clients meet without any configuration. Both sides ask here, so they always agree."""

from __future__ import annotations

import contextlib
import os
import pwd
from collections.abc import Mapping
from pathlib import Path

SOCKET_NAME = "statekeep.sock"

SYSTEM_CONFIGURATION = Path("/etc/statekeep/statekeep.toml")
"""What holds where the user has no configuration: clients find the system's daemon by it."""


def configuration_file(environ: Mapping[str, str], uid: int) -> Path | None:
    """Return the configuration's file, or None where there is none.

    ``STATEKEEP_CONFIG`` names it; empty, it means no file. Else it is the first that exists of ``statekeep.toml`` in
    systemd's ``CONFIGURATION_DIRECTORY``, in the user's ``XDG_CONFIG_HOME/statekeep``, and the system's.
    """
    if (named := environ.get("STATEKEEP_CONFIG")) is not None:
        return Path(named) if named else None
    candidates = [SYSTEM_CONFIGURATION]
    with contextlib.suppress(KeyError):  # users without an entry, in containers for one, have no home to look in
        home = _xdg(environ, "XDG_CONFIG_HOME") or _home(environ, uid) / ".config"
        candidates.insert(0, home / "statekeep/statekeep.toml")
    if given := environ.get("CONFIGURATION_DIRECTORY"):
        candidates.insert(0, Path(given.split(":")[0]) / "statekeep.toml")
    return next((path for path in candidates if path.is_file()), None)


def socket_path(environ: Mapping[str, str], uid: int) -> Path:
    """Return the socket of the user's daemon.

    ``STATEKEEP_SOCKET`` names it, or ``socket`` in the configuration's table ``[daemon]``. Else it is in the directory
    that systemd made for a service, in the user's runtime directory, which the system empties at logout, or, where
    there is none (containers, cron, ``su``), beside the user's state.
    """
    if named := environ.get("STATEKEEP_SOCKET") or _configured(environ, uid):
        return Path(named)
    if made := environ.get("RUNTIME_DIRECTORY"):
        return Path(made.split(":")[0]) / SOCKET_NAME
    runtime = _xdg(environ, "XDG_RUNTIME_DIR") or Path(f"/run/user/{uid}")
    if not runtime.is_dir():
        runtime = _xdg(environ, "XDG_STATE_HOME") or _home(environ, uid) / ".local/state"
    return runtime / "statekeep" / SOCKET_NAME


def data_directory(environ: Mapping[str, str], uid: int) -> Path:
    """Return where the user's daemon keeps its store.

    It is ``STATEKEEP_DATA``, else the directory that systemd made for a service, else beside the user's data.
    """
    if named := environ.get("STATEKEEP_DATA"):
        return Path(named)
    if made := environ.get("STATE_DIRECTORY"):
        return Path(made.split(":")[0])
    data = _xdg(environ, "XDG_DATA_HOME") or _home(environ, uid) / ".local/share"
    return data / "statekeep"


def default_socket() -> Path:
    """Return the socket of this process's user."""
    return socket_path(os.environ, os.getuid())


def _configured(environ: Mapping[str, str], uid: int) -> str:
    """Return the socket that the configuration names, if it can be read: what is wrong in it, others say."""
    path = configuration_file(environ, uid)
    if path is None:
        return ""
    import tomllib  # noqa: PLC0415 - most clients find the socket without, and a command starts again for each event

    try:
        socket = tomllib.loads(path.read_text(encoding="utf-8"))["daemon"]["socket"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return socket if isinstance(socket, str) else ""


def _xdg(environ: Mapping[str, str], name: str) -> Path | None:
    """Return a base directory; the specification says that a relative one is to be ignored."""
    path = Path(environ.get(name, ""))
    return path if path.is_absolute() else None


def _home(environ: Mapping[str, str], uid: int) -> Path:
    return Path(environ.get("HOME") or pwd.getpwuid(uid).pw_dir)
