"""What keeps the memory of the daemon, which holds keys, to itself, and its log free of what callers wrote."""

from __future__ import annotations

import ctypes
import logging
import os
import resource
import sys
import traceback
from types import TracebackType

log = logging.getLogger(__name__)

_PR_SET_DUMPABLE = 4  # <linux/prctl.h>


def keep_memory_private() -> None:
    """No core dump of this process, and no look into its memory for other processes of its user.

    Raises ``OSError``.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # A core_pattern that begins with a pipe gets a dump whatever the limit says; not of a process that isn't dumpable.
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "prctl")


def keep_errors_private() -> None:
    """Let an exception that nobody caught say where it happened and of which kind it is, and not its message.

    Messages of exceptions may quote names and payloads.
    """
    sys.excepthook = _report


def _report(kind: type[BaseException], raised: BaseException, _: TracebackType | None) -> None:
    log.critical("ended by %s", kind.__name__)
    _places(raised)


def _places(raised: BaseException) -> None:
    log.critical("%s\n%s", type(raised).__name__, "".join(traceback.format_tb(raised.__traceback__)))
    for inner in raised.exceptions if isinstance(raised, BaseExceptionGroup) else ():
        _places(inner)
