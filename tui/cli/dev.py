"""``dev``: a daemon in this terminal, for as long as it is open. No systemd."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from pathlib import Path

from statekeep.tui.cli.arguments import add_local
from statekeep.tui.cli.failures import UnusableInput
from statekeep.tui.cli.parser import Subparsers


def add_commands(subparsers: Subparsers) -> None:
    """Add ``dev``."""
    parser = add_local(
        subparsers,
        "dev",
        serve,
        "  statekeep dev\n  statekeep dev --directory ./statekeep     with store, key and socket of its own",
    )
    parser.add_argument(
        "--directory", type=Path, metavar="DIR", help="keep everything here, and nothing in the usual places"
    )


def serve(args: argparse.Namespace) -> int:
    """Become the daemon."""
    if importlib.util.find_spec("trio") is None:
        advice = "pip install 'statekeep[daemon]'"
        raise UnusableInput("The daemon's libraries are not installed.", "start a daemon", advice)
    words = [sys.executable, "-m", "statekeep.daemon", *_places(args)]
    sys.stdout.flush()
    os.execv(words[0], words)  # noqa: S606 - signals and the exit code are the daemon's own


def _places(args: argparse.Namespace) -> list[str]:
    if args.directory is None:
        return ["--socket", args.socket]
    directory = args.directory.resolve()
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        advice = "Name a directory that can be made."
        raise UnusableInput(f"{directory} can't be made: {problem.strerror}.", "make it", advice) from problem
    socket = directory / "statekeep.sock"
    if not args.quiet:
        print(f"Clients find it by STATEKEEP_SOCKET={socket}", file=sys.stderr, flush=True)
    return ["--data", str(directory / "data"), "--socket", str(socket)]
