"""The histories of a version's live actors, as a tree and one by one, are those of its actors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec
import pytest

from statekeep.daemon.engine import Engine, paths, sweeping
from statekeep.protocol.errors import BadRequest, UnknownVersion
from statekeep.protocol.messages import Close, Histories, Paths
from statekeep.protocol.records import HistoryCount, HistoryCountPage, PathNode, PathPage
from tests.engine.stories import PAID, VERIFIED, WAIVED, deploy, spawn
from tests.engine.worlds import ask

CROWD = [[], ["SUBMIT_INFO"], PAID, PAID, WAIVED, WAIVED, WAIVED]


@pytest.fixture
def crowd(engine: Engine) -> Engine:
    """An engine with the actors of ``CROWD`` on ``loan-v1``, and one that has finished."""
    deploy(engine, "loan-v1")
    for events in [*CROWD, [*PAID, "APPROVE"]]:
        spawn(engine, "loan-v1", *events)
    return engine


def everything(engine: Engine, request: Paths | Histories) -> list[PathNode | HistoryCount]:
    """What is on all pages."""
    found: list[PathNode | HistoryCount] = []
    while True:
        page: PathPage | HistoryCountPage = ask(engine, request)
        found += page.nodes if isinstance(page, PathPage) else page.histories
        if page.next is None:
            return found
        request = msgspec.structs.replace(request, cursor=page.next)


def beginning(histories: Iterable[Sequence[str]], path: Sequence[str]) -> int:
    """How many begin so."""
    return sum(history[: len(path)] == path for history in histories)


def test_the_tree_counts_live_actors(crowd: Engine) -> None:
    """Each node before its children, the most travelled child first; the finished actor is nowhere."""
    page = ask(crowd, Paths("loan-v1"))
    assert page == PathPage(
        actors=7,
        nodes=[
            PathNode(path=[], actors=7, here=1, state="submitted", children=1),
            PathNode(path=["SUBMIT_INFO"], actors=6, here=1, state="under_review", children=2),
            PathNode(path=WAIVED, actors=3, here=3, state="awaiting_docs"),
            PathNode(path=PAID, actors=2, here=2, state="awaiting_docs"),
        ],
    )
    assert [node.actors for node in page.nodes] == [beginning(CROWD, node.path) for node in page.nodes]


def test_a_node_counts_what_its_path_would_take_over(crowd: Engine) -> None:
    """So a person who looks at the tree sees what a deploy with that path does."""
    node = ask(crowd, Paths("loan-v1", PAID)).nodes[0]
    plan = deploy(crowd, "loan-v2", VERIFIED, parent="loan-v1", path=PAID).plan
    assert plan is not None
    assert plan.counts["migrated"] == node.actors
    assert [node.path for node in ask(crowd, Paths("loan-v1")).nodes] == [[], ["SUBMIT_INFO"], WAIVED]
    assert ask(crowd, Paths("loan-v2", PAID)).nodes == [msgspec.structs.replace(node, state="income_verify")]


def test_only_a_part_is_walked(crowd: Engine) -> None:
    """Below a beginning, and so many levels of it; who went further is counted all the same."""
    page = ask(crowd, Paths("loan-v1", ["SUBMIT_INFO"], depth=1))
    assert [node.path for node in page.nodes] == [["SUBMIT_INFO"], WAIVED, PAID]
    (_, cut) = ask(crowd, Paths("loan-v1", depth=1)).nodes
    assert (cut.path, cut.actors, cut.children) == (["SUBMIT_INFO"], 6, 2)


@pytest.mark.parametrize("under", [["NEVER"], ["PAY_FEE"], [*PAID, "APPROVE"], ["NEVER", "SUBMIT_INFO"]])
def test_where_nobody_is_there_is_nothing(crowd: Engine, under: list[str]) -> None:
    """A beginning that nobody alive has, or that never occurred, is an empty page."""
    assert ask(crowd, Paths("loan-v1", under)) == PathPage(actors=0, nodes=[])


@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize("request_", [Paths("light"), Paths("light", depth=1), Histories("light")])
def test_pages_follow_each_other(engine: Engine, request_: Paths | Histories, limit: int) -> None:
    """However small they are, together they are the whole, in its order."""
    deploy(engine, "light", {"initial": "on", "states": {"on": {"on": {"a": {}, "b": {}}}}})
    for events in ("aaa", "aab", "ab", "b", "ba", "bab", "bb"):
        spawn(engine, "light", *events)
    assert everything(engine, msgspec.structs.replace(request_, limit=limit)) == everything(engine, request_)


def test_each_history_is_listed_once(crowd: Engine) -> None:
    """With the state that it leads to and how many live actors have it, also where two cohorts are alike."""
    deploy(crowd, "in-the-way", parent="loan-v1", path=["*", "*", "REJECT"])
    deploy(crowd, "loan-v2", VERIFIED, parent="loan-v1", path=WAIVED)
    spawn(crowd, "loan-v2", *WAIVED)
    ask(crowd, Close("in-the-way"))  # the three come over as they are, a cohort beside the one that is there
    found = everything(crowd, Histories("loan-v2"))
    assert found == [HistoryCount(history=WAIVED, state="awaiting_docs", actors=4)]
    v1 = [one for one in everything(crowd, Histories("loan-v1")) if isinstance(one, HistoryCount)]
    expected = Counter(tuple(events) for events in CROWD if events != WAIVED)
    assert {tuple(one.history): one.actors for one in v1} == expected


def test_one_request_looks_at_so_many(crowd: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that found none of them goes on behind them."""
    monkeypatch.setattr(paths, "LOOKED_AT", 1)
    deploy(crowd, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
    first = ask(crowd, Histories("loan-v2"))
    assert first.histories == []
    assert first.next == 1
    assert [one.actors for one in everything(crowd, Histories("loan-v2")) if isinstance(one, HistoryCount)] == [2]


def test_a_sweep_is_waited_for(crowd: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """While cohorts are still to be moved, both are put off: they would count actors where they no longer belong."""
    monkeypatch.setattr(sweeping, "CHUNK", 1)
    monkeypatch.setattr(sweeping, "AT_ONCE", 1)
    deploy(crowd, "loan-v2", VERIFIED, parent="loan-v1")
    assert crowd.run([Paths("loan-v1"), Histories("loan-v1")]) == [None, None]
    while crowd.sweeping:
        crowd.run([])
    assert ask(crowd, Paths("loan-v1")).actors == 0
    assert ask(crowd, Paths("loan-v2")).actors == len(CROWD)


def test_a_wrong_question_is_refused(crowd: Engine) -> None:
    """An unknown version, and pages that are too large."""
    for kind in (Paths, Histories):
        with pytest.raises(UnknownVersion):
            ask(crowd, kind("loan-v9"))
        with pytest.raises(BadRequest):
            ask(crowd, kind("loan-v1", limit=1001))
