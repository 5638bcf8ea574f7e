"""Recovery keys: what a person writes down once, and types when every other key is gone.

160 random bits in Crockford's base 32, which has no letter that reads like a digit, and 20 bits of their SHA-256, so
that a slip of the pen is told apart from a key of another store: ``7K3M-90QX-...``, nine groups of four.
"""

import hashlib
from collections.abc import Callable

SIZE = 20
"""Bytes: far beyond guessing, so that no stretching is needed."""

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS = str.maketrans("OIL", "011", " -\t\r\n")
_LETTERS = 36
_CHECK_BITS = 20


class Mistyped(Exception):
    """The text is of the form of a recovery key, but is none."""


def new_recovery(random: Callable[[int], bytes]) -> tuple[bytes, str]:
    """A fresh recovery key, and its text."""
    secret = random(SIZE)
    number = int.from_bytes(secret, "big") << _CHECK_BITS | _check(secret)
    letters = "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(_LETTERS)))
    return secret, "-".join(letters[start : start + 4] for start in range(0, _LETTERS, 4))


def read_recovery(text: str) -> bytes | None:
    """The recovery key that a text is; None when it doesn't look like one. Raises ``Mistyped``.

    Small letters, spaces and dashes are as good as none; O is read as 0, I and L as 1.
    """
    letters = text.upper().translate(_READ_AS)
    if len(letters) != _LETTERS or not set(letters) <= set(_ALPHABET):
        return None
    number = 0
    for letter in letters:
        number = number << 5 | _ALPHABET.index(letter)
    secret = (number >> _CHECK_BITS).to_bytes(SIZE, "big")
    if number & (1 << _CHECK_BITS) - 1 != _check(secret):
        raise Mistyped("the recovery key is mistyped: its checksum is wrong; compare each letter with what was written")
    return secret


def _check(secret: bytes) -> int:
    return int.from_bytes(hashlib.sha256(b"statekeep recovery " + secret).digest()[:3], "big") >> 24 - _CHECK_BITS
