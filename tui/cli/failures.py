"""How a command ends, and the one form in which it says on stderr why it did not succeed.

::

    statekeep send: There is no actor with the key 'alicia'. [unknown_actor]
      tried  send at /run/user/1000/statekeep/statekeep.sock
      to do  An id is given as a number.
"""

from __future__ import annotations

import enum
import sys
from collections.abc import Iterable

from statekeep.protocol.errors import NotAnswered, StatekeepError
from statekeep.protocol.records import Finding
from statekeep.tui.cli.wording import printable


class Exit(enum.IntEnum):
    """Exit codes; ``statekeep --help`` and README list them."""

    DONE = 0
    REFUSED = 1
    """The daemon refused, a definition has errors, ``replay-check`` lost a landing, ``verify`` found a difference,
    ``import`` left a line out or ``export`` an actor, ``doctor`` has warnings, or a claim of the demo was false.
    """
    UNUSABLE = 2
    """The command line is wrong, its input can't be read or its output not written; ``doctor`` found something
    wrong.
    """
    UNREACHABLE = 3
    """No daemon, or trouble on the way to it: what was under way may or may not have been carried out."""
    INTERRUPTED = 130
    """Ctrl-C: 128 and the number of SIGINT, as shells have it."""
    PIPE_CLOSED = 141
    """Whoever read the output has left: 128 and the number of SIGPIPE."""


class UnusableInput(Exception):
    """What the command was given can't be read: ``tried`` says where it was looked for, ``advice`` what would do."""

    def __init__(self, message: str, tried: str, advice: str) -> None:
        super().__init__(message)
        self.tried = tried
        self.advice = advice


def explain(command: str, socket: str, error: StatekeepError | UnusableInput) -> Exit:
    """Say on stderr what failed, what was tried and what to do; return the exit code."""
    if isinstance(error, UnusableInput):
        _write(command, str(error), error.tried, error.advice)
        return Exit.UNUSABLE
    _write(command, f"{error.message} [{error.code}]", f"{command} at {socket}", error.hint, error.findings)
    return Exit.UNREACHABLE if isinstance(error, NotAnswered) else Exit.REFUSED


def _write(command: str, message: str, tried: str, advice: str, findings: Iterable[Finding] = ()) -> None:
    lines = [f"statekeep {command}: {message}", *(f"  {line(finding)}" for finding in findings), f"  tried  {tried}"]
    if advice:
        lines.append(f"  to do  {advice}")
    for text in lines:
        print(printable(text), file=sys.stderr)


def line(finding: Finding) -> str:
    """A finding on one line, with its place in the definition if it is about one."""
    place = f"{finding.path}: " if finding.path else ""
    advice = f" ({finding.hint})" if finding.hint else ""
    return f"{finding.level}: {place}{finding.message}{advice}"
