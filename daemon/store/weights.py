"""Secret weights of numbers: what two rows of different numbers add to a total can't be made to cancel out."""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator, Sequence

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from statekeep.daemon.store.totals import SIZE

_BLOCKS = struct.Struct(">4q")
"""What is enciphered of a number: two blocks, (number, 0) and (number, 1), as 64-bit integers."""


class Weights:
    """A weight for each number of 64 bits, by a key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        # A block cipher as a pseudo-random function: its blocks are numbers, and no two are alike.
        self._encrypt = Cipher(AES(key), ECB()).encryptor().update  # noqa: S305

    def one(self, number: int) -> int:
        """The weight of one number, in a quarter of the time that ``of`` takes for it."""
        return int.from_bytes(self._encrypt(_BLOCKS.pack(number, 0, number, 1)))

    def of(self, numbers: Sequence[int]) -> Iterator[int]:
        """The weights of these numbers: one call of the cipher for all of them."""
        parts = array("q", bytes(4 * 8 * len(numbers)))
        parts[0::4] = parts[2::4] = array("q", numbers)
        parts[3::4] = array("q", [1]) * len(numbers)
        if sys.byteorder == "little":
            parts.byteswap()
        return map(int.from_bytes, struct.unpack(f"{SIZE}s" * len(numbers), self._encrypt(parts.tobytes())))
