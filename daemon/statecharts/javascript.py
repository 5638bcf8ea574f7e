"""What a definition means because XState is a JavaScript program: truth, the order of keys, the spelling of numbers."""

import re
from collections.abc import Iterable
from typing import Any

_ARRAY_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")
_LAST_ARRAY_INDEX = 2**32 - 2
_DECIMAL = re.compile(r"[+-]?(Infinity|([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?)")
_RADIX = re.compile(r"0([xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")
_WHITE_SPACE = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200B)))


def truthy(value: Any) -> bool:
    """Whether JavaScript takes a JSON value for true; unlike in Python, an empty object or array is."""
    return bool(value) or isinstance(value, (dict, list))


def in_key_order(keys: Iterable[str]) -> list[str]:
    """The order in which JavaScript enumerates these keys: array indices first and ascending, then as written."""
    texts = list(keys)
    indices = [key for key in texts if _is_array_index(key)]
    if not indices:
        return texts
    return sorted(indices, key=int) + [key for key in texts if not _is_array_index(key)]


def _is_array_index(key: str) -> bool:
    return _ARRAY_INDEX.fullmatch(key) is not None and int(key) <= _LAST_ARRAY_INDEX


def length(text: str) -> int:
    """The length that JavaScript sees: UTF-16 code units."""
    return len(text) + sum(character > "\uffff" for character in text)


def to_number(text: str) -> float | None:
    """``+text``; None where JavaScript gives NaN. The empty text is 0, ``0x10`` is 16."""
    text = text.strip(_WHITE_SPACE)
    if not text:
        return 0.0
    if _RADIX.fullmatch(text):
        return float(int(text, 0))
    return float(text) if _DECIMAL.fullmatch(text) else None


def number_spelling(number: float) -> str:
    """``String(number)``: the shortest digits that give the number back, without exponent from 1e-6 up to 1e21."""
    if number in (float("inf"), float("-inf")):
        return "Infinity" if number > 0 else "-Infinity"
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    mantissa, _, power = f"{abs(number)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    # The decimal point stands after this many of the digits.
    point = len(whole) + int(power or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        return sign + digits.ljust(point, "0")
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{point - 1:+d}"
