"""What JavaScript would make of keys and numbers."""

from typing import Any

import pytest

from statekeep.daemon.statecharts import javascript


@pytest.mark.parametrize(
    ("keys", "order"),
    [
        (["b", "a"], ["b", "a"]),
        (["b", "10", "a", "9"], ["9", "10", "b", "a"]),
        (["01", "1", "-1", "1.5"], ["1", "01", "-1", "1.5"]),
        (["a", "4294967295", "4294967294"], ["4294967294", "a", "4294967295"]),
    ],
)
def test_array_indices_come_first(keys: list[str], order: list[str]) -> None:
    """Canonical integers below 2^32 - 1 come first and ascending; everything else stays as written."""
    assert javascript.in_key_order(keys) == order


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("1000", "1000"),
        ("1e3", "1000"),
        ("0500", "500"),
        ("1.50", "1.5"),
        (" 7\n", "7"),
        ("", "0"),
        ("-0", "0"),
        (".5", "0.5"),
        ("5.", "5"),
        ("0x10", "16"),
        ("0b11", "3"),
        ("-5", "-5"),
        ("1000000000000000000000", "1e+21"),
        ("123456789012345680000", "123456789012345680000"),
        ("0.000001", "0.000001"),
        ("0.0000001", "1e-7"),
        ("1.25e-9", "1.25e-9"),
        ("Infinity", "Infinity"),
        ("-1e400", "-Infinity"),
    ],
)
def test_numbers_are_spelled_as_javascript_does(text: str, spelling: str) -> None:
    """``String(+text)``."""
    number = javascript.to_number(text)
    assert number is not None
    assert javascript.number_spelling(number) == spelling


@pytest.mark.parametrize("text", ["1s", "NaN", "soon", "1_000", "-0x10", "0x", "infinity", "1e", ".", "--1"])
def test_other_texts_are_no_numbers(text: str) -> None:
    """Where ``+text`` is NaN; Python's own ``float`` and ``int`` take some of these."""
    assert javascript.to_number(text) is None


@pytest.mark.parametrize(
    ("value", "truth"), [({}, True), ([], True), ("0", True), ("", False), (0, False), (None, False)]
)
def test_empty_objects_and_arrays_are_true(value: Any, truth: bool) -> None:
    """Unlike in Python."""
    assert javascript.truthy(value) is truth


def test_length_counts_code_units() -> None:
    """A character beyond the basic plane is two."""
    assert javascript.length("é😀") == 3
