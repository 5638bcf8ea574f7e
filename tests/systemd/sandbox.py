"""Runs a program under the system calls that a unit allows, as systemd would, where no systemd runs.

``python sandbox.py UNIT PROGRAM [ARGUMENT...]``: reads ``SystemCallFilter=`` and ``MemoryDenyWriteExecute=`` from the
unit, has ``systemd-analyze`` expand the groups, loads the filter by libseccomp into itself and becomes the program.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import errno
import os
import re
import subprocess
import sys
from pathlib import Path

_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | errno.EPERM
_MASKED_EQUAL = 7
_PROT_WRITE, _PROT_EXEC = 2, 4


# One of these must hold of a call's third argument, the protection: never writable and executable at once, and what is
# there is not made executable later.
_CONDITIONS: dict[str, list[tuple[int, int, int, int] | None]] = {
    "mmap": [(2, _MASKED_EQUAL, _PROT_EXEC, 0), (2, _MASKED_EQUAL, _PROT_EXEC | _PROT_WRITE, _PROT_EXEC)],
    "mprotect": [(2, _MASKED_EQUAL, _PROT_EXEC, 0)],
    "pkey_mprotect": [(2, _MASKED_EQUAL, _PROT_EXEC, 0)],
}


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


def calls(group: str) -> set[str]:
    """The system calls of a group such as ``@system-service``, or the one that is named."""
    if not group.startswith("@"):
        return {group}
    listing = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager", group], capture_output=True, text=True, check=True
    ).stdout
    names = re.findall(r"^ {4}([@\w-]+)$", listing, re.MULTILINE)
    return set().union(*(calls(name) for name in names))


def allowed(unit: str) -> set[str]:
    """The system calls that a unit leaves to its service."""
    found: set[str] = set()
    for line in re.findall(r"^SystemCallFilter=(.+)$", unit, re.MULTILINE):
        names = set().union(*(calls(group) for group in line.lstrip("~").split()))
        found = found - names if line.startswith("~") else found | names
    return found | calls("@default")


def load(unit: str) -> None:
    """Take from this process all that the unit does not leave to it. Raises ``OSError``."""
    library = ctypes.CDLL(ctypes.util.find_library("seccomp"))
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(_REFUSE)))
    denied = "MemoryDenyWriteExecute=yes" in unit
    for name in sorted(allowed(unit)):
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            continue  # of another architecture
        for condition in _CONDITIONS.get(name, [None]) if denied else [None]:
            count = 0 if condition is None else 1
            array = (_Comparison * count)(*[_Comparison(*condition)] if condition else [])
            if library.seccomp_rule_add_array(context, ctypes.c_uint32(_ALLOW), number, count, array):
                raise OSError(f"no rule for {name}")
    if library.seccomp_load(context):
        raise OSError("the filter could not be loaded")


if __name__ == "__main__":
    load(Path(sys.argv[1]).read_text())
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - to become it is the purpose
