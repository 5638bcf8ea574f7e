"""Bars and numbers tell the truth also where they are small."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from statekeep.protocol.records import Outcome
from statekeep.tui import look
from statekeep.tui.screens.overview import outcomes
from tests.tui import records


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (1000, "1.00k"), (12_345, "12.3k"), (999_960, "1.00M"), (1_200_000, "1.20M")],
)
def test_a_number_is_short(number: float, text: str) -> None:
    """Three digits and a unit, rounded up over a unit's end."""
    assert look.short(number) == text


@given(some.floats(min_value=0, max_value=9.99e11))
def test_a_short_number_is_short(number: float) -> None:
    """Whatever it is, it fits into its place."""
    assert len(look.short(number)) <= 5


@given(some.integers(0, 10**6), some.integers(1, 10**6))
def test_a_share_is_never_all_or_nothing_by_rounding(part: int, more: int) -> None:
    """0 % is nobody and 100 % is everybody."""
    assert (look.percent(part, part + more) == "0%") == (part == 0)
    assert look.percent(part, part + more) != "100%"


@given(some.integers(0, 1000), some.integers(1, 1000), some.integers(1, 60))
def test_a_bar_stays_in_its_place(part: int, whole: int, width: int) -> None:
    """It is as long as its place at most, and what is there at all is seen."""
    bar = look.bar(min(part, whole), whole, width)
    assert len(bar) <= width
    assert bool(bar) == bool(part)


def test_the_smallest_part_is_seen() -> None:
    """One in need among a million has a column of its own."""
    spans = look.stacked([(999_999, "█", "good"), (0, "▒", "quiet"), (1, "!", "bad")], 1_000_000, 10)
    assert [span.text for span in spans] == ["█" * 9, "!"]


def test_parents_of_active_states_are_active() -> None:
    """A filter may name a parent, a leaf, or a region."""
    assert look.active_paths({"review": {"legal": "open", "risk": "done"}}) == {
        "review",
        "review.legal",
        "review.legal.open",
        "review.risk",
        "review.risk.done",
    }


def test_an_outcome_of_a_newer_daemon_is_shown() -> None:
    """Last, and with a sign of its own."""
    assert look.in_order(["teleported", "migrated"]) == ["migrated", "teleported"]  # type: ignore[list-item]
    assert look.outcome("teleported").text == "· teleported"  # type: ignore[arg-type]


@pytest.mark.parametrize(("named", "told"), [(False, "→ 1.20k  … 3  "), (True, "→ migrated 1.20k  … pending 3  ")])
def test_outcomes_of_a_change_are_signs_or_names(named: bool, told: str) -> None:
    """In the order in which people ask for them; the names only where there is room."""
    counts: dict[Outcome, int] = {"pending": 3, "migrated": 1_203}
    change = msgspec.structs.replace(records.DEPLOYMENTS.deployments[0], counts=counts)
    assert "".join(span.text for span in outcomes(change, named=named)) == told
