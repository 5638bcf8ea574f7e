"""Blanking what SQLite leaves in the gaps of its pages.

A page of a b-tree has, between the pointers that grow from its front and the cells that grow from its end, a gap that
belongs to neither. ``secure_delete`` overwrites the cells that are deleted, but when rows are spread anew over
neighbouring pages, a page may be written together again from its end, and what lay in its middle stays there: whole
rows, which their own deletion later does not find. Among some thousand erased actors a few were readable so.

The gap is defined by the file format (sqlite.org/fileformat2.html, section 1.6) and holds nothing that SQLite reads.
Zeros in it change no content, whole or half written; and the log must be empty, so that no newer page follows.
"""

import os
import struct
from collections.abc import Iterator
from typing import Final

_HEADER: Final = struct.Struct(">BxxHH")
"""Of a page of a b-tree: its kind, the number of its cells, and where their content begins."""

_POINTERS: Final = {0x02: 12, 0x05: 12, 0x0A: 8, 0x0D: 8}
"""Bytes before the pointers, by the kind of the page: inner ones have one pointer more.

Other pages are free, or begin with the number of a page; its first byte is none of these in a file below ``LIMIT``.
"""

LIMIT: Final = 0x02000000
"""Pages of a file in which nothing but a page of a b-tree begins like one: 128 GiB, with pages of 4 KiB."""

_FRONT: Final = 100
"""Bytes of the first page that are the header of the file."""

_AT_ONCE: Final = 256
"""Pages of one read."""


def blank(database: int, page_size: int) -> int:
    """Write zeros into the gaps of all pages of the file that have anything else there; how many had.

    Raises ``OSError``, also for a file of ``LIMIT`` pages or more.
    """
    size = os.fstat(database).st_size
    if size // page_size >= LIMIT:
        raise OSError(f"the database has {size // page_size:,} pages, too many to look for remains in it")
    blanked, zeros = 0, bytes(page_size)
    for offset in range(0, size, _AT_ONCE * page_size):
        pages = os.pread(database, _AT_ONCE * page_size, offset)
        for begin, end in _gaps(pages, page_size, first=offset == 0):
            # Comparing is all that happens on most pages; it is much faster than looking for a byte that is not zero.
            if not pages.startswith(zeros[: end - begin], begin):
                os.pwrite(database, zeros[: end - begin], offset + begin)
                blanked += 1
    return blanked


def _gaps(pages: bytes, page_size: int, *, first: bool) -> Iterator[tuple[int, int]]:
    """Where the gaps of these pages begin and end; ``first`` says that the first page of the file is among them."""
    for start in range(0, len(pages), page_size):
        header = start + _FRONT if first and start == 0 else start
        kind, cells, content = _HEADER.unpack_from(pages, header)
        before = _POINTERS.get(kind)
        if before is None:
            continue
        begin, end = header + before + 2 * cells, start + (content or 65_536)
        if begin < end <= start + page_size:
            yield begin, end
