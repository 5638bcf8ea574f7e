"""Keep a store of the present schema, to be opened by every StateKeep from the next one on.

Usage: python -m tests.store.make_fixture VERSION

Writes tests/store/released/VERSION/: a store with the story of ``tests.engine.stories`` and what an engine says of it.
"""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import msgspec

from statekeep.daemon.store import make_master_key
from statekeep.protocol.messages import Backup, BackupEnd, BackupRead, Close, Erase, Send, Spawn
from statekeep.protocol.records import MapLanding
from tests.engine.stories import BUGGY, LOAN, PAID, VERIFIED, WAIVED, account, deploy, spawn
from tests.engine.worlds import KEY, ask, engine_in

RELEASED = Path(__file__).parent / "released"


def make(directory: Path) -> None:
    """Tell the story into a new store in ``directory``, and leave it there with its account."""
    directory.mkdir(parents=True)
    make_master_key(directory / "master.key", lambda size: KEY[:size])
    with engine_in(directory) as engine:
        deploy(engine, "loan-v1")
        ask(engine, Spawn("loan-v1", key="alice", context={"amount": 25_000}))
        for event in PAID:
            ask(engine, Send("alice", event, {"about": event}))
        spawn(engine, "loan-v1", *WAIVED, key="bob")
        spawn(engine, "loan-v1", *PAID, "REJECT")
        deploy(engine, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
        deploy(engine, "loan-v3", BUGGY, parent="loan-v1", path=["**", "WAIVE_FEE"])
        deploy(engine, "loan-v4", LOAN, parent="loan-v2", landing="strict", once=True)
        same = MapLanding(map={state: state for state in LOAN["states"]})
        deploy(engine, "loan-v5", LOAN, parent="loan-v4", path=["**", "APPROVE"], landing=same)
        spawn(engine, "loan-v1", "SUBMIT_INFO")
        ask(engine, Send("bob", "APPROVE", idempotency_key="once"))
        ask(engine, Close("loan-v2"))
        ask(engine, Erase(spawn(engine, "loan-v1", "SUBMIT_INFO", key="gone")))
        ask(engine, Backup())
        while not ask(engine, BackupRead(1)).copy.sha256:
            pass
        ask(engine, BackupRead(1, 1 << 40))
        ask(engine, BackupEnd(1, verified=True))
        (directory / "account.json").write_bytes(msgspec.json.format(msgspec.json.encode(account(engine))) + b"\n")
    with closing(sqlite3.connect(directory / "store.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = DELETE")
    (directory / "store.db.lock").unlink()


if __name__ == "__main__":
    make(RELEASED / sys.argv[1])
