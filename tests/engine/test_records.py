"""Histories and decisions, page by page."""

from __future__ import annotations

from typing import Any

import pytest

from statekeep.daemon.engine import Engine, records
from statekeep.protocol.messages import ActorRef, Decisions, History, Send
from statekeep.protocol.records import Decision
from tests.engine.stories import PAID, VERIFIED, WAIVED, deploy, spawn
from tests.engine.worlds import ask


def decisions(engine: Engine, limit: int = 1_000, **about: Any) -> list[list[Decision]]:
    """All pages of decisions."""
    pages = []
    cursor: int | None = 0
    while cursor is not None:
        page = ask(engine, Decisions(**about, cursor=cursor, limit=limit))
        pages.append(page.decisions)
        cursor = page.next
    return pages


@pytest.fixture
def routed(engine: Engine) -> Engine:
    """Six loans that met two routes in every way: by a deploy, by an event, at the spawn, finished and not at all."""
    deploy(engine, "loan-v1")
    for events in (PAID, WAIVED, [*PAID, "REJECT"], ["SUBMIT_INFO"]):
        spawn(engine, "loan-v1", *events)
    deploy(engine, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
    deploy(engine, "loan-v3", VERIFIED, parent="loan-v1", path=["SUBMIT_INFO"])
    ask(engine, Send(4, "PAY_FEE"))
    spawn(engine, "loan-v1", key="eve")
    spawn(engine, "loan-v2")
    return engine


def test_a_page_of_a_history_holds_so_many_bytes(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends before the payload that would be too much, but never before the first; nothing is left out."""
    monkeypatch.setattr(records, "PAGE_BYTES", 1_000)
    deploy(engine, "v", {"initial": "a", "states": {"a": {"on": {"GO": "a"}}}})
    spawn(engine, "v")
    sizes = [10, 300, 300, 300, 5_000, 10, 900, 0, 0]
    for size in sizes:
        ask(engine, Send(1, "GO", "x" * size if size else None))
    pages, cursor = list[list[int]](), 0
    while True:
        page = ask(engine, History(1, cursor=cursor))
        pages.append([len(event.payload or "") for event in page.events])
        assert [event.number for event in page.events] == list(range(cursor + 1, cursor + 1 + len(page.events)))
        if page.next is None:
            break
        cursor = page.next
    assert pages == [[10, 300, 300], [300], [5_000], [10, 900, 0, 0]]


def test_a_history_is_what_was_processed(engine: Engine) -> None:
    """Each event with its payload, and the version and the state that it led to, after routing."""
    deploy(engine, "loan-v1")
    deploy(engine, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
    spawn(engine, "loan-v1")
    for event, payload in (
        ("SUBMIT_INFO", {"pages": 3}),
        ("APPROVE", "too early"),
        ("PAY_FEE", None),
        ("INCOME_VERIFIED", 0),
    ):
        ask(engine, Send(1, event, payload))
    history = ask(engine, History(1))
    assert history.spawned_on == "loan-v1"
    assert [(event.number, event.event, event.payload, event.version, event.state) for event in history.events] == [
        (1, "SUBMIT_INFO", {"pages": 3}, "loan-v1", "under_review"),
        (2, "PAY_FEE", None, "loan-v2", "income_verify"),
        (3, "INCOME_VERIFIED", 0, "loan-v2", "awaiting_docs"),
    ]
    assert [event.position for event in history.events] == [4, 5, 6]
    times = [history.spawned_at, *(event.time for event in history.events)]
    assert times == sorted(set(times))


@pytest.mark.parametrize("limit", [1, 2, 5, 6])
def test_histories_page_by_page(engine: Engine, limit: int) -> None:
    """Every event is on exactly one page, and numbers go on across pages."""
    deploy(engine, "v", {"initial": "a", "states": {"a": {"on": {"TICK": "a"}}}})
    spawn(engine, "v")
    for number in range(5):
        ask(engine, Send(1, "TICK", number))
    found = []
    cursor: int | None = 0
    while cursor is not None:
        page = ask(engine, History(1, cursor=cursor, limit=limit))
        assert len(page.events) <= limit
        found += [(event.number, event.payload) for event in page.events]
        cursor = page.next
    assert found == [(number + 1, number) for number in range(5)]
    assert ask(engine, History(1, cursor=2**63 - 1)).events == []


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        (1, [("loan-v2", "migrated", 2)]),
        (2, [("loan-v2", "diverged", 2), ("loan-v3", "migrated", 2)]),
        (3, [("loan-v2", "final", 3), ("loan-v3", "final", 3)]),
        (4, [("loan-v2", "pending", 1), ("loan-v3", "blocked", 1), ("loan-v2", "migrated", 2)]),
        ("eve", [("loan-v2", "pending", 0), ("loan-v3", "blocked", 0)]),
        (6, []),
    ],
)
def test_the_decisions_about_an_actor(routed: Engine, actor: ActorRef, expected: list[tuple[str, str, int]]) -> None:
    """In their order, deferrals included, each with the length of the history that was judged."""
    (page,) = decisions(routed, actor=actor)
    assert [(made.route, made.outcome, made.events) for made in page] == expected
    assert [made.position for made in page] == sorted(made.position for made in page)


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_the_decisions_about_a_route(routed: Engine, limit: int) -> None:
    """One line for each actor that ever stood on the parent, its last word, in order of ids, wherever it is now."""
    pages = decisions(routed, limit, route="loan-v2")
    assert all(len(page) <= limit for page in pages)
    assert [(made.actor, made.outcome) for page in pages for made in page] == [
        (1, "migrated"),
        (2, "diverged"),
        (3, "final"),
        (4, "migrated"),
        (5, "pending"),
    ]


@pytest.mark.parametrize(
    ("outcome", "actors"),
    [("migrated", [1, 4]), ("diverged", [2]), ("final", [3]), ("pending", [5]), ("rescue", []), ("blocked", [])],
)
def test_decisions_by_outcome(routed: Engine, outcome: Any, actors: list[int]) -> None:
    """About a route the last word counts; about an actor every word does."""
    assert [made.actor for page in decisions(routed, 1, route="loan-v2", outcome=outcome) for made in page] == actors
    found = [made.outcome for page in decisions(routed, 1, actor=4, outcome=outcome) for made in page]
    assert found == [outcome] * (outcome in ("pending", "blocked", "migrated"))


def test_decisions_by_time(routed: Engine) -> None:
    """From one time on, up to and without another; about a route the last word of that time counts."""
    (whole,) = decisions(routed, actor=4)
    first, last = whole[0].time, whole[-1].time
    assert first < last

    def told(**about: Any) -> list[tuple[int, str]]:
        return [(made.actor, made.outcome) for page in decisions(routed, 2, **about) for made in page]

    assert told(actor=4, since=last) == [(4, "migrated")]
    assert told(actor=4, until=last) == [(4, "pending"), (4, "blocked")]
    assert told(route="loan-v2", until=last) == [(1, "migrated"), (2, "diverged"), (3, "final"), (4, "pending")]
    assert told(route="loan-v2", since=first, until=last, outcome="pending") == [(4, "pending")]
    assert told(route="loan-v2", since=last) == [(4, "migrated"), (5, "pending")]
    assert told(route="loan-v2", since=last + 3_600_000) == []


def test_decisions_since_the_last_deploy_are_asked_of_few(routed: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the last change of the routes only one's own events decide: nobody else is looked at."""
    looked: list[int] = []
    of_actor = records.of_actor

    def counting(world: Any, actor: int, key: str | None) -> list[Decision]:
        looked.append(actor)
        return of_actor(world, actor, key)

    monkeypatch.setattr(records, "of_actor", counting)
    last = decisions(routed, actor=4)[0][-1].time
    looked.clear()
    decisions(routed, route="loan-v2", since=last)
    assert looked == [4, 5, 6]


def test_a_page_may_be_short_and_not_the_last(routed: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request looks at so many actors and no more; the pages together still have everything."""
    monkeypatch.setattr(records, "LOOKED_AT", 2)
    pages = decisions(routed, route="loan-v2", outcome="final")
    assert [len(page) for page in pages] == [0, 1, 0]
    assert [made.actor for page in decisions(routed, route="loan-v3") for made in page] == [2, 3, 4, 5]


@pytest.mark.parametrize("cursor", [2**32 - 1, 2**63 - 1])
def test_a_page_beyond_the_last_is_empty(routed: Engine, cursor: int) -> None:
    """However far beyond."""
    page = ask(routed, Decisions(route="loan-v2", cursor=cursor))
    assert (page.decisions, page.next) == ([], None)


def test_nothing_is_recorded_twice(engine: Engine) -> None:
    """Who comes to a cohort by another way, or after the memo of ways was cleared, adds only what is new."""
    deploy(engine, "loan-v1")
    deploy(engine, "loan-v2", parent="loan-v1", path=["SUBMIT_INFO"])
    deploy(engine, "loan-v3", parent="loan-v2", path=PAID)
    spawn(engine, "loan-v1", "SUBMIT_INFO")
    count = "SELECT count(*) FROM decisions"
    before = engine._store._connection.execute(count).fetchone()
    deploy(engine, "other")
    deploy(engine, "unrelated", parent="other")
    for version in ("loan-v1", "loan-v2", "loan-v1"):
        spawn(engine, version, "SUBMIT_INFO")
    # The third of loan-v1 has nothing to add; that of loan-v2 was pending for loan-v3 from its spawn on.
    assert engine._store._connection.execute(count).fetchone() == (before[0] + 1,)


def test_a_decision_is_told_in_full(routed: Engine) -> None:
    """Key, versions, states, path and both hashes, when and where: enough to check it by hand."""
    (made, _), (_, blocked) = decisions(routed, actor="eve")[0], decisions(routed, actor="eve")[0]
    assert (made.actor, made.key, made.version_before, made.version_after) == (5, "eve", "loan-v1", None)
    assert (made.state_before, made.landing, made.path) == ("submitted", None, PAID)
    assert (made.fingerprint, made.path_hash) == ("cbf29ce484222325", "8e106e4dbc4c2635")
    assert (blocked.position, blocked.time) == (made.position, made.time)
    assert blocked.path == ["SUBMIT_INFO"]
