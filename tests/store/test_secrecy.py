"""Nothing that a caller wrote can be read from the files of a store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from statekeep.protocol.messages import Deploy, Preview, Send, Spawn
from statekeep.protocol.records import MapLanding
from tests.engine.worlds import ask, engine_in

WORDS = {
    "versions": ["mortgage-spring", "mortgage-autumn"],
    "definition": ["LendingMachine", "underwriterRemark"],
    "states": ["awaitingSignature", "disbursedInFull"],
    "event types": ["SIGNATURE_GIVEN", "MONEY_SENT", "NEVER_SEEN_IN_A_PATH"],
    "keys": ["miller-anna-1984"],
    "contexts": ["applicantName", "Anna Miller"],
    "payloads": ["accountNumber", "DE02120300000000202051"],
    "patches": ["remainingDebt", "repaidInInstalments"],
    "idempotency keys": ["transfer-2024-000815"],
}
"""Words of every kind that a caller gives, each long enough that chance does not write it."""


def live(directory: Path) -> None:
    """A small life in which every word occurs."""
    (spring, autumn), (machine, remark), (first, last) = WORDS["versions"], WORDS["definition"], WORDS["states"]
    (signed, sent, unseen), (key,), (field, person) = WORDS["event types"], WORDS["keys"], WORDS["contexts"]
    definition = {
        "id": machine,
        "initial": first,
        "meta": {remark: 1},
        "states": {first: {"on": {signed: first, sent: last}}, last: {}},
    }
    with engine_in(directory) as engine:
        ask(engine, Deploy(spring, definition))
        ask(engine, Spawn(spring, key=key, context={field: person}))
        for event in (signed, sent):
            ask(engine, Send(key, event, dict([WORDS["payloads"]])))
        (again,) = WORDS["idempotency keys"]
        ask(engine, Spawn(spring, key="other", idempotency_key=again))
        ask(engine, Send("other", signed, context=dict([WORDS["patches"]]), idempotency_key=again))
        child: dict[str, Any] = {"version": autumn, "definition": definition, "parent": spring, "path": ["**", unseen]}
        child["landing"] = MapLanding(map={first: last, last: None})
        ask(engine, Deploy(**child, digest=ask(engine, Preview(**child)).digest))
        assert (directory / "store.db-wal").stat().st_size > 0
        search(directory)


def search(directory: Path) -> None:
    """Fail if any file holds any word."""
    files = [file for file in directory.rglob("*") if file.is_file()]
    assert {"store.db", "store.db.lock"} <= {file.name for file in files}
    for file in files:
        content = file.read_bytes()
        found = [
            word
            for words in WORDS.values()
            for word in words
            for written in (word.encode(), word.encode("utf-16-le"), word.encode("utf-16-be"))
            if written.lower() in content.lower()
        ]
        assert not found, f"{file.name} holds {found}"


def test_no_file_of_a_store_holds_a_word_of_its_callers(path: Path) -> None:
    """Neither while it is open, with its log and index beside it, nor after it was closed."""
    live(path.parent)
    search(path.parent)
