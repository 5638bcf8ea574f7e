"""Everything that the engine refuses: by which code, and that nothing has changed."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from statekeep.daemon.engine import Engine
from statekeep.protocol.errors import Refused, from_body
from statekeep.protocol.messages import (
    Actors,
    Answer,
    AnyRequest,
    Decisions,
    Definition,
    Deploy,
    Get,
    Hello,
    History,
    Preview,
    Refusal,
    Send,
    Spawn,
)
from tests.engine.stories import LOAN, PAID, account, deploy, spawn
from tests.engine.worlds import ask

SPIN = {"initial": "a", "states": {"a": {"on": {"GO": "b"}}, "b": {"always": "c"}, "c": {"always": "b"}}}
"""Takes ``GO`` into a cycle of eventless transitions."""

CHILD = Deploy("loan-v2", LOAN, parent="loan-v1", path=PAID)

REFUSED: list[tuple[str, AnyRequest]] = [
    ("unsupported_protocol", Hello(protocols=(2, 3))),
    ("unsupported_protocol", Hello(protocols=())),
    ("version_exists", replace(CHILD, definition={**LOAN, "id": "other"})),
    ("version_exists", replace(CHILD, definition={**LOAN, "states": dict(reversed(LOAN["states"].items()))})),
    ("version_exists", replace(CHILD, path=["SUBMIT_INFO"])),
    ("version_exists", replace(CHILD, parent=None, path=[])),
    ("version_exists", replace(CHILD, landing="strict")),
    ("version_exists", replace(CHILD, guards="block")),
    ("version_exists", Preview("loan-v1", {**LOAN, "id": "other"})),
    ("invalid_definition", Deploy("new", {"states": {"a": {}}})),
    ("invalid_definition", Deploy("new", {"initial": "a", "states": {"a": {"on": {"GO": "nowhere"}}}})),
    ("invalid_definition", Deploy("new", {"initial": "a", "states": {"a": {"always": "b"}, "b": {"always": "a"}}})),
    ("invalid_definition", Preview("new", {"initial": "a"})),
    ("unknown_parent", Deploy("new", LOAN, parent="loan-v3")),
    ("unknown_parent", Preview("new", LOAN, parent="")),
    ("invalid_path", Deploy("new", LOAN, path=["SUBMIT_INFO"])),
    ("invalid_path", Deploy("new", LOAN, parent="loan-v1", path=["SUBMIT_INFO"] * 257)),
    ("bad_request", Deploy("new", LOAN, parent="loan-v1", path=["SUBMIT_INFO", ""])),
    ("bad_request", Deploy("new", LOAN, parent="loan-v1", path=["\x1b[2J"])),
    ("unreachable_route", Deploy("new", LOAN, parent="loan-v1", path=[*PAID, "APPROVE"])),
    ("unreachable_route", Preview("new", LOAN, parent="loan-v1", path=PAID)),
    ("preview_outdated", Deploy("new", LOAN, parent="loan-v1", digest="0" * 32)),
    ("bad_request", Deploy("é" * 129, LOAN)),
    ("bad_request", Deploy("tab\there", LOAN)),
    ("bad_request", Deploy("", LOAN)),
    ("unknown_version", Definition("loan-v3")),
    ("unknown_version", Spawn("loan-v3")),
    ("key_exists", Spawn("loan-v1", key="alice")),
    ("bad_request", Spawn("loan-v1", key="x" * 257)),
    ("bad_request", Spawn("loan-v1", key="line\nfeed")),
    ("bad_request", Spawn("loan-v1", key="")),
    ("unknown_actor", Send("nobody", "SUBMIT_INFO")),
    ("unknown_actor", Send(0, "SUBMIT_INFO")),
    ("unknown_actor", Send(2**63 - 1, "SUBMIT_INFO")),
    ("unknown_actor", Send("1", "SUBMIT_INFO")),
    ("actor_finished", Send("done", "SUBMIT_INFO")),
    ("actor_finished", Send("done", "NEVER_HEARD_OF")),
    ("reserved_event", Send("alice", "xstate.init")),
    ("reserved_event", Send("alice", "xstate.done.state.loan")),
    ("bad_request", Send("alice", "x" * 257)),
    ("bad_request", Send("alice", "")),
    ("bad_request", Send("alice", "bell\a")),
    ("limit_exceeded", Send("spinner", "GO")),
    ("unknown_actor", Get("nobody")),
    ("unknown_version", Actors(version="loan-v3")),
    ("bad_request", Actors(limit=0)),
    ("bad_request", Actors(limit=1_001)),
    ("bad_request", History("alice", limit=1_001)),
    ("unknown_actor", History("nobody")),
    ("bad_request", Decisions()),
    ("bad_request", Decisions(actor="alice", route="loan-v2")),
    ("bad_request", Decisions(actor="alice", limit=0)),
    ("bad_request", Decisions(route="loan-v1")),
    ("unknown_version", Decisions(route="loan-v3")),
    ("unknown_actor", Decisions(actor="nobody")),
]


@pytest.fixture
def inhabited(engine: Engine) -> Engine:
    """A store with a finished actor, a living one, one on the brink of a cycle, and a child that waits for many."""
    deploy(engine, "loan-v1")
    deploy(engine, "spin", SPIN)
    spawn(engine, "loan-v1", *PAID, "APPROVE", key="done")
    spawn(engine, "loan-v1", "SUBMIT_INFO", key="alice")
    spawn(engine, "spin", key="spinner")
    assert ask(engine, CHILD).created
    return engine


def rows(engine: Engine) -> dict[str, list[Any]]:
    """Every row of the store."""
    connection = engine._store._connection
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables}  # noqa: S608 - its own names


def ids(case: object) -> str | None:
    """A case goes by its code."""
    return case if isinstance(case, str) else None


@pytest.mark.parametrize(("code", "request_"), REFUSED, ids=ids)
def test_a_refusal_changes_nothing(inhabited: Engine, code: str, request_: AnyRequest) -> None:
    """It has its code, a sentence and the request's number; no row and no answer is another than before."""
    before = rows(inhabited), account(inhabited), inhabited._world.position
    (refusal,) = inhabited.run([replace(request_, id=77)])
    assert isinstance(refusal, Refusal)
    assert (refusal.id, refusal.error.code) == (77, code)
    assert isinstance(from_body(refusal.error), Refused)
    assert refusal.error.message.endswith(".")
    assert (rows(inhabited), account(inhabited), inhabited._world.position) == before


@pytest.mark.parametrize(("code", "request_"), REFUSED, ids=ids)
def test_a_refusal_leaves_the_rest_of_its_batch_alone(inhabited: Engine, code: str, request_: AnyRequest) -> None:
    """What comes before and behind it in one batch is carried out in that batch, as if it were not there."""
    commits = inhabited.about.commits
    first, refusal, second = inhabited.run([Spawn("loan-v1"), request_, Send("alice", "WAIVE_FEE")])
    assert isinstance(first, Answer)
    assert isinstance(refusal, Refusal)
    assert isinstance(second, Answer)
    assert inhabited.about.commits == commits + 1
    assert ask(inhabited, Get("alice")).events == 2


def test_findings_say_what_is_wrong_and_where(engine: Engine) -> None:
    """Each error of a definition has a code and its place."""
    definition = {"initial": "a", "states": {"a": {"on": {"GO": "nowhere"}}, "b": {"states": {"c": {}}}}}
    (refusal,) = engine.run([Deploy("new", definition)])
    assert isinstance(refusal, Refusal)
    errors = {(found.code, found.path) for found in refusal.error.findings if found.level == "error"}
    assert errors == {("unknown_target", "$.states.a.on.GO"), ("missing_initial", "$.states.b")}


def test_a_refusal_says_what_would_be_right(inhabited: Engine) -> None:
    """A slip of the pen is met with the name that was meant, a taken key with who has it."""
    hints: list[tuple[AnyRequest, str]] = [
        (Spawn("laon-v1"), "loan-v1"),
        (Deploy("new", LOAN, parent="loan_v1"), "loan-v1"),
        (Spawn("loan-v1", key="alice"), "actor 2"),
        (Deploy("new", LOAN, parent="loan-v1", path=PAID), "loan-v2"),
    ]
    for request, right in hints:
        (refusal,) = inhabited.run([request])
        assert isinstance(refusal, Refusal)
        assert right in f"{refusal.error.message} {refusal.error.hint}"
