"""Recovery keys: what is written down opens the store, however it is typed, and a slip of the pen is told."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

import pytest

from statekeep.daemon.store.recovery import SIZE, Mistyped, new_recovery, read_recovery


@pytest.mark.parametrize("random", [os.urandom, bytes, lambda size: b"\xff" * size])
def test_what_is_written_down_is_read_again(random: Callable[[int], bytes]) -> None:
    """Nine groups of four letters and digits hold 160 bits, also when they begin with zeros."""
    secret, text = new_recovery(random)
    assert len(secret) == SIZE == 20
    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){8}[0-9A-HJKMNP-TV-Z]{4}", text)
    assert read_recovery(text) == secret


def test_the_way_of_typing_does_not_matter() -> None:
    """Small letters, spaces, line ends, no groups, and letters for the digits that they look like."""
    secret, text = new_recovery(lambda size: bytes(range(size)))
    for typed in (
        text.lower(),
        text.replace("-", ""),
        f"  {text.replace('-', ' ')}\n",
        text.replace("0", "O").replace("1", "l"),
        text.replace("1", "I"),
    ):
        assert read_recovery(typed) == secret


def test_a_slip_of_the_pen_is_told() -> None:
    """One wrong letter anywhere, or two that changed places."""
    _, text = new_recovery(lambda size: bytes(range(7, 7 + size)))
    letters = text.replace("-", "")
    for place, letter in enumerate(letters):
        wrong = letters[:place] + ("Z" if letter != "Z" else "Y") + letters[place + 1 :]
        with pytest.raises(Mistyped, match="mistyped"):
            read_recovery(wrong)
        swapped = letters[:place] + letters[place : place + 2][::-1] + letters[place + 2 :]
        if swapped != letters:
            with pytest.raises(Mistyped):
                read_recovery(swapped)


@pytest.mark.parametrize("text", ["", "correct horse battery staple", "A" * 35, "A" * 37, "U" * 36, "é" * 36])
def test_other_texts_are_none(text: str) -> None:
    """They may be passphrases."""
    assert read_recovery(text) is None
