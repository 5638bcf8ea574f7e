"""Sums over the rows of a table that tell whether a row differs, and which.

Every row is an *element*, a number that only the key gives. A total is how many rows there are, the sum of their
elements, and the sum of each element times the number of its row. If one row differs by ``e``, two totals are ``e`` and
``e * number`` apart: the quotient names the row. Totals are kept sealed: who can't see them can't look for other rows
that add up to the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import mul
from typing import TypeAlias

MODULUS = 2**255 - 19
"""A prime, so that every difference has an inverse."""

SIZE = 32
"""Bytes of an element."""

Dump: TypeAlias = tuple[int, bytes, bytes]
"""A total at rest."""


class Total:
    """Rows, the sum of their elements, and of each element times its row's number."""

    __slots__ = ("_dump", "_rows", "_sum", "_weighted")

    def __init__(self, dump: Dump = (0, b"", b"")) -> None:
        self._rows = dump[0]
        self._sum = int.from_bytes(dump[1])
        self._weighted = int.from_bytes(dump[2])
        self._dump: Dump | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Total) and self.dump() == other.dump()

    __hash__ = None  # type: ignore[assignment]

    @property
    def rows(self) -> int:
        return self._rows

    def add(self, number: int, element: int, rows: int) -> None:
        """Add an element, or take its negative away, or add with ``rows`` 0 the difference of two."""
        self._rows += rows
        self._sum += element
        self._weighted += number * element
        self._dump = None

    def add_sums(self, elements: int, weighted: int, rows: int) -> None:
        """Add the sum of many elements, and that of each times the number of its row."""
        self.add(0, elements, rows)
        self._weighted += weighted

    def extend(self, numbers: Sequence[int], elements: Sequence[int], rows: int = 1) -> None:
        """Add many elements, each as ``add`` would."""
        self.add_sums(sum(elements), sum(map(mul, numbers, elements)), rows * len(elements))

    def dump(self) -> Dump:
        """What a total is made of again. Kept, because with most commits most tables don't change."""
        if self._dump is None:
            self._sum %= MODULUS
            self._weighted %= MODULUS
            self._dump = self._rows, self._sum.to_bytes(SIZE), self._weighted.to_bytes(SIZE)
        return self._dump

    def odd_one(self, other: Total) -> int:
        """The number of the row, if it is just one, in which two totals differ; else a number that no row has."""
        apart = (self._sum - other._sum) % MODULUS
        weighted = (self._weighted - other._weighted) % MODULUS
        return weighted * pow(apart, -1, MODULUS) % MODULUS if apart else MODULUS
