"""The command ``statekeep``. It talks with a daemon, and never imports one: ``demo`` starts its own as a process."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from statekeep.tui.cli.parser import build


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. A wrong command line raises ``SystemExit``, as argparse does."""
    _open_what_was_closed()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that lacks a letter is no reason to fail
    words = sys.argv[1:] if argv is None else list(argv)
    parser = build()
    if "_ARGCOMPLETE" in os.environ:  # a shell asks how a line might go on, and not for it to be run
        from statekeep.tui.cli.completion import complete  # noqa: PLC0415 - for a key press

        complete(parser)
    if not words and sys.stdin.isatty() and sys.stdout.isatty():
        words = ["tui"]  # who types no command on a terminal wants to look around
    args = parser.parse_args(words)
    from statekeep.tui.cli.running import carry_out  # noqa: PLC0415 - help and refusals need none of the protocol

    return carry_out(args)


def _open_what_was_closed() -> None:
    """Let a stream that whoever started this has closed lead to nowhere.

    Python has ``None`` in its place, and the next file that is opened would get its number.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            mode = "w" if number else "r"
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))
