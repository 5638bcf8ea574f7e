"""``verify`` finds nothing where nothing is wrong, and names whatever is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from statekeep.daemon.engine import Engine, sweeping, verify
from statekeep.daemon.routing.relations import Relations
from statekeep.daemon.routing.rule import Route
from statekeep.daemon.routing.paths import Relation
from statekeep.protocol.messages import Close, Decisions, Difference, Send, Spawn, Verify
from tests.engine.stories import BUGGY, LOAN, PAID, VERIFIED, WAIVED, deploy, spawn
from tests.engine.worlds import ask, engine_in

ALICE, BOB, CAROL, DORA, EVE, FRANK = range(1, 7)
FIRST = "(SELECT min(position) FROM events WHERE actor = 1 AND previous)"
"""Alice's first event."""


def tell(engine: Engine) -> None:
    """Six loans that meet every outcome, a close, and a deploy that is closed as it is made."""
    deploy(engine, "loan-v1")
    ask(engine, Spawn("loan-v1", key="alice", context={"amount": 25_000}))
    for event in PAID:
        ask(engine, Send("alice", event, {"about": event}))
    for events in (WAIVED, [*PAID, "REJECT"], ["SUBMIT_INFO"]):
        spawn(engine, "loan-v1", *events)
    deploy(engine, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
    deploy(engine, "loan-v3", BUGGY, parent="loan-v1", path=WAIVED)
    assert spawn(engine, "loan-v1", key="eve") == EVE
    ask(engine, Send(DORA, "PAY_FEE"))
    deploy(engine, "loan-v4", {"initial": "submitted", "states": {"submitted": {}}}, parent="loan-v2", landing="strict")
    assert spawn(engine, "loan-v2") == FRANK
    ask(engine, Close("loan-v2"))
    deploy(engine, "loan-v5", LOAN, parent="loan-v1", path=["SUBMIT_INFO"], once=True)
    ask(engine, Send(EVE, "SUBMIT_INFO"))


def differences(engine: Engine, actors: int = 6) -> list[Difference]:
    """What is found in a page that holds all actors."""
    page = ask(engine, Verify())
    assert (page.looked_at, page.next) == (actors, None), "an actor was left out"
    found: list[Difference] = page.differences
    return found


def after(directory: Path, *damage: str) -> list[Difference]:
    """What is found in the story's store after these statements; ``flip`` changes one bit of a value."""
    with engine_in(directory) as engine:
        tell(engine)
    with closing(sqlite3.connect(directory / "store.db")) as connection, connection:
        connection.create_function("flip", 1, lambda value: value[:-1] + bytes([value[-1] ^ 1]))
        for statement in damage:
            assert connection.execute(statement).rowcount > 0, "nothing was damaged"
    with engine_in(directory) as engine:
        return differences(engine)


def named(found: list[Difference]) -> list[tuple[int, str, Any, Any]]:
    """The differences without what only tells where and whose they are."""
    return [(difference.actor, difference.what, difference.found, difference.expected) for difference in found]


def test_a_sound_store_has_no_differences(engine: Engine) -> None:
    """Whatever was decided, by a deploy, an event, a spawn or a close: the rule says the same of each actor alone."""
    tell(engine)
    assert differences(engine) == []
    met = {made.outcome for actor in range(1, 7) for made in ask(engine, Decisions(actor)).decisions}
    assert met == {"migrated", "diverged", "pending", "blocked", "final", "rescue"}


def test_an_actor_that_a_sweep_has_not_reached_is_as_it_must_be(engine: Engine) -> None:
    """In the middle of a sweep, all stand where the routes have them."""
    with mock.patch.object(sweeping, "CHUNK", 1):
        tell(engine)
        deploy(engine, "loan-v6", LOAN, parent="loan-v3")
        deploy(engine, "loan-v7", LOAN, parent="loan-v2")
        assert engine.sweeping
        assert differences(engine) == []


def test_pages_are_short_and_leave_nobody_out(engine: Engine) -> None:
    """A page ends with the actor that fills it; the cursor goes on behind that one."""
    tell(engine)
    pages, cursor = [], 0
    with mock.patch.object(verify, "LOOKED_AT", 5):
        while cursor is not None:
            pages.append(ask(engine, Verify(cursor=cursor)))
            cursor = pages[-1].next
    assert [(page.looked_at, page.next) for page in pages] == [(2, 2), (2, 4), (2, None)]
    assert ask(engine, Verify(limit=4)).looked_at == 4
    assert ask(engine, Verify(cursor=6)).looked_at == 0


@pytest.mark.parametrize(
    ("damage", "what", "position"),
    [
        ("UPDATE actors SET data_key = flip(data_key) WHERE id = 1", "data_key", 0),
        ("UPDATE actors SET key = flip(key) WHERE id = 1", "key", 0),
        ("UPDATE actors SET context = flip(context) WHERE id = 1", "context", 0),
        (f"UPDATE events SET payload = flip(payload) WHERE position = {FIRST}", "payload", 3),
        (
            f"UPDATE events SET payload = (SELECT payload FROM events WHERE position = 4) WHERE position = {FIRST}",
            "payload",
            3,
        ),
        (f"UPDATE events SET actor = 2 WHERE position = {FIRST}", "owner", 3),
    ],
)
def test_a_value_that_is_not_as_it_was_written_is_named(directory: Path, damage: str, what: str, position: int) -> None:
    """It ends nothing: the actor is compared all the same, and so are those after it."""
    (found,) = after(directory, damage)
    assert (found.actor, found.what, found.position) == (ALICE, what, position)
    assert (found.key is None) is (what in ("data_key", "key"))


def test_a_key_that_does_not_lead_to_its_actor_is_named(directory: Path) -> None:
    """The look-up hash is on the disk on its own, and may be gone while the key opens."""
    found = after(directory, "UPDATE actors SET key_hash = flip(key_hash) WHERE id = 5")
    assert named(found) == [(EVE, "lookup", None, EVE)]


@pytest.mark.parametrize(
    ("damage", "position", "found", "expected"),
    [
        ([f"DELETE FROM events WHERE position = {FIRST}"], 4, PAID, []),
        (["DELETE FROM events WHERE position = (SELECT last FROM actors WHERE id = 1)"], 4, None, ["**"]),
        (["DELETE FROM events WHERE position = 2"], 3, ["SUBMIT_INFO"], []),
        (["UPDATE events SET previous = 2 WHERE position = 4"], 4, PAID, ["*"]),
        (["UPDATE events SET cohort = (SELECT cohort FROM actors WHERE id = 2) WHERE position = 3"], 3, WAIVED, ["*"]),
    ],
)
def test_events_that_make_no_history_are_named(
    directory: Path, damage: list[str], position: int, found: list[str] | None, expected: list[str]
) -> None:
    """A dropped event, be it first, last or cunningly skipped, or one that was exchanged, at the place of the break."""
    (difference,) = after(directory, *damage)
    assert (difference.actor, difference.what, difference.position) == (ALICE, "history", position)
    assert (difference.found, difference.expected) == (found, expected)


def test_a_swapped_cohort_is_named_with_all_that_it_makes_untrue(directory: Path) -> None:
    """The actor shows the version, the state and the history of another."""
    found = after(directory, "UPDATE actors SET cohort = (SELECT cohort FROM actors WHERE id = 2) WHERE id = 1")
    assert {(difference.actor, difference.key) for difference in found} == {(ALICE, "alice")}
    assert [difference[1:] for difference in named(found) if difference[1] != "cohort"] == [
        ("version", "loan-v3", "loan-v2"),
        ("state", "awaiting_docs", "income_verify"),
        ("fingerprint", "61fdd8cb17411e11", "8e106e4dbc4c2635"),
        ("needs_rescue", False, True),
    ]
    assert "cohort" in {difference.what for difference in found}


OF_ALICE = "(SELECT cohort FROM actors WHERE id = 1)"


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (f"UPDATE cohorts SET version = 1 WHERE id = {OF_ALICE}", [("version", "loan-v1", "loan-v2")]),
        (f"UPDATE cohorts SET rescued = 0 WHERE id = {OF_ALICE}", [("needs_rescue", False, True)]),
        (f"UPDATE cohorts SET waiting = 4 WHERE id = {OF_ALICE}", [("waiting", "loan-v4", None)]),
    ],
)
def test_a_cohort_that_stands_elsewhere_is_named(directory: Path, damage: str, expected: list[Any]) -> None:
    """What its actors show is not what their events and the deploys say."""
    found = named(after(directory, damage))
    assert [difference[1:] for difference in found if difference[1] != "state"] == expected
    assert {actor for actor, *_ in found} <= {ALICE, DORA}


def test_a_state_that_is_not_the_replay_is_named(directory: Path) -> None:
    """The configuration of a cohort is its history replayed, whatever its row says."""
    found = after(directory, f"UPDATE cohorts SET configuration = 0 WHERE id = {OF_ALICE}")
    assert named(found) == [(ALICE, "state", "submitted", "income_verify")]


@pytest.mark.parametrize(
    ("damage", "found", "expected"),
    [
        ("UPDATE decisions SET outcome = 3 WHERE route = 2 AND outcome = 2", "pending", "diverged"),
        ("DELETE FROM decisions WHERE route = 2 AND outcome = 2", None, "diverged"),
    ],
)
def test_a_decision_that_the_rule_did_not_make_is_named(
    directory: Path, damage: str, found: str | None, expected: str
) -> None:
    """Beside the one that it did, whole."""
    first, *rest = after(directory, damage)
    assert (first.actor, first.what) == (BOB, "decision")
    assert (first.found and first.found["outcome"], first.expected["outcome"]) == (found, expected)
    assert first.expected["route"] == "loan-v2"
    assert first.position == first.expected["position"]
