"""The tree of histories as it is drawn, and the histories as they are exported."""

from __future__ import annotations

import json

import pytest

from statekeep.daemon.engine import Engine
from statekeep.protocol.messages import Paths
from statekeep.protocol.records import PathNode, PathPage
from statekeep.tui.cli.blocks import Rows
from statekeep.tui.cli.paths import BAR, tree
from tests.engine.stories import PAID, WAIVED, deploy, spawn
from tests.tui.conftest import Asked, Run


@pytest.fixture
def crowd(engine: Engine) -> None:
    """Actors on ``loan-v1``."""
    deploy(engine, "loan-v1")
    for events in ([], ["SUBMIT_INFO"], PAID, WAIVED, WAIVED, [*WAIVED, "APPROVE"]):
        spawn(engine, "loan-v1", *events)


def drawn(request: Paths, page: PathPage) -> list[tuple[str, ...]]:
    """The cells of the tree, without the bars."""
    (table,) = (block for block in tree(request, page) if isinstance(block, Rows))
    return [tuple(str(cell) for place, cell in enumerate(row) if place != 2) for row in table.rows]


@pytest.mark.usefixtures("crowd")
def test_the_tree_shows_where_they_went(run: Run) -> None:
    """Each event under the one before it, with how many went so, and where those stand who went no further."""
    code, out, _ = run("paths", "loan-v1")
    lines = [line.replace("█", "").split() for line in out.splitlines()]
    assert code == 0
    assert lines == [
        ["history", "actors", "here", "state"],
        ["(spawned)", "5", "1", "submitted"],
        ["└─", "SUBMIT_INFO", "4", "1", "under_review"],
        ["├─", "WAIVE_FEE", "2", "2", "awaiting_docs"],
        ["└─", "PAY_FEE", "1", "1", "awaiting_docs"],
        [],
        ["--path", "SUBMIT_INFO", "takes", "over", "4", "of", "these", "5", "actors."],
    ]


@pytest.mark.usefixtures("crowd")
def test_the_path_of_a_part_can_be_copied(run: Run) -> None:
    """Below a beginning, the last line is the option that takes over all of it."""
    out = run("paths", "loan-v1", "--under", ",".join(PAID)).out
    assert out.splitlines()[-1] == "--path SUBMIT_INFO,PAY_FEE takes over 1 of these 1 actor."


@pytest.mark.usefixtures("crowd")
def test_where_nobody_is_that_is_said(run: Run) -> None:
    """With the version and the beginning that were asked for."""
    assert run("paths", "loan-v1", "--under", "A,B").out == (
        "loan-v1 has no live actors with a history that begins with A, B.\n"
    )


def test_bars_are_shares(run: Run, daemon: Asked) -> None:
    """Of all that was asked for; a single actor among thousands is still to be seen."""
    daemon.answers(
        PathPage(
            actors=4_000,
            nodes=[
                PathNode(path=[], actors=4_000, children=2),
                PathNode(path=["A"], actors=2_000),
                PathNode(path=["B"], actors=1),
            ],
        )
    )
    bars = [line.count("█") for line in run("paths", "v").out.splitlines()[1:4]]
    assert bars == [BAR, BAR // 2, 1]


def test_branches_are_drawn_to_their_end() -> None:
    """A line leads from each event to the next beside it, past all that stands below."""
    paths = [[], ["A"], ["A", "B"], ["A", "B", "C"], ["A", "D"], ["E"], ["E", "F"]]
    page = PathPage(actors=9, nodes=[PathNode(path=path, actors=9) for path in paths])
    assert [row[0] for row in drawn(Paths("v"), page)] == [
        "(spawned)",
        "├─ A",
        "│  ├─ B",
        "│  │  └─ C",
        "│  └─ D",
        "└─ E",
        "   └─ F",
    ]


def test_a_later_page_begins_with_the_whole_history() -> None:
    """Since what it hangs on is on the page before; and what is cut off by the depth is counted."""
    page = PathPage(actors=9, nodes=[PathNode(path=["A", "B"], actors=5, children=2), PathNode(path=["C"], actors=4)])
    assert [row[0] for row in drawn(Paths("v", depth=2, cursor=2), page)] == ["A, B ... 2 more", "C"]


@pytest.mark.usefixtures("crowd")
def test_histories_are_lines(run: Run) -> None:
    """One for each distinct history of live actors: event types, state and number, and nothing else."""
    lines = [json.loads(line) for line in run("histories", "loan-v1").out.splitlines()]
    assert lines == [
        {"history": [], "state": "submitted", "actors": 1},
        {"history": ["SUBMIT_INFO"], "state": "under_review", "actors": 1},
        {"history": PAID, "state": "awaiting_docs", "actors": 1},
        {"history": WAIVED, "state": "awaiting_docs", "actors": 2},
    ]
