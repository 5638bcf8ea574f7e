"""What follows from the routing rule, each consequence by its number in the design."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from statekeep.daemon.engine import Engine
from statekeep.protocol.errors import ActorFinished, UnreachableRoute, VersionExists
from statekeep.protocol.messages import Decisions, Deploy, Get, Preview, Send, Spawn
from tests.engine.stories import BUGGY, LOAN, PAID, VERIFIED, WAIVED, account, deploy, spawn
from tests.engine.worlds import ask, engine_in

COLLISION = ["ILTYOMESBXK", "OZYCHAGHJYC"]
"""Has the same fingerprint as ``PAID``: FNV-1a is no match for somebody who wants one."""


def decided(engine: Engine, actor: int | str) -> list[tuple[str, str, int]]:
    """(route, outcome, events) of each decision about an actor, in order."""
    return [(made.route, made.outcome, made.events) for made in ask(engine, Decisions(actor=actor)).decisions]


def where(engine: Engine, actor: int | str) -> tuple[str, object]:
    """The version and the state of an actor."""
    found = ask(engine, Get(actor))
    return found.version, found.state


@pytest.mark.parametrize("before", range(5))
def test_1_order_and_timing_do_not_matter(engine: Engine, before: int) -> None:
    """Whether the deploys come before the spawn, between any two events or behind them all, the actor ends alike."""
    steps = [("spawn", ""), *(("send", event) for event in [*PAID, "INCOME_VERIFIED"])]
    deploy(engine, "loan-v1", VERIFIED)
    for number, (step, event) in enumerate(steps):
        if number == before:
            deploy(engine, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
            deploy(engine, "loan-v3", VERIFIED, parent="loan-v2", path=[*PAID, "INCOME_VERIFIED"])
        ask(engine, Spawn("loan-v1") if step == "spawn" else Send(1, event))
    if before == len(steps):
        deploy(engine, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
        deploy(engine, "loan-v3", VERIFIED, parent="loan-v2", path=[*PAID, "INCOME_VERIFIED"])
    assert where(engine, 1) == ("loan-v3", "awaiting_docs")


def test_1_the_event_that_completes_a_path_routes(engine: Engine) -> None:
    """An actor that reaches the path later is routed then, and the reply says where it came from."""
    deploy(engine, "loan-v1")
    deploy(engine, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
    alice = spawn(engine, "loan-v1", "SUBMIT_INFO")
    sent = ask(engine, Send(alice, "PAY_FEE"))
    assert (sent.version, sent.state, sent.migrated_from) == ("loan-v2", "income_verify", "loan-v1")
    assert ask(engine, Send(alice, "INCOME_VERIFIED")).migrated_from is None


def test_2_a_pair_is_decided_once(engine: Engine) -> None:
    """Pending is recorded once, as a deferral; matched or diverged is final, however many events and deploys follow."""
    deploy(engine, "loan-v1")
    alice, bob = spawn(engine, "loan-v1"), spawn(engine, "loan-v1")
    deploy(engine, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
    for actor, events in ((alice, [*PAID, "INCOME_VERIFIED"]), (bob, WAIVED)):
        for event in events:
            ask(engine, Send(actor, event))
    deploy(engine, "loan-v3", parent="loan-v1", path=["SUBMIT_INFO", "NEVER"])
    assert decided(engine, alice) == [("loan-v2", "pending", 0), ("loan-v2", "migrated", 2)]
    assert decided(engine, bob) == [("loan-v2", "pending", 0), ("loan-v2", "diverged", 2), ("loan-v3", "diverged", 2)]


def test_2_one_prefix_class_one_decision(engine: Engine) -> None:
    """Actors with the same history get the same decisions, whether they came one by one or were there together."""
    deploy(engine, "loan-v1")
    early = spawn(engine, "loan-v1", *PAID)
    deploy(engine, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
    late = spawn(engine, "loan-v1", *PAID)
    assert where(engine, early) == where(engine, late) == ("loan-v2", "income_verify")
    assert decided(engine, early) == decided(engine, late)[-1:] == [("loan-v2", "migrated", 2)]


def test_4_an_earlier_sibling_has_first_claim(engine: Engine) -> None:
    """While it is pending for an actor, later siblings wait for that actor; then they have their turn."""
    deploy(engine, "loan-v1")
    actor = spawn(engine, "loan-v1", "SUBMIT_INFO")
    deploy(engine, "first", parent="loan-v1", path=[*PAID, "APPROVE"])
    deploy(engine, "second", parent="loan-v1", path=["SUBMIT_INFO"])
    assert decided(engine, actor) == [("first", "pending", 1), ("second", "blocked", 1)]
    assert where(engine, actor)[0] == "loan-v1"
    sent = ask(engine, Send(actor, "WAIVE_FEE"))
    assert sent.version == "second"
    assert decided(engine, actor)[2:] == [("first", "diverged", 2), ("second", "migrated", 2)]


def test_4_siblings_that_exclude_each_other_take_any_order(directory: Path) -> None:
    """Where no path begins another, the order of their deploys changes nothing."""
    ends = set()
    for number, order in enumerate(permutations([PAID, WAIVED])):
        with engine_in(directory / str(number)) as engine:
            deploy(engine, "loan-v1")
            actors = [spawn(engine, "loan-v1", *path) for path in (PAID, WAIVED)]
            for path in order:
                deploy(engine, path[-1], VERIFIED, parent="loan-v1", path=path)
            ends.add(tuple(str(where(engine, actor)) for actor in actors))
    assert len(ends) == 1


def test_6_nothing_goes_back(engine: Engine) -> None:
    """A rescue is a child of the buggy version; no version can be the parent of one it descends from."""
    deploy(engine, "loan-v1")
    deploy(engine, "buggy", BUGGY, parent="loan-v1")
    actor = spawn(engine, "loan-v1", *PAID, "TRIGGER_BUG")
    assert where(engine, actor) == ("buggy", "stuck")
    deploy(engine, "rescue", LOAN, parent="buggy", path=[*PAID, "TRIGGER_BUG"])
    assert where(engine, actor) == ("rescue", "awaiting_docs")
    before = account(engine)
    with pytest.raises(VersionExists):
        ask(engine, Deploy("loan-v1", LOAN, parent="rescue"))
    assert account(engine) == before


def test_7_finality_is_judged_after_routing(engine: Engine) -> None:
    """An event that would finish the actor and completes a path routes it first, and there it may go on."""
    deploy(engine, "loan-v1")
    appealing = {**LOAN, "states": {**LOAN["states"], "rejected": {"on": {"APPEAL": "under_review"}}}}
    deploy(engine, "loan-v2", appealing, parent="loan-v1", path=["SUBMIT_INFO", "*", "REJECT"])
    actor = spawn(engine, "loan-v1", *PAID)
    sent = ask(engine, Send(actor, "REJECT"))
    assert (sent.version, sent.state, sent.status) == ("loan-v2", "rejected", "active")
    assert ask(engine, Send(actor, "APPEAL")).state == "under_review"


def test_7_a_finished_actor_is_frozen(engine: Engine) -> None:
    """No deploy moves it, though its history matches; the decision on record is ``final``."""
    deploy(engine, "loan-v1")
    actor = spawn(engine, "loan-v1", *PAID, "REJECT")
    plan = deploy(engine, "loan-v2", VERIFIED, parent="loan-v1", path=PAID).plan
    assert plan is not None
    assert plan.counts == {"final": 1}
    assert where(engine, actor) == ("loan-v1", "rejected")
    assert decided(engine, actor) == [("loan-v2", "final", 3)]
    with pytest.raises(ActorFinished):
        ask(engine, Send(actor, "APPROVE"))


def test_9_a_later_hotfix_is_blocked_and_the_preview_says_so(engine: Engine) -> None:
    """New actors are pending on every open path of their version, so a hotfix for all of them has to wait: counted."""
    deploy(engine, "loan-v1")
    deploy(engine, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
    actors = [spawn(engine, "loan-v1") for _ in range(3)]
    spawn(engine, "loan-v1", *WAIVED)
    hotfix: dict[str, Any] = {
        "version": "hotfix",
        "definition": LOAN,
        "parent": "loan-v1",
        "path": ["**", "SUBMIT_INFO"],
    }
    plan = ask(engine, Preview(**hotfix))
    assert plan.counts == {"migrated": 1, "blocked": 3}
    assert ask(engine, Deploy(**hotfix, digest=plan.digest)).plan == plan
    assert {where(engine, actor)[0] for actor in actors} == {"loan-v1"}
    assert decided(engine, actors[0]) == [("loan-v2", "pending", 0), ("hotfix", "blocked", 0)]


def test_5_a_route_that_nobody_can_reach_is_refused(engine: Engine) -> None:
    """Whoever it wants, an earlier sibling takes or holds; the refusal names that sibling."""
    deploy(engine, "loan-v1")
    deploy(engine, "loan-v2", VERIFIED, parent="loan-v1", path=["SUBMIT_INFO"])
    with pytest.raises(UnreachableRoute, match="loan-v2"):
        ask(engine, Preview("loan-v3", LOAN, parent="loan-v1", path=PAID))


def test_a_fingerprint_moves_nobody(engine: Engine) -> None:
    """A history made up to have the path's fingerprint stays: at the deploy, at its events and at the spawn."""
    both = {"initial": "a", "states": {"a": {"on": dict.fromkeys([*PAID, *COLLISION], "a")}}}
    deploy(engine, "v1", both)
    crafted, honest = spawn(engine, "v1", *COLLISION), spawn(engine, "v1", *PAID)
    deploy(engine, "v2", both, parent="v1", path=PAID)
    late = spawn(engine, "v1", *COLLISION)
    assert ask(engine, Get(crafted)).fingerprint == ask(engine, Get(honest)).fingerprint == "8e106e4dbc4c2635"
    assert [where(engine, actor)[0] for actor in (crafted, honest, late)] == ["v1", "v2", "v1"]
    (made,) = ask(engine, Decisions(actor=crafted)).decisions
    assert (made.outcome, made.fingerprint) == ("diverged", made.path_hash)
