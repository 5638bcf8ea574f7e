"""``statekeepd --verify``: the store of a daemon that does not run."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from unittest import mock

import pytest

from statekeep.daemon.__main__ import main
from statekeep.daemon.engine import sweeping
from statekeep.daemon.store import make_master_key
from tests.engine.stories import LOAN, PAID, deploy, spawn
from tests.engine.worlds import KEY, MEMORY, engine_in


@pytest.fixture
def data() -> Iterator[Path]:
    """A data directory with three loans, in the middle of the sweep of a deploy."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        directory = Path(name)
        make_master_key(directory / "master.key", lambda size: KEY[:size])
        with engine_in(directory) as engine, mock.patch.multiple(sweeping, CHUNK=1, AT_ONCE=1):
            deploy(engine, "loan-v1")
            for events in ([], PAID[:1], PAID, [*PAID, "REJECT"]):
                spawn(engine, "loan-v1", *events)
            deploy(engine, "loan-v2", LOAN, parent="loan-v1", path=PAID)
            assert engine.sweeping
        yield directory


def test_a_sound_store_ends_with_0_and_stays_as_it_was(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not even the sweep is finished: this is for a store that one does not trust yet."""
    before = (data / "store.db").read_bytes()
    assert main(["--data", str(data), "--verify"]) == 0
    assert capsys.readouterr().out == "0 differences in 4 actors\n"
    assert (data / "store.db").read_bytes() == before


def test_each_difference_is_a_line_of_json(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before the sum; the exit code is 1."""
    with closing(sqlite3.connect(data / "store.db")) as connection, connection:
        connection.execute("DELETE FROM events WHERE actor = 3 AND previous = 0")
    assert main(["--data", str(data), "--verify"]) == 1
    difference, total = capsys.readouterr().out.splitlines()
    assert json.loads(difference) | {"position": 0} == {
        "actor": 3,
        "what": "seal",
        "position": 0,
    }
    assert total == "1 difference in 4 actors"


def test_a_store_in_use_is_left_alone(data: Path, caplog: pytest.LogCaptureFixture) -> None:
    """While a daemon has it, ``statekeep verify`` asks that one."""
    with engine_in(data):
        assert main(["--data", str(data), "--verify"]) == 75
    assert "is held by process" in caplog.text


def test_there_must_be_a_store(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """None is made, and no key: an empty store would be in perfect order."""
    assert main(["--data", str(tmp_path / "nowhere"), "--verify"]) == 74
    assert "store.db: No such file" in caplog.text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [[], ["--verify"]])
def test_a_store_that_can_t_be_loaded_is_said_to_be_damaged(
    data: Path, caplog: pytest.LogCaptureFixture, mode: list[str]
) -> None:
    """There is nothing yet that could be verified, or served: the exit code is 74, and the row is named."""
    with closing(sqlite3.connect(data / "store.db")) as connection, connection:
        connection.execute("UPDATE actors SET cohort = 99 WHERE id = 3")
    assert main(["--data", str(data), "--socket", str(data / "s"), *mode]) == 74
    assert [record.getMessage() for record in caplog.records] == [
        "actors were changed, deleted or set back on the disk: 3; `verify` the store",
        "the store is damaged: table actors, row 3 leads to what is not there; put back a copy of it",
    ]
