"""The command ``statekeep``. It talks with a daemon, and never imports one: ``demo`` starts its own as a process."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from statekeep.protocol.errors import StatekeepError
from statekeep.protocol.location import default_socket
from statekeep.tui.cli import parser
from statekeep.tui.cli.failures import Exit, UnusableInput, explain


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. A wrong command line raises ``SystemExit``, as argparse does."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that lacks a letter is no reason to fail
    words = sys.argv[1:] if argv is None else list(argv)
    if not words and sys.stdin.isatty() and sys.stdout.isatty():
        words = ["tui"]  # who types no command on a terminal wants to look around
    args = parser.build().parse_args(words)
    args.json = getattr(args, "json", False)
    args.socket = getattr(args, "socket", None) or str(default_socket())
    try:
        code = _run(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # Python would flush again at its end and complain: let it write to nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.PIPE_CLOSED
    return code


def _run(args: argparse.Namespace) -> int:
    try:
        return int(args.run(args))
    except (StatekeepError, UnusableInput) as error:
        sys.stdout.flush()  # what was done comes before what was not
        return explain(args.command, args.socket, error)
