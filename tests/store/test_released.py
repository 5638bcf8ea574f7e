"""The stores of released versions are opened, and say what they said."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.engine.stories import account
from tests.engine.test_verify import differences
from tests.engine.worlds import engine_in
from tests.store.make_fixture import RELEASED, make

FIXTURES = sorted(path for path in RELEASED.iterdir() if path.is_dir())


def is_part_of(said: Any, now: Any) -> bool:
    """Whether everything in ``said`` is in ``now``, which may have more fields: records only ever gain some."""
    if isinstance(said, dict) and isinstance(now, dict):
        return all(name in now and is_part_of(value, now[name]) for name, value in said.items())
    if isinstance(said, list) and isinstance(now, list):
        return len(said) == len(now) and all(map(is_part_of, said, now))
    return bool(said == now)


def check(store: Path, directory: Path) -> None:
    """Open a copy of a store, twice: it is migrated by the first start, and as it was told to both."""
    shutil.copytree(store, directory / "copy")
    said = msgspec.json.decode((store / "account.json").read_bytes())
    for _ in range(2):
        with engine_in(directory / "copy") as engine:
            assert is_part_of(said, msgspec.json.decode(msgspec.json.encode(account(engine))))
            assert differences(engine, actors=4) == []


@pytest.mark.parametrize("store", FIXTURES, ids=lambda path: path.name)
def test_a_released_store_is_opened(store: Path, path: Path) -> None:
    """Whatever has become of the schema since: versions, actors, histories and decisions are the same."""
    check(store, path.parent)


def test_the_next_release_can_be_kept(path: Path) -> None:
    """What ``make_fixture`` makes of the present schema passes the test that it will have to pass for good."""
    make(path.parent / "today")
    check(path.parent / "today", path.parent)
    assert {file.name for file in (path.parent / "today").iterdir()} == {
        "account.json",
        "master.key",
        "store.db",
        "store.db.anchor",
    }


def test_what_is_missing_is_noticed() -> None:
    """A value that changed or went away is; a field that came is not."""
    assert is_part_of([{"id": 1}], [{"id": 1, "new": 2}])
    assert not is_part_of([{"id": 1}], [{"id": 2}])
    assert not is_part_of([{"id": 1}], [{}])
    assert not is_part_of([{"id": 1}], [])
