"""Cohorts are shared; what each of their actors has on record is still its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from statekeep.protocol.errors import VersionExists
from statekeep.protocol.messages import Close, Decisions, Deploy, Get, Send, Spawn, Verify
from tests.engine.worlds import ask, engine_in

MACHINE: dict[str, Any] = {
    "initial": "open",
    "states": {"open": {"on": {"WORK": "open", "END": "ended", "PAY": "open"}}, "ended": {"type": "final"}},
}


def outcomes(engine: Any, actor: int) -> list[tuple[str, str]]:
    """(route, outcome) of an actor, in order."""
    return [(d.route, d.outcome) for d in ask(engine, Decisions(actor=actor)).decisions]


def test_one_that_finishes_after_a_deploy_was_not_frozen_by_it(tmp_path: Path) -> None:
    """Same version, same history, both finished: but only the one that had finished before the deploy is ``final``."""
    with engine_in(tmp_path) as engine:
        ask(engine, Deploy("v1", MACHINE))
        for _ in range(2):
            ask(engine, Spawn("v1"))
        ask(engine, Send(1, "END"))
        ask(engine, Deploy("v2", MACHINE, "v1", ["END", "NEVER"]))
        ask(engine, Send(2, "END"))
        assert outcomes(engine, 1) == [("v2", "final")]
        assert outcomes(engine, 2) == [("v2", "pending")]


def test_one_spawned_on_the_child_never_met_the_route(tmp_path: Path) -> None:
    """Both stand on v2 with the same history; only the one that came from v1 was decided by the route."""
    with engine_in(tmp_path) as engine:
        ask(engine, Deploy("v1", MACHINE))
        ask(engine, Deploy("v2", MACHINE, "v1", ["WORK"]))
        for version in ("v2", "v1"):
            ask(engine, Spawn(version))
        for actor in (1, 2):
            assert ask(engine, Send(actor, "WORK")).version == "v2"
        assert outcomes(engine, 1) == []
        assert outcomes(engine, 2) == [("v2", "pending"), ("v2", "migrated")]


def test_one_that_comes_after_the_close_never_met_the_route(tmp_path: Path) -> None:
    """A cohort that was judged while the route was open is joined by one for whom there is no route any more."""
    with engine_in(tmp_path) as engine:
        ask(engine, Deploy("v1", MACHINE))
        ask(engine, Spawn("v1"))
        ask(engine, Deploy("v2", MACHINE, "v1", ["PAY"]))
        ask(engine, Close("v2"))
        ask(engine, Spawn("v1"))
        assert outcomes(engine, 1) == [("v2", "pending")]
        assert outcomes(engine, 2) == []
        assert ask(engine, Send(1, "PAY")).version == "v1"


def test_one_that_comes_after_the_close_needs_no_rescue(tmp_path: Path) -> None:
    """Same version, same history: but only the one that met the route while it was open was refused by its landing."""
    unable: dict[str, Any] = {"initial": "open", "states": {"open": {}}}
    with engine_in(tmp_path) as engine:
        ask(engine, Deploy("v1", MACHINE))
        ask(engine, Spawn("v1"))
        ask(engine, Send(1, "WORK"))
        ask(engine, Deploy("v2", unable, "v1", ["WORK"], "strict"))
        ask(engine, Close("v2"))
        ask(engine, Spawn("v1"))
        ask(engine, Send(2, "WORK"))
        assert [ask(engine, Get(actor)).needs_rescue for actor in (1, 2)] == [True, False]
        for actor in (1, 2):
            ask(engine, Send(actor, "WORK"))
        assert [ask(engine, Get(actor)).needs_rescue for actor in (1, 2)] == [True, False]
        assert ask(engine, Verify()).differences == []


def test_a_deploy_once_takes_who_matches_now_and_nobody_later(tmp_path: Path) -> None:
    """The same event completes the path for one before the deploy and for the other after it."""
    with engine_in(tmp_path) as engine:
        ask(engine, Deploy("v1", MACHINE))
        for _ in range(2):
            ask(engine, Spawn("v1"))
        ask(engine, Send(1, "PAY"))
        deployed = ask(engine, Deploy("v2", MACHINE, "v1", ["PAY"], once=True))
        assert deployed.plan.counts == {"migrated": 1, "pending": 1}
        assert not ask(engine, Deploy("v2", MACHINE, "v1", ["PAY"], once=True)).created
        with pytest.raises(VersionExists):
            ask(engine, Deploy("v2", MACHINE, "v1", ["PAY"]))
        assert ask(engine, Send(2, "PAY")).version == "v1"
        assert outcomes(engine, 1) == [("v2", "migrated")]
        assert outcomes(engine, 2) == [("v2", "pending")]


def test_a_closed_route_is_no_longer_in_the_way(tmp_path: Path) -> None:
    """Those who were blocked behind it are judged by the next sibling at once."""
    with engine_in(tmp_path) as engine:
        ask(engine, Deploy("v1", MACHINE))
        ask(engine, Spawn("v1"))
        ask(engine, Send(1, "WORK"))
        ask(engine, Deploy("v2", MACHINE, "v1", ["WORK", "PAY"]))
        ask(engine, Deploy("v3", MACHINE, "v1", ["WORK"]))
        assert outcomes(engine, 1) == [("v2", "pending"), ("v3", "blocked")]
        assert ask(engine, Close("v2")).waited == 1
        assert outcomes(engine, 1) == [("v2", "pending"), ("v3", "blocked"), ("v3", "migrated")]
