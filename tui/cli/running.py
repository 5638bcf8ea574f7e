"""Carries out a command line that was understood: its output, its failures and its end."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Final

from statekeep.protocol.errors import StatekeepError
from statekeep.protocol.location import default_socket
from statekeep.tui.cli import failures, output
from statekeep.tui.cli.failures import Exit, UnusableInput
from statekeep.tui.cli.pager import paged

_OF_A_FILE: Final = frozenset({errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC})
"""What a write to a file can't do, and nothing else that a command waits for."""


def carry_out(args: argparse.Namespace) -> int:
    """Run the command of ``args`` and return its exit code."""
    for option in ("json", "quiet", "no_pager"):
        setattr(args, option, getattr(args, option, False))
    output.choose(args)
    args.socket = getattr(args, "socket", None) or str(default_socket())
    try:
        code = _run(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        _give_up_stdout()
        return Exit.PIPE_CLOSED
    except OSError as problem:
        return failures.explain(args.command, args.socket, _unforeseen(problem))
    return code


def _unforeseen(problem: OSError) -> UnusableInput:
    """What is said of trouble that no command has spoken of: of a file, of stdout, or of neither."""
    if problem.filename is not None:
        return UnusableInput(f"{problem.filename}: {problem.strerror}.", f"use {problem.filename}", "")
    if problem.errno not in _OF_A_FILE:
        return UnusableInput(f"{problem.strerror or problem}.", "carry it out", "")
    _give_up_stdout()
    return UnusableInput(f"The output can't be written: {problem.strerror}.", "write stdout", "")


def _give_up_stdout() -> None:
    """Let Python write to nowhere: it would flush again at its end, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(args: argparse.Namespace) -> int:
    code: int = Exit.DONE  # also if the pager is left before the end
    try:
        with paged(args), _silenced():
            code = int(args.run(args))
    except (StatekeepError, UnusableInput) as error:
        sys.stdout.flush()  # what was done comes before what was not
        return failures.explain(args.command, args.socket, error)
    return code


@contextmanager
def _silenced() -> Iterator[None]:
    """Keep stdout from saying anything, if nothing is to be said."""
    if not output.silent():
        yield
        return
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        yield
