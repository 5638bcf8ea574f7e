"""``verify`` finds nothing where nothing is wrong, and names whatever is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from statekeep.daemon.engine import Engine, sweeping, verify
from statekeep.daemon.routing.paths import Relation
from statekeep.daemon.routing.relations import Relations
from statekeep.daemon.routing.rule import Route
from statekeep.daemon.store.reading import Records
from statekeep.protocol.errors import StorageFailed
from statekeep.protocol.messages import Close, Decisions, Deliver, Send, Spawn, Verify
from statekeep.protocol.records import Difference, VerifyPage
from tests.engine.stories import BUGGY, LOAN, PAID, VERIFIED, WAIVED, deploy, spawn
from tests.engine.worlds import ask, engine_in
from tests.store.forging import reseal

ALICE, BOB, CAROL, DORA, EVE, FRANK = range(1, 7)


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


def damage_to(directory: Path, statement: str) -> None:
    """Change rows of the store as only its daemon could; ``flip`` turns one bit of a value."""
    with closing(sqlite3.connect(directory / "store.db")) as connection, connection:
        connection.create_function("flip", 1, lambda value: value[:-1] + bytes([value[-1] ^ 1]))
        assert connection.execute(statement).rowcount > 0, "nothing was damaged"
    reseal(directory / "store.db")


def after(directory: Path, damage: str) -> list[Difference]:
    """What is found in the story's store after this statement."""
    with engine_in(directory) as engine:
        tell(engine)
    damage_to(directory, damage)
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


def test_an_unhandled_failure_that_ends_an_actor_is_its_last_event(engine: Engine) -> None:
    """No transition takes it, and yet it is processed: it changes the status."""
    deploy(engine, "calls", {"initial": "calling", "states": {"calling": {"invoke": {"src": "fetch", "id": "fetch"}}}})
    spawn(engine, "calls")
    ended = ask(engine, Deliver(1, "xstate.error.actor.fetch"))
    assert (ended.handled, ended.status) == (True, "error")
    assert differences(engine, actors=1) == []


def test_an_actor_that_a_sweep_has_not_reached_is_as_it_must_be(engine: Engine) -> None:
    """In the middle of a sweep, all stand where the routes have them."""
    walk = {"initial": "here", "states": {"here": {"on": {"STEP": "here"}}}}
    deploy(engine, "walk", walk)
    for steps in range(6):
        spawn(engine, "walk", *["STEP"] * steps)
    with mock.patch.multiple(sweeping, CHUNK=1, AT_ONCE=1):
        deploy(engine, "far", walk, parent="walk", path=["STEP"] * 3)
        assert engine.sweeping
        assert differences(engine) == []


def test_pages_are_short_and_leave_nobody_out(engine: Engine) -> None:
    """A page ends with the actor that fills it; the cursor goes on behind that one."""
    tell(engine)
    pages: list[VerifyPage] = []
    cursor: int | None = 0
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
        ("UPDATE events SET payload = flip(payload) WHERE position = 3", "payload", 3),
        (
            "UPDATE events SET payload = (SELECT payload FROM events WHERE position = 4) WHERE position = 3",
            "payload",
            3,
        ),
        ("UPDATE events SET actor = 2 WHERE position = 3", "owner", 3),
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
        ("DELETE FROM events WHERE position = 3", 4, PAID, []),
        ("DELETE FROM events WHERE position = (SELECT last FROM actors WHERE id = 1)", 4, None, ["**"]),
        ("DELETE FROM events WHERE position = 2", 3, ["SUBMIT_INFO"], []),
        ("UPDATE events SET previous = 2 WHERE position = 4", 4, PAID, ["*"]),
        ("UPDATE events SET previous = 4 WHERE position = 3", 3, ["SUBMIT_INFO"], []),
        ("UPDATE events SET cohort = (SELECT cohort FROM actors WHERE id = 2) WHERE position = 3", 3, WAIVED, ["*"]),
    ],
)
def test_events_that_make_no_history_are_named(
    directory: Path, damage: str, position: int, found: list[str] | None, expected: list[str]
) -> None:
    """Dropped events, be they first, last or cunningly skipped; a ring of them; an exchanged one: where it breaks."""
    (difference,) = after(directory, damage)
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


@pytest.mark.parametrize(
    ("damage", "what", "found", "expected"),
    [
        (
            "UPDATE cohorts SET configuration = 0 WHERE id = (SELECT cohort FROM actors WHERE id = 1)",
            "state",
            "submitted",
            "income_verify",
        ),
        (
            "UPDATE cohorts SET rescued = 0 WHERE id = (SELECT cohort FROM actors WHERE id = 1)",
            "needs_rescue",
            False,
            True,
        ),
        (
            "UPDATE cohorts SET waiting = 4 WHERE id = (SELECT cohort FROM actors WHERE id = 1)",
            "waiting",
            "loan-v4",
            None,
        ),
    ],
)
def test_a_cohort_that_is_not_what_it_was_is_named_by_its_actors(
    directory: Path, damage: str, what: str, found: Any, expected: Any
) -> None:
    """Alice's is Dora's too: its configuration is their history replayed, and the rest of it the rule's."""
    assert named(after(directory, damage)) == [(actor, what, found, expected) for actor in (ALICE, DORA)]


def test_states_that_only_look_alike_are_told_apart(directory: Path) -> None:
    """What a history state has recorded is part of the state, and shown where it makes the difference."""
    on = {"initial": "low", "states": {"low": {"on": {"UP": "high"}}, "high": {}, "last": {"type": "history"}}}
    lamp = {
        "id": "lamp",
        "initial": "off",
        "states": {"off": {"on": {"ON": "on.last"}}, "on": {**on, "on": {"OFF": "#lamp.off"}}},
    }
    with engine_in(directory) as engine:
        deploy(engine, "lamp", lamp)
        spawn(engine, "lamp", "ON", "OFF")
        spawn(engine, "lamp", "ON", "UP", "OFF")
    damage_to(directory, "UPDATE cohorts SET configuration = (SELECT max(number) FROM configurations) WHERE id = 3")
    with engine_in(directory) as engine:
        (difference,) = differences(engine, actors=2)
    assert (difference.actor, difference.what) == (1, "state")
    assert difference.found["history"] == {"lamp.on.last": ["lamp.on.high"]}
    assert difference.expected["history"] == {"lamp.on.last": ["lamp.on.low"]}


@pytest.mark.parametrize(
    ("damage", "found", "expected"),
    [
        ("UPDATE decisions SET outcome = 3 WHERE route = 2 AND outcome = 2", "pending", "diverged"),
        ("UPDATE decisions SET position = 1 WHERE route = 2 AND outcome = 2", "diverged", "diverged"),
        ("UPDATE decisions SET skipped = 1 WHERE route = 2 AND outcome = 2", "diverged", "diverged"),
        ("DELETE FROM decisions WHERE route = 2 AND outcome = 2", None, "diverged"),
    ],
)
def test_a_decision_that_the_rule_did_not_make_is_named(
    directory: Path, damage: str, found: str | None, expected: str
) -> None:
    """Beside the one that it did, and nothing else of the actor is."""
    (difference,) = after(directory, damage)
    assert (difference.actor, difference.what) == (BOB, "decision")
    assert difference.expected.route == "loan-v2"
    assert (difference.found and difference.found.outcome, difference.expected.outcome) == (found, expected)


def test_an_event_that_the_actor_could_not_process_is_named(directory: Path) -> None:
    """With what it could have processed where it stood."""
    (found,) = after(directory, "UPDATE actors SET spawned_on = 4 WHERE id = 1")
    assert named([found]) == [(ALICE, "event", "SUBMIT_INFO", [])]
    assert found.position == 3


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE events SET cohort = 99 WHERE position = 3",
        "UPDATE actors SET spawned_on = 99 WHERE id = 1",
        "UPDATE actors SET spawned_on = 'x' WHERE id = 1",
    ],
)
def test_rows_that_make_no_sense_end_nothing(directory: Path, damage: str) -> None:
    """Their actor is named, and the next ones are looked at."""
    assert [(found.actor, found.what) for found in after(directory, damage)] == [(ALICE, "record")]


def test_a_fault_of_the_disk_is_no_difference(engine: Engine) -> None:
    """The store could not be read: that says nothing about the actors."""
    tell(engine)
    with (
        mock.patch.object(Records, "events", side_effect=sqlite3.OperationalError("disk I/O error")),
        pytest.raises(StorageFailed),
    ):
        differences(engine)


def test_an_engine_that_breaks_the_rule_is_found_out(engine: Engine) -> None:
    """One that takes "not yet" for "never" leaves actors behind: nothing that it computed is believed."""
    judge = Relations.relation

    def hasty(relations: Relations, route: Route, node: int) -> Relation:
        found = judge(relations, route, node)
        return Relation.DIVERGED if found is Relation.PENDING else found

    deploy(engine, "loan-v1")
    deploy(engine, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
    with mock.patch.object(Relations, "relation", hasty):
        spawn(engine, "loan-v1", *PAID)
    found = named(differences(engine, actors=1))
    assert found[0] == (1, "version", "loan-v1", "loan-v2")
    assert [(what, found and found.outcome, expected.outcome) for _, what, found, expected in found[-2:]] == [
        ("decision", "diverged", "pending"),
        ("decision", None, "migrated"),
    ]
