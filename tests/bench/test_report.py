"""Rows, aims, and what is written down of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench import figures, report
from tests.bench.report import Aim, Row, kept, publish, row


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is published by a test is not taken for a figure."""
    for module in (report, figures):
        monkeypatch.setattr(module, "FILE", tmp_path / "build" / "bench.json")
    monkeypatch.setattr(figures, "README", tmp_path / "README.md")
    (tmp_path / "README.md").write_text(f"# Figures\n\nHow to read them.\n\n{figures.HEADING}\nold ones\n")


def sends(bench: str, figure: float, aim: Aim | None = None) -> Row:
    """Events a second, half of a peer's being 50."""
    return row(bench, "sends", "ev/s", [figure, figure - 1, figure + 1], "a peer", [50.0], aim)


@pytest.mark.parametrize(
    ("aim", "met"),
    [
        (Aim(3, of_ratio=True, at_least=True), False),
        (Aim(2, of_ratio=True, at_least=True), True),
        (Aim(2, of_ratio=True), True),
        (Aim(1.9, of_ratio=True), False),
        (Aim(99), False),
        (Aim(100), True),
        (Aim(101, at_least=True), False),
    ],
)
def test_an_aim_is_of_the_median_or_of_its_ratio(aim: Aim, *, met: bool) -> None:
    """At most, or at least."""
    assert sends("peers", 100, aim).met is met


def test_an_aim_beside_a_missing_peer_is_not_told() -> None:
    """It is neither met nor not."""
    alone = row("peers", "sends", "ev/s", [100.0], "a peer", [], Aim(3, of_ratio=True, at_least=True))
    assert (alone.met, alone.peer, report.verdict(alone)) == (None, "", "at least 3 x: not told")


def test_a_bench_replaces_its_own_rows_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """Those of others stay, in their order."""
    publish("first", [sends("one", 100), sends("one", 200)])
    publish("second", [sends("two", 300)])
    publish("again", [sends("one", 400)])
    assert [(each.bench, each.figure) for each in kept()] == [("two", 300), ("one", 400)]
    assert "8 x a peer, 50" in capsys.readouterr().out


def test_every_row_is_written_down_and_nothing_else_is_touched() -> None:
    """With its peer, its ratio, and whether its aim is met; the old ones are gone."""
    publish("first", [sends("one", 100, Aim(99)), sends("two", 1_234, Aim(0.7, of_ratio=True, at_least=True))])
    figures.main()
    text = figures.README.read_text()
    assert text.startswith(f"# Figures\n\nHow to read them.\n\n{figures.HEADING}\n")
    assert "old ones" not in text
    assert "Of 2 aims 1 are met." in text
    assert "### one\n" in text
    assert "| sends | 100 ev/s | 99 to 101 | a peer: 50 | 2 x | at most 99: not met |\n" in text
    assert "| sends | 1,234 ev/s | 1,233 to 1,235 | a peer: 50 | 24.7 x | at least 0.7 x: met |\n" in text
