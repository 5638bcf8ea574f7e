"""The command line of ``statekeepd``: settings of the configuration that have a flag, and what else it can do."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path
from typing import Final

import statekeep
from statekeep.daemon.config import settings
from statekeep.daemon.store import Until

FLAGS: Final = {
    "daemon.data": ("--data", "DIRECTORY"),
    "daemon.socket": ("--socket", "PATH"),
    "daemon.anchor": ("--anchor", "DIRECTORY"),
    "daemon.erasures": ("--erasures", "DIRECTORY"),
    "daemon.group": ("--group", "NAME"),
    "keys.passphrase": ("--passphrase", "FROM"),
    "backup.ship": ("--ship", "DIRECTORY"),
}
"""The settings that can be given as flags, each as the one flag and what its value is called. ``--key`` is one too."""

_EPILOG = """\
exit codes:
  0   SIGTERM or SIGINT; what had come in was answered
  1   --verify found a difference
  65  the store is not the one that its anchor has seen, but an older or
      another one; or a backup is no good
  73  --restore would replace a store, and was not told to
  74  a file, directory or socket can't be used; the disk fails to sync; or the
      erasure journal or a row of the store makes no sense or is not what was
      written: the message names it
  75  another daemon has the store or the socket
  78  there is no key, it is wrong or others may read it; the configuration is
      wrong; or the store is of a newer StateKeep
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="statekeepd",
        description="Keeps statechart actors alive.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"statekeepd {statekeep.__version__}")
    parser.add_argument("--config", type=Path, metavar="FILE", help="configuration (else: statekeep config path)")
    for setting in settings():
        if setting.name in FLAGS:
            flag, value = FLAGS[setting.name]
            parser.add_argument(flag, dest=setting.name, metavar=value, help=setting.description)
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="FILE",
        help="File with a key of the store; may be given several times. If there is no systemd credential "
        "statekeep-key either: master.key in the data directory.",
    )
    _add_ways(parser)
    return parser


def _add_ways(parser: argparse.ArgumentParser) -> None:
    """Add what the daemon may do instead of serving the store as it is."""
    way = parser.add_mutually_exclusive_group()
    way.add_argument(
        "--accept-rollback",
        action="store_true",
        help="take the store as it is although its anchor has seen a newer one, or is missing: after a backup was "
        "restored on purpose, or the anchor was moved",
    )
    way.add_argument(
        "--restore",
        type=Path,
        metavar="BACKUP",
        help="serve nobody: verify this backup, a file or what was shipped to a directory, put it in the place of the "
        "store, and say what it holds",
    )
    way.add_argument(
        "--rehearse",
        type=Path,
        metavar="BACKUP",
        help="serve nobody: do what --restore does in a directory beside the backup that is then thrown away",
    )
    parser.add_argument("--replace", action="store_true", help="with --restore: keep the store that is there beside it")
    parser.add_argument(
        "--at",
        type=_point,
        default=Until(),
        metavar="POINT",
        help="with a directory: as of this position, or of this time (2026-03-01T09:30:00)",
    )
    way.add_argument(
        "--verify",
        action="store_true",
        help="serve nobody: work out anew what every actor of the store must be, print each difference as a line of "
        "JSON, and exit with 1 if there is one",
    )


def flags(options: argparse.Namespace) -> dict[str, str]:
    """The settings that were given, by name."""
    given = {name: getattr(options, name) for name in FLAGS} | {"keys.file": next(iter(options.key), None)}
    return {name: value for name, value in given.items() if value is not None}


def _point(text: str) -> Until:
    """A position, or a time of this machine's zone."""
    if text.isascii() and text.isdigit():
        return Until(position=int(text))
    try:
        return Until(time=int(datetime.fromisoformat(text).timestamp() * 1000))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a position nor a time as 2026-03-01T09:30:00") from None
