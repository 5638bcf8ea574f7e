"""``statekeep verify``: the pages become one account, and the exit code says how it ended."""

from __future__ import annotations

import sys

import msgspec
import pytest

from statekeep.protocol.messages import StatusRequest, Verify
from statekeep.protocol.records import Difference, VerifyPage
from tests.tui import records
from tests.tui.conftest import Asked, Run

SOUND = VerifyPage(looked_at=1_000, differences=[], next=1_000)
LAST = VerifyPage(looked_at=1_050, differences=[])


def page(*found: Difference) -> VerifyPage:
    """The last page, with these differences."""
    return msgspec.structs.replace(LAST, differences=list(found))


def test_no_difference_ends_with_0(run: Run, daemon: Asked) -> None:
    """All pages are asked for, each from where the one before ended."""
    daemon.answers(records.STATUS, SOUND, LAST)
    assert run("verify") == (0, "0 differences in 2,050 actors\n", "")
    assert daemon.asked == [StatusRequest(), Verify(limit=1000), Verify(limit=1000, cursor=1000)]


def test_a_difference_ends_with_1(run: Run, daemon: Asked) -> None:
    """And is named before the sum, with whose it is and both its sides."""
    moved = Difference(actor=1, key="alice", what="version", found="loan-v1", expected="loan-v2")
    daemon.answers(records.STATUS, msgspec.structs.replace(SOUND, differences=[moved]), LAST)
    code, out, _ = run("verify")
    assert code == 1
    assert out.splitlines() == [
        'alice (actor 1): version: found "loan-v1", expected "loan-v2"',
        "1 difference in 2,050 actors",
    ]


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (Difference(actor=7, what="data_key"), "actor 7: the data key fails authentication"),
        (
            Difference(actor=7, what="payload", position=1_234),
            "actor 7: the event's payload fails authentication at position 1,234",
        ),
        (
            Difference(actor=7, what="history", position=3, found=["A", "B"], expected=["*"]),
            'actor 7: the event does not continue the one before it at position 3: found ["A", "B"], expected ["*"]',
        ),
        (
            Difference(actor=7, what="needs_rescue", found=False, expected=True),
            "actor 7: needs rescue: found false, expected true",
        ),
        (
            Difference(actor=7, what="lookup", expected=7),
            "actor 7: the key leads elsewhere: found nothing, expected 7",
        ),
        (
            Difference(
                actor=7,
                what="decision",
                position=9,
                found={"route": "v2", "outcome": "pending"},
                expected={"route": "v2", "outcome": "migrated"},
            ),
            'actor 7: decision at position 9: found {"outcome": "pending"}, expected {"outcome": "migrated"}',
        ),
    ],
    ids=lambda given: given.what if isinstance(given, Difference) else "",
)
def test_each_kind_of_difference_reads_as_a_sentence(run: Run, daemon: Asked, found: Difference, text: str) -> None:
    """What is the same on both sides is left out."""
    daemon.answers(records.STATUS, page(found))
    assert run("verify").out.splitlines()[0] == text


def test_json_is_one_page_of_all(run: Run, daemon: Asked) -> None:
    """One line with the sums of the pages; the exit code is the same."""
    found = Difference(actor=1, what="state", found="a", expected="b")
    daemon.answers(records.STATUS, SOUND, page(found))
    code, out, _ = run("verify", "--json")
    assert code == 1
    assert msgspec.json.decode(out, type=VerifyPage) == VerifyPage(looked_at=2_050, differences=[found])


def test_progress_is_for_a_terminal_alone(run: Run, daemon: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar on stderr, with an estimate; nothing of it is on stdout."""
    daemon.answers(records.STATUS, SOUND, LAST)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    _, out, err = run("verify")
    assert out == "0 differences in 2,050 actors\n"
    assert "1,000 of 2,050 actors" in err
    assert "2,050 of 2,050 actors" in err
