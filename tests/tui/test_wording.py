"""How numbers, times and states read."""

from __future__ import annotations

import time

import pytest

from statekeep.protocol.records import StateValue
from statekeep.tui.cli import wording
from tests.tui.records import NOON


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("paid", "paid"),
        ({"review": "legal"}, "review.legal"),
        ({"review": {"legal": "open"}}, "review.legal.open"),
        ({"kyc": "done", "docs": {"scan": "open"}}, "kyc.done + docs.scan.open"),
        ({"review": {"legal": {}, "risk": "open"}}, "review.(legal + risk.open)"),
        ({}, "(no states)"),
    ],
)
def test_a_state_is_a_dotted_path(value: StateValue, text: str) -> None:
    """Regions of a parallel state stand side by side."""
    assert wording.state(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "just now"),
        (0.4, "just now"),
        (1, "1 s ago"),
        (59.9, "59 s ago"),
        (60, "1 min ago"),
        (7_300, "2 h ago"),
        (86_400, "1 day ago"),
        (86_400 * 1_500, "1,500 days ago"),
    ],
)
def test_a_time_is_also_how_long_ago(seconds: float, text: str) -> None:
    """In the largest unit that it fills; a clock that is behind says nothing odd."""
    assert wording.ago(seconds) == text


def test_a_moment_is_absolute_and_relative(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the zone of this machine."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert wording.moment(NOON, now=NOON / 1000 + 300) == "2026-03-01 21:00:00 (5 min ago)"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_counts_have_separators_and_nouns_a_number() -> None:
    """One history, two histories."""
    assert wording.count(1203) == "1,203"
    assert wording.count(1, "history") == "1 history"
    assert wording.count(2050, "history") == "2,050 histories"
    assert wording.count(0, "event") == "0 events"


def test_what_a_terminal_would_obey_is_shown() -> None:
    """Escape sequences and overrides of direction in a name can't reach the terminal."""
    assert wording.printable("a\x1b[2Jb\u202ec\x9b") == r"a\x1b[2Jb\u202ec\x9b"
    assert wording.printable("über ✓\nzwei") == "über ✓\nzwei"
