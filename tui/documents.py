"""What ``o`` opens outside the screens: a file that may be changed, or a text to read."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from statekeep.protocol.records import Record


class Document(NamedTuple):
    """A text to read, and the name that its file gets."""

    name: str
    text: str

    @classmethod
    def of(cls, name: str, record: Record) -> Document:
        """A record as JSON."""
        return cls(f"{name}.json", msgspec.json.format(msgspec.json.encode(record)).decode())


def opener(opened: Document | Path, environ: Mapping[str, str] = os.environ) -> list[str]:
    """The words that open it: a file in the user's editor; a text in the pager, or the editor where only that is set.

    Raises ``ValueError`` for a setting that no shell could read either.
    """
    editor = environ.get("VISUAL") or environ.get("EDITOR")
    wanted = editor or "vi" if isinstance(opened, Path) else environ.get("PAGER") or editor or "less"
    return shlex.split(wanted)
