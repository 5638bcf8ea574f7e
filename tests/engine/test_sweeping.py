"""A deploy that concerns many cohorts reaches them piece by piece, and nobody can tell."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from statekeep.daemon.engine import Engine, sweeping
from statekeep.protocol.messages import (
    AnyRequest,
    Decisions,
    Deploy,
    Deployments,
    Get,
    Preview,
    Refusal,
    Send,
    Spawn,
    Verify,
    Versions,
)
from statekeep.protocol.records import MapLanding
from tests.engine.worlds import ask, engine_in, start

LETTERS = "abcdef"
MACHINE: dict[str, Any] = {"initial": "open", "states": {"open": {"on": dict.fromkeys(LETTERS, "open")}}}
CHILD: dict[str, Any] = {"initial": "taken", "states": {"taken": {"on": dict.fromkeys(LETTERS, "taken")}}}


def interrupted(directory: Path) -> Engine:
    """Six actors with six histories; v2 takes those that ever meet ``f``, and one cohort has been judged."""
    engine = start(directory)
    ask(engine, Deploy("v1", MACHINE))
    for letter in LETTERS:
        actor = ask(engine, Spawn("v1")).id
        ask(engine, Send(actor, letter))
    ask(engine, Deploy("v2", CHILD, "v1", ["**", "f"]))
    return engine


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "CHUNK", 1)
    monkeypatch.setattr(sweeping, "AT_ONCE", 1)


@pytest.fixture
def half_swept(tmp_path: Path) -> Iterator[Engine]:
    """See ``interrupted``."""
    engine = interrupted(tmp_path)
    yield engine
    engine.close()


def outcomes(engine: Engine) -> list[list[str]]:
    """The outcomes of each actor, in order."""
    return [[d.outcome for d in ask(engine, Decisions(actor=n + 1)).decisions] for n in range(len(LETTERS))]


def goes_on(engine: Engine) -> bool:
    """Whether batches are needed, asked anew: type checkers would think that it stays so."""
    return engine.goes_on


EXPECTED = [["pending"]] * 5 + [["migrated"]]


def test_a_read_shows_where_the_rule_has_an_actor_stand(half_swept: Engine) -> None:
    """The last cohort is far from its turn, and yet ``get`` shows it on the child."""
    assert half_swept.sweeping
    assert ask(half_swept, Get(6)).version == "v2"


def test_an_event_finds_its_actor_routed(half_swept: Engine) -> None:
    """The event is taken by the child's definition, and completes nobody's path twice."""
    sent = ask(half_swept, Send(6, "a"))
    assert (sent.version, sent.state, sent.migrated_from) == ("v2", "taken", None)
    assert outcomes(half_swept) == EXPECTED


def test_what_asks_about_all_actors_waits(half_swept: Engine) -> None:
    """A preview in mid-sweep would count some actors on their old version: it is answered at the sweep's end."""
    asked: list[AnyRequest] = [Versions(), Preview("v3", CHILD, "v1", ["a"]), Decisions(route="v2"), Get(1)]
    answers = half_swept.run(asked)
    assert [answer is None for answer in answers] == [True, True, True, False]
    versions = ask(half_swept, Versions()).versions
    assert [(v.version, v.active) for v in versions] == [("v1", 5), ("v2", 1)]
    assert not half_swept.sweeping


def test_progress_is_visible(half_swept: Engine) -> None:
    """``deployments`` counts cohorts; it does not wait."""
    (first,) = ask(half_swept, Deployments()).deployments
    assert (first.version, first.kind, first.cohorts, first.swept) == ("v2", "deploy", 6, 1)
    while half_swept.sweeping:
        half_swept.run([])
    assert first.counts == {"migrated": 1, "pending": 5}
    (last,) = ask(half_swept, Deployments()).deployments
    assert (last.cohorts, last.swept) == (6, 6)


def test_a_disk_that_fails_holds_up_the_sweep_and_no_look(half_swept: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who looks sees where the rule has an actor stand; after a fault nothing is tried again without a request."""

    def full(_: int) -> None:
        raise sqlite3.OperationalError("no space left")

    assert goes_on(half_swept)
    with monkeypatch.context() as failing:
        failing.setattr(half_swept._store, "_commit_as", full)
        half_swept.run([])
        assert not goes_on(half_swept)
        for _ in range(3):
            assert ask(half_swept, Get(6)).version == "v2"
            assert ask(half_swept, Deployments()).deployments[0].swept == 1
        (refused,) = half_swept.run([Send(6, "a")])
        assert isinstance(refused, Refusal)
        assert refused.error.code == "storage_failed"
    assert ask(half_swept, Send(6, "a")).state == "taken"
    assert goes_on(half_swept)
    while goes_on(half_swept):
        half_swept.run([])
    assert not half_swept.sweeping
    assert outcomes(half_swept) == EXPECTED


def test_a_sweep_goes_on_after_a_restart(tmp_path: Path) -> None:
    """What was judged is not judged again, what was not is, and who came meanwhile is left alone."""
    engine = interrupted(tmp_path)
    ask(engine, Spawn("v1"))
    ask(engine, Send(1, "b"))
    engine.close()
    engine = start(tmp_path)
    try:
        assert engine.sweeping
        found = ask(engine, Decisions(route="v2")).decisions
        assert [d.outcome for d in found] == ["pending"] * 5 + ["migrated", "pending"]
        (deployment,) = ask(engine, Deployments()).deployments
        assert {d.position for d in found[:6]} == {deployment.position}
        assert deployment.counts == {"migrated": 1, "pending": 5}  # as it began: who came meanwhile is not in it
        assert found[6].position > deployment.position
        assert outcomes(engine) == EXPECTED
    finally:
        engine.close()


def test_a_map_takes_everybody_from_the_state_of_the_deploy(tmp_path: Path) -> None:
    """Not from that behind the event that somebody is sent before his turn; and the next start goes on with it."""
    stay = dict.fromkeys(LETTERS, "one")
    engine = start(tmp_path)
    ask(engine, Deploy("v1", {"initial": "one", "states": {"one": {"on": {**stay, "GO": "two"}}, "two": {}}}))
    for letter in LETTERS:
        ask(engine, Send(ask(engine, Spawn("v1")).id, letter))
    child = {"initial": "early", "states": {"early": {"on": {"GO": "gone"}}, "late": {}, "gone": {}}}
    ask(engine, Deploy("v2", child, "v1", landing=MapLanding(map={"one": "early", "two": "late"})))
    (sent,) = engine.run([Send(6, "GO")])
    assert sent is not None
    assert engine.sweeping
    engine.close()
    engine = start(tmp_path)
    assert [ask(engine, Get(actor)).state for actor in range(1, 7)] == ["early"] * 5 + ["gone"]
    assert ask(engine, Verify(limit=100)).differences == []
    engine.close()


def test_who_looks_on_does_not_hold_a_sweep_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes larger steps while hardly anybody asks, and small ones again when many do."""
    taken = list[int]()
    with engine_in(tmp_path) as engine:
        monkeypatch.setattr(engine._world, "judge_next", taken.append)
        for asked in [0] * 10 + [1, 0, 1] + [9]:
            engine.run([Deployments()] * asked)
    assert taken == [1, 1, 1, 2, 4, 8, 16, 16, 16, 16, 8, 16, 8, 1]
