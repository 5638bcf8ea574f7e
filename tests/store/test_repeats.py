"""Kept answers, patched contexts, and what comes with an event, on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from statekeep.daemon.store import DamagedActor, EventRow, Patched, RepeatRow, Store, open_store
from tests.engine.worlds import KEY
from tests.store.test_store import fill

CONTENT = bytes(range(16))


def keep(store: Store, scope: int, key: str, number: int) -> RepeatRow:
    """Write an answer that says which one it is."""
    row = RepeatRow(scope, store.records.repeat_hash(scope, key), number, CONTENT, f"{scope} {key}".encode())
    store.writes.add_repeat(row)
    return row


def test_an_answer_is_found_by_its_scope_and_key(path: Path) -> None:
    """Of an actor or of a spawn, after the store was reopened; the same key elsewhere is another."""
    with open_store(path, KEY, now=0) as store:
        fill(store)
        rows = [keep(store, 1, "k", 1), keep(store, 2, "k", 1), keep(store, 0, "k", 1)]
        store.commit()
    with open_store(path, KEY, now=0) as store:
        find, hash_of = store.records.repeat, store.records.repeat_hash
        assert [find(scope, hash_of(scope, "k")) for scope in (1, 2, 0)] == rows
        assert [row.actor for row in rows] == [1, 2, 1]
        assert find(1, hash_of(1, "other")) is None
        assert [store.records.last_repeat(actor) for actor in (1, 2, 3)] == [1, 1, 0]


def test_old_answers_of_one_actor_are_forgotten(path: Path) -> None:
    """Up to a number, and nobody else's."""
    with open_store(path, KEY, now=0) as store:
        fill(store)
        rows = [keep(store, actor, str(number), number) for actor in (1, 2) for number in (1, 2, 3)]
        spawned = keep(store, 0, "k", 1)
        store.writes.forget_repeats(1, 2)
        store.commit()
        found = [store.records.repeat(row.scope, row.key_hash) for row in [*rows, spawned]]
        assert found == [None, None, *rows[2:], spawned]


def test_an_answer_opens_only_where_it_was_written(path: Path) -> None:
    """Moved to another actor, or to another of the same actor, it does not authenticate."""
    with open_store(path, KEY, now=0) as store:
        fill(store)
        first, second, other = keep(store, 1, "a", 1), keep(store, 1, "b", 2), keep(store, 2, "a", 1)
        store.commit()
        for row in (second, other):
            query = "UPDATE repeats SET answer = (SELECT answer FROM repeats WHERE key_hash = ?) WHERE key_hash = ?"
            store._connection.execute(query, (first.key_hash, row.key_hash))
            with pytest.raises(DamagedActor):
                store.records.repeat(row.scope, row.key_hash)
            assert [damage.what for damage in store.examiner.damage(row.scope, [])] == ["answer"]


@pytest.mark.parametrize("patch", [{"a": None}, None, [], "text"])
@pytest.mark.parametrize("payload", [{"a": 1}, None])
def test_a_patch_is_sealed_with_the_payload(path: Path, payload: object, patch: object) -> None:
    """Any value may be either; an event without a patch is told apart from one whose patch is null."""
    with open_store(path, KEY, now=0) as store:
        fill(store)
        store.writes.add_event(1, 6, EventRow(8, 2, 14, Patched(payload, patch)))
        store.commit()
        assert store.records.payload(1, 8) == Patched(payload, patch)
        assert store.records.payload(1, 4) == {"amount": 100}


@pytest.mark.parametrize("context", [{"a": [1, None]}, 0, None])
def test_a_context_is_replaced(path: Path, context: object) -> None:
    """Also that of an actor that was made in the same transaction."""
    with open_store(path, KEY, now=0) as store:
        fill(store)
        store.writes.put_context(1, context)
        store.commit()
        assert store.records.actor(1).context == context
        assert list(store.examiner.damage(1, [])) == []
