"""Deploys and previews: the same plan, retries that change nothing, and landings that are refused."""

from __future__ import annotations

from typing import Any

import pytest

from statekeep.daemon.engine import Engine
from statekeep.protocol.errors import PreviewOutdated
from statekeep.protocol.messages import Actors, Decisions, Definition, Deploy, Get, Preview, Send, Spawn, Versions
from tests.engine.stories import BUGGY, LOAN, PAID, STATES, VERIFIED, WAIVED, account, deploy, spawn
from tests.engine.worlds import ask

CHILD: dict[str, Any] = {"version": "loan-v2", "definition": VERIFIED, "parent": "loan-v1", "path": PAID}

SPINNING = {**LOAN, "states": {**STATES, "awaiting_docs": {"always": "spin"}, "spin": {"always": "awaiting_docs"}}}
"""A loan that is never done waiting."""


def test_a_retry_gets_the_same_answer(engine: Engine) -> None:
    """A deploy that is repeated says when the version was made, and that nothing was changed now."""
    first = deploy(engine, "loan-v1")
    deploy(engine, **CHILD)
    before = account(engine)
    again = ask(engine, Deploy("loan-v1", LOAN))
    assert (again.created, again.position, again.plan) == (False, first.position, None)
    again = ask(engine, Deploy(**CHILD, digest="whatever it was"))
    assert (again.created, again.version) == (False, "loan-v2")
    assert account(engine) == before


def test_a_definition_comes_back_as_it_was(engine: Engine) -> None:
    """With its keys in their order, numbers as they were, and what the daemon does not use."""
    definition = {"initial": "b", "meta": {"10": [1, 2.5, None, "é"], "9": True}, "states": {"b": {}, "a": {}}}
    deploy(engine, "v", definition)
    found = ask(engine, Definition("v")).definition
    assert found == definition
    assert [list(found), list(found["meta"]), list(found["states"])] == [list(definition), ["10", "9"], ["b", "a"]]


def test_a_preview_changes_nothing(engine: Engine) -> None:
    """Also not the event types: a path may name some that never occurred."""
    deploy(engine, "loan-v1")
    spawn(engine, "loan-v1", *PAID)
    before, symbols = account(engine), list(engine._world.symbols.names)
    commits = engine.about.commits
    plan = ask(engine, Preview(**{**CHILD, "path": [*PAID, "NEVER_SEEN"]}))
    assert plan.counts == {"pending": 1}
    assert (account(engine), engine._world.symbols.names, engine.about.commits) == (before, symbols, commits)


def test_a_digest_holds_while_nothing_happens(engine: Engine) -> None:
    """Two previews in a row have one digest, whatever else was asked between them."""
    deploy(engine, "loan-v1")
    spawn(engine, "loan-v1", *PAID)
    first = ask(engine, Preview(**CHILD))
    ask(engine, Versions())
    ask(engine, Preview(**{**CHILD, "version": "other"}))
    assert ask(engine, Preview(**CHILD)) == first


@pytest.mark.parametrize(
    "meanwhile",
    [
        [Spawn("loan-v1")],
        [Send(1, "APPROVE")],
        [Spawn("loan-v1"), Send(2, "SUBMIT_INFO"), Send(2, "PAY_FEE")],
        [Deploy("other", LOAN, parent="loan-v1", path=[*PAID, "APPROVE"])],
    ],
)
def test_a_plan_that_has_changed_is_not_carried_out(engine: Engine, meanwhile: list[Spawn | Send | Deploy]) -> None:
    """One more actor, one that moved on, a sibling: the deploy with the old digest is refused, with the new one not."""
    deploy(engine, "loan-v1")
    spawn(engine, "loan-v1", *PAID)
    outdated = ask(engine, Preview(**CHILD)).digest
    for request in meanwhile:
        ask(engine, request)
    before = account(engine)
    with pytest.raises(PreviewOutdated):
        ask(engine, Deploy(**CHILD, digest=outdated))
    assert account(engine) == before
    assert ask(engine, Deploy(**CHILD, digest=ask(engine, Preview(**CHILD)).digest)).created


@pytest.mark.parametrize(
    "other",
    [
        {"definition": LOAN},
        {"definition": {**VERIFIED, "description": "revised"}},
        {"path": ["**", "PAY_FEE"]},
        {"landing": "strict"},
        {"guards": "block"},
        {"version": "loan-v3"},
    ],
)
def test_a_digest_is_of_one_version(engine: Engine, other: dict[str, object]) -> None:
    """It covers all that the version is, also what makes no difference to anybody yet."""
    deploy(engine, "loan-v1")
    with pytest.raises(PreviewOutdated):
        ask(engine, Deploy(**{**CHILD, **other}, digest=ask(engine, Preview(**CHILD)).digest))


def test_a_strict_landing_leaves_who_would_lose_an_event(engine: Engine) -> None:
    """Outcome ``rescue``: the actor stays, marked, and goes on where it is; who loses nothing moves."""
    deploy(engine, "buggy", BUGGY)
    stuck = spawn(engine, "buggy", *PAID, "TRIGGER_BUG")
    fine = spawn(engine, "buggy", *PAID)
    plan = deploy(engine, "strict", parent="buggy", path=["SUBMIT_INFO"], landing="strict").plan
    assert plan is not None
    assert plan.counts == {"migrated": 1, "rescue": 1}
    assert [(row.landing, row.skipped) for row in plan.rows if row.outcome == "rescue"] == [(None, 1)]
    found = ask(engine, Get(stuck))
    assert (found.version, found.state, found.needs_rescue) == ("buggy", "stuck", True)
    assert ask(engine, Get(fine)).version == "strict"
    assert [made.outcome for made in ask(engine, Decisions(actor=stuck)).decisions] == ["rescue"]
    assert ask(engine, Versions()).versions[0].needs_rescue == 1


def test_a_later_route_rescues(engine: Engine) -> None:
    """Who needs rescue may be claimed by a later sibling, and then needs it no more; the strict one is past for it."""
    deploy(engine, "buggy", BUGGY)
    stuck = spawn(engine, "buggy", *PAID, "TRIGGER_BUG")
    deploy(engine, "strict", parent="buggy", path=["SUBMIT_INFO"], landing="strict")
    deploy(engine, "rescue", parent="buggy", path=[*PAID, "TRIGGER_BUG"])
    found = ask(engine, Get(stuck))
    assert (found.version, found.state, found.needs_rescue) == ("rescue", "awaiting_docs", False)
    made = ask(engine, Decisions(actor=stuck)).decisions
    assert [(each.route, each.outcome, each.skipped) for each in made] == [
        ("strict", "rescue", 1),
        ("rescue", "migrated", 1),
    ]


@pytest.mark.parametrize("live", [False, True])
def test_a_replay_that_does_not_end_is_a_rescue(engine: Engine, *, live: bool) -> None:
    """A cycle of eventless transitions on the way: the actor stays, at the deploy as at the event."""
    deploy(engine, "loan-v1")
    actor = spawn(engine, "loan-v1", "SUBMIT_INFO")
    if not live:
        ask(engine, Send(actor, "PAY_FEE"))
    deploy(engine, "spinning", SPINNING, parent="loan-v1", path=PAID)
    if live:
        ask(engine, Send(actor, "PAY_FEE"))
    found = ask(engine, Get(actor))
    assert (found.version, found.state, found.needs_rescue) == ("loan-v1", "awaiting_docs", True)
    assert ask(engine, Decisions(actor=actor)).decisions[-1].outcome == "rescue"
    assert ask(engine, Send(actor, "APPROVE")).status == "done"


def test_guards_are_ignored_or_block(engine: Engine) -> None:
    """By the policy of the version: a guarded transition fires as if its guard held, or never."""
    guarded = {"initial": "a", "states": {"a": {"on": {"GO": {"target": "b", "guard": "rich"}}}, "b": {}}}
    deploy(engine, "ignoring", guarded)
    deploy(engine, "blocking", guarded, guards="block")
    assert ask(engine, Send(spawn(engine, "ignoring"), "GO")).state == "b"
    assert not ask(engine, Send(spawn(engine, "blocking"), "GO")).handled


def test_versions_tell_the_forest_and_who_lives_there(engine: Engine) -> None:
    """Deploy order, parents, paths, policies, and the population by state and status."""
    deploy(engine, "loan-v1")
    for events in (PAID, WAIVED, [*WAIVED, "REJECT"], ["SUBMIT_INFO"]):
        spawn(engine, "loan-v1", *events)
    deploy(engine, **CHILD, landing="strict", guards="block")
    first, second = ask(engine, Versions()).versions
    assert (first.version, first.parent, first.path, first.active, first.finished) == ("loan-v1", None, [], 2, 1)
    assert (second.version, second.parent, second.path) == ("loan-v2", "loan-v1", PAID)
    assert (second.landing, second.guards, second.path_hash) == ("strict", "block", "8e106e4dbc4c2635")
    assert {(found.state, found.status): found.actors for found in first.states} == {
        ("awaiting_docs", "active"): 1,
        ("rejected", "done"): 1,
        ("under_review", "active"): 1,
    }
    assert [(found.state, found.actors) for found in second.states] == [("income_verify", 1)]
    assert first.position < second.position


def test_a_path_of_nothing_takes_everybody(engine: Engine) -> None:
    """Also who is spawned on the parent later: at once, before its first event."""
    deploy(engine, "loan-v1")
    spawn(engine, "loan-v1", "SUBMIT_INFO")
    deploy(engine, "loan-v2", VERIFIED, parent="loan-v1")
    spawn(engine, "loan-v1")
    assert [(actor.version, actor.events) for actor in ask(engine, Actors()).actors] == [("loan-v2", 1), ("loan-v2", 0)]
