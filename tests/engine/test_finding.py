"""Filters over actors: each page and each count is what looking at every actor one by one would give."""

from __future__ import annotations

import fnmatch
import random
import re
from collections import Counter
from typing import Any

import pytest

from statekeep.daemon.engine import Engine, finding
from statekeep.protocol import errors
from statekeep.protocol.messages import Actors, CountRequest, Get, Send, Spawn
from statekeep.protocol.records import Actor
from tests.engine.stories import LOAN, PAID, STATES, VERIFIED, deploy
from tests.engine.worlds import ask

NESTED: dict[str, Any] = {
    "initial": "review",
    "states": {
        "review": {
            "type": "parallel",
            "states": {
                "legal": {"initial": "open", "states": {"open": {"on": {"SIGN": "signed"}}, "signed": {}}},
                "risk": {
                    "initial": "open",
                    "states": {"open": {"tags": ["slow"], "on": {"RATE": "rated"}}, "rated": {}},
                },
            },
        }
    },
}
STRICT = {**LOAN, "states": {**STATES, "submitted": {"on": {"OTHER": "under_review"}}}}
"""A definition on which no loan lands whole."""


@pytest.fixture
def population(engine: Engine) -> list[Actor]:
    """Sixty actors on four versions, some finished, some to be rescued, and their events in no order of theirs."""
    deploy(engine, "loan-v1")
    deploy(engine, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
    deploy(engine, "nested", NESTED)
    choose = random.Random(7)
    for number in range(60):
        version = choose.choice(["loan-v1", "loan-v1", "nested"])
        ask(engine, Spawn(version, key=f"{version}/{number}" if number % 5 else None))
    for _ in range(500):
        actor = choose.randint(1, 60)
        event = choose.choice(["SUBMIT_INFO", "PAY_FEE", "WAIVE_FEE", "APPROVE", "SIGN", "RATE"])
        if ask(engine, Get(actor)).status == "active":
            ask(engine, Send(actor, event))
    deploy(engine, "strict", STRICT, parent="loan-v1", path=["SUBMIT_INFO"], landing="strict")
    return every(engine, Actors())


def every(engine: Engine, request: Actors) -> list[Actor]:
    """All that a request finds, in pages of seven."""
    found, cursor = list[Actor](), 0
    while True:
        page = ask(engine, Actors(**{name: getattr(request, name) for name in FILTERS}, cursor=cursor, limit=7))
        assert len(page.actors) <= 7
        found += page.actors
        if page.next is None:
            return found
        cursor = page.next


FILTERS = ["version", "state", "tag", "status", "key", "needs_rescue", "updated_after", "updated_before", "order"]


def paths(state: Any, above: str = "") -> list[str]:
    """Every dotted path in a state value."""
    if isinstance(state, str):
        return [above + state]
    return [path for name, below in state.items() for path in [above + name, *paths(below, f"{above}{name}.")]]


def fits(pattern: str, path: str) -> bool:
    """The form of a state said by a regular expression."""
    spelled = {"*": r"[^.]+\.", "**": r"([^.]+\.)*"}
    return bool(
        re.fullmatch("".join(spelled.get(part, re.escape(part) + r"\.") for part in pattern.split(".")), path + ".")
    )


def passes(actor: Actor, request: Actors | CountRequest) -> bool:
    """Whether an actor passes a filter, from what a look at it says."""
    key = request.key if isinstance(request, Actors) else None
    return (
        request.version in (None, actor.version)
        and (request.state is None or any(fits(request.state, path) for path in paths(actor.state)))
        and (request.tag is None or request.tag in actor.tags)
        and request.status in (None, actor.status)
        and (key is None or (actor.key is not None and fnmatch.fnmatchcase(actor.key, key)))
        and request.needs_rescue in (None, actor.needs_rescue)
        and (request.updated_after is None or actor.updated >= request.updated_after)
        and (request.updated_before is None or actor.updated < request.updated_before)
    )


ASKED: list[dict[str, Any]] = [
    {},
    {"version": "loan-v1"},
    {"version": "strict"},
    {"state": "awaiting_docs"},
    {"state": "review.legal"},
    {"state": "review.*.open"},
    {"state": "**.rated"},
    {"state": "**"},
    {"state": "*"},
    {"state": "review.**.signed.**"},
    {"state": "review.*"},
    {"state": "re*"},
    {"tag": "slow"},
    {"tag": "none"},
    {"status": "done"},
    {"status": "active", "version": "loan-v1"},
    {"needs_rescue": True},
    {"needs_rescue": False, "status": "active"},
]


@pytest.mark.parametrize("order", ["id", "updated"])
@pytest.mark.parametrize("asked", [*ASKED, {"key": "nested/*"}, {"key": "*/1*"}, {"key": "loan*1*"}, {"key": "*"}])
def test_pages_hold_who_passes(engine: Engine, population: list[Actor], asked: dict[str, Any], order: Any) -> None:
    """Page by page come all actors that pass, in order of id or the latest event first, and nobody twice."""
    assert {actor.status for actor in population} == {"active", "done"}
    assert any(actor.needs_rescue for actor in population)
    request = Actors(**asked, order=order)
    expected = [actor for actor in population if passes(actor, request)]
    if order == "updated":
        expected.sort(key=lambda actor: -actor.position)
    assert every(engine, request) == expected


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("timed", [False, True])
def test_counts_are_those_of_the_pages(
    engine: Engine, population: list[Actor], asked: dict[str, Any], *, timed: bool
) -> None:
    """A count by version, state and status adds up the actors that the pages with this filter hold."""
    times = sorted(actor.updated for actor in population)
    between: dict[str, Any] = {"updated_after": times[10], "updated_before": times[50]} if timed else {}
    counts = ask(engine, CountRequest(**asked, **between))
    found = every(engine, Actors(**asked, **between))
    assert counts.actors == len(found)
    assert {(row.version, str(row.state), row.status): row.actors for row in counts.rows} == Counter(
        (actor.version, str(actor.state), actor.status) for actor in found
    )


@pytest.mark.parametrize("order", ["id", "updated"])
def test_the_time_of_the_last_event_can_be_bounded(engine: Engine, population: list[Actor], order: Any) -> None:
    """From one time on, up to and without another."""
    times = sorted(actor.updated for actor in population)
    for after, before in [(times[5], times[6]), (times[20] + 1, None), (None, times[3]), (times[-1] + 1, None), (0, 0)]:
        request = Actors(updated_after=after, updated_before=before, order=order)
        assert sorted(actor.id for actor in every(engine, request)) == [a.id for a in population if passes(a, request)]


def test_an_exact_key_is_looked_up(engine: Engine, population: list[Actor]) -> None:
    """It finds its one actor if that passes the other filters too."""
    keyed = next(actor for actor in population if actor.key and actor.version == "nested")
    assert ask(engine, Actors(key=keyed.key)).actors == [keyed]
    assert ask(engine, Actors(key=keyed.key, version="nested")).actors == [keyed]
    assert ask(engine, Actors(key=keyed.key, version="loan-v1")).actors == []
    assert ask(engine, Actors(key="nobody")).actors == []


def test_a_page_of_keys_looks_at_a_bounded_number(
    engine: Engine, population: list[Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be short, or empty, before the last; together the pages miss nobody."""
    monkeypatch.setattr(finding, "OPENED", 4)
    assert every(engine, Actors(key="nested/5*")) == [a for a in population if a.key and a.key.startswith("nested/5")]
    assert ask(engine, Actors(key="nested/5*")).next == 4


@pytest.mark.parametrize("order", ["id", "updated"])
@pytest.mark.parametrize("asked", [{}, {"version": "loan-v1"}, {"state": "**"}, {"state": "nowhere"}])
def test_any_place_of_a_list_is_one_request_away(
    engine: Engine, population: list[Actor], asked: dict[str, Any], order: Any
) -> None:
    """So many of those who pass are left out, in either order, also behind a cursor and beyond the end."""
    whole = every(engine, Actors(**asked, order=order))
    for skip in (*range(0, len(whole) + 3, 7), len(whole), 2**63 - 1):
        page = ask(engine, Actors(**asked, order=order, skip=skip, limit=5))
        assert page.actors == whole[skip : skip + 5]
        assert (page.next is None) == (skip + 5 >= len(whole))
    page = ask(engine, Actors(**asked, order=order, limit=3))
    if page.next is not None:
        assert ask(engine, Actors(**asked, order=order, cursor=page.next, skip=2, limit=5)).actors == whole[5:10]


def test_keys_of_a_form_can_not_be_jumped_over(engine: Engine, population: list[Actor]) -> None:
    """Each has to be read: the refusal says how to go on. An exact key is one, and that can be left out."""
    with pytest.raises(errors.BadRequest, match="one by one"):
        ask(engine, Actors(key="nested/*", skip=1))
    keyed = next(actor for actor in population if actor.key)
    assert ask(engine, Actors(key=keyed.key, skip=1)).actors == []


@pytest.mark.parametrize(
    ("form", "key", "fits"),
    [
        ("loan/*", "loan/17", True),
        ("*/17", "loan/17", True),
        ("l*/*7", "loan/17", True),
        ("loan/17*", "loan/17", True),
        ("*", "", True),
        ("loan*loan", "loan", False),
        ("oan/*", "loan/17", False),
        ("loa?/*", "loan/17", False),
        ("[l]oan/*", "loan/17", False),
        ("[l]?*", "[l]?", True),
        ("*a*" * 80 + "b", "a" * 256, False),
    ],
)
def test_a_star_stands_for_any_text_and_nothing_else_does(form: str, key: str, fits: bool) -> None:
    """Other characters mean themselves, and many stars cost no more than one; no key at all is of no form."""
    matches = finding._key_form(form)
    assert matches(key) == fits
    assert not matches(None)


def test_an_unknown_version_is_refused(engine: Engine, population: list[Actor]) -> None:
    """A version that is not there is a mistake, unlike a state in which nobody is."""
    for request in (Actors(version="loan-v9"), CountRequest(version="loan-v9")):
        with pytest.raises(errors.UnknownVersion, match="loan-v"):
            ask(engine, request)


def test_an_event_moves_an_actor_to_the_front(engine: Engine, population: list[Actor]) -> None:
    """Who reads on by ``updated`` sees nobody twice; who had an event meanwhile stands before the first page."""
    first = ask(engine, Actors(order="updated", limit=3))
    later = next(actor for actor in reversed(population) if actor.version == "nested" and "open" in str(actor.state))
    for event in ("SIGN", "RATE"):
        ask(engine, Send(later.id, event))
    assert ask(engine, Actors(order="updated", limit=1)).actors[0].id == later.id
    rest = ask(engine, Actors(order="updated", cursor=first.next, limit=1_000)).actors
    ids = {actor.id for actor in [*first.actors, *rest]}
    assert ids | {later.id} == {actor.id for actor in population}
    assert len(ids) == len(first.actors) + len(rest)
