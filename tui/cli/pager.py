"""Long answers on a terminal go through ``PAGER``, or ``less``; short ones, and everything in a pipe, do not."""

from __future__ import annotations

import argparse
import io
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

PAGED: Final = frozenset(
    {
        "actors",
        "config",
        "decisions",
        "definition",
        "deployments",
        "describe",
        "diff",
        "explain",
        "histories",
        "history",
    }
    | {"paths", "preview", "show", "versions", "why"}
)
"""The commands that only read, and ask nothing."""

_LESS: Final = "FRX"
"""For ``less``: leave at once if all fits on the screen, show colours, and leave the text there at the end."""


@contextmanager
def paged(args: argparse.Namespace) -> Iterator[None]:
    """Let what is printed meanwhile go through a pager, if it is for a person and there is a pager."""
    command = _pager() if _wanted(args) else []
    if not command:
        yield
        return
    environment = {"LESS": _LESS, **os.environ}
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment) as process:
        assert process.stdin
        terminal, encoding = sys.stdout, sys.stdout.encoding
        sys.stdout = _Piped(process.stdin, encoding=encoding, errors="backslashreplace", line_buffering=True)
        try:
            yield
            sys.stdout.flush()
        except BrokenPipeError:
            pass  # who leaves the pager has seen enough
        finally:
            sys.stdout = terminal
            # Ctrl-C is the pager's while it is there.
            before = signal.signal(signal.SIGINT, signal.SIG_IGN)
            try:
                process.communicate()
            finally:
                signal.signal(signal.SIGINT, before)


class _Piped(io.TextIOWrapper):
    """What leads to a pager leads to the terminal in the end: colours and its width are right."""

    def isatty(self) -> bool:
        return True


def _wanted(args: argparse.Namespace) -> bool:
    return args.command in PAGED and not (args.json or args.no_pager or args.quiet) and sys.stdout.isatty()


def _pager() -> list[str]:
    """The words of the pager; none if there is none, or nobody wants one."""
    words = shlex.split(os.environ.get("PAGER", "less"))
    if not words or words == ["cat"] or shutil.which(words[0]) is None:
        return []
    return words
