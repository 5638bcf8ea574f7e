"""Long answers as files that other programs read: JSON lines or CSV, page by page as they come."""

from __future__ import annotations

import csv
import errno
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Literal, TextIO

import msgspec
from msgspec import UNSET

from statekeep.protocol.records import Record
from statekeep.tui.cli.failures import UnusableInput

Format = Literal["csv", "jsonl"]

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How text begins that spreadsheets calculate, or, with white space or wide forms, take for such."""

_SUFFIXES: Final[dict[str, Format]] = {".csv": "csv", ".jsonl": "jsonl"}


def format_of(target: str, wanted: Format | None) -> Format:
    """The format to write, by the name of the file if none was named. Raises ``UnusableInput``."""
    found = wanted or _SUFFIXES.get(Path(target).suffix)
    if found is None:
        raise UnusableInput(
            f"{target} does not say whether it is to be CSV or JSON lines.",
            f"write {target}",
            "End the name with .csv or .jsonl, or say --format csv or --format jsonl.",
        )
    return found


def export(kind: type[Record], records: Iterable[Record], target: str, form: Format) -> None:
    """Write records of one kind to a file, or to stdout for ``-``. The file is there when all of it is."""
    with _opened(target) as file:
        if form == "jsonl":
            file.writelines(msgspec.json.encode(record).decode() + "\n" for record in records)
        else:
            _write_csv(kind, records, file)


@contextmanager
def _opened(target: str) -> Iterator[TextIO]:
    if target == "-":
        yield sys.stdout
        return
    refuse_directory(target)
    unfinished = Path(target + ".part")
    try:
        with unfinished.open("w", encoding="utf-8", newline="") as file:
            yield file
        unfinished.replace(target)
    except OSError as problem:
        raise unwritable(target, problem) from problem
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


def refuse_directory(target: str | Path) -> None:
    """Raise ``UnusableInput`` for a name that no file can have, before its content has been asked for."""
    if Path(target).is_dir():
        raise unwritable(target, IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)))


def unwritable(target: str | Path, problem: OSError) -> UnusableInput:
    """What is said of a file that can't be written."""
    return UnusableInput(
        f"{target} can't be written: {problem.strerror}.", f"write {target}", "Name a file that can be made."
    )


def _write_csv(kind: type[Record], records: Iterable[Record], file: TextIO) -> None:
    """A column for each field; what is neither text nor number is JSON, and what there is not is empty.

    Text that a spreadsheet would take for a formula has an apostrophe before it, so that a key or an event type which
    somebody else chose does not run on the reader's machine.
    """
    fields = kind.__struct_fields__
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(fields)
    writer.writerows([_cell(getattr(record, field)) for field in fields] for record in records)


def _cell(value: Any) -> str | int:
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text.startswith(_FORMULA) else text


def cells(values: Iterable[Any]) -> list[str | int]:
    """A line of CSV from values of any kind."""
    return [_cell(None if value is UNSET else msgspec.to_builtins(value)) for value in values]
