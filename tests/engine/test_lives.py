"""A long history is read once for all of its pages, and anew when anything has happened to it."""

from __future__ import annotations

from unittest import mock

import pytest

from statekeep.daemon.engine import Engine, lives, records
from statekeep.daemon.engine.lives import Lives
from statekeep.daemon.store.reading import Records
from statekeep.protocol import errors
from statekeep.protocol.messages import Deploy, Erase, History, Send, Spawn
from tests.engine.worlds import ask

TOGGLE = {"initial": "a", "states": {"a": {"on": {"T": "b"}}, "b": {"on": {"T": "a"}}}}
EVENTS = 4 * records.LONG


@pytest.fixture
def old(engine: Engine) -> Engine:
    """One actor with many events."""
    ask(engine, Deploy("v", TOGGLE))
    ask(engine, Spawn("v", "old"))
    engine.run([Send("old", "T", number) for number in range(EVENTS)])
    return engine


def payloads(engine: Engine, start: int = 0) -> list[object]:
    """What came with all events, page by page."""
    found = list[object]()
    cursor: int | None = start
    while cursor is not None:
        page = ask(engine, History("old", cursor=cursor, limit=10))
        found += [event.payload for event in page.events]
        cursor = page.next
    return found


def test_a_page_costs_a_page(old: Engine) -> None:
    """The events are read from the store for the first one alone."""
    with mock.patch.object(Records, "life", autospec=True, side_effect=Records.life) as life:
        assert payloads(old) == list(range(EVENTS))
        assert life.call_count == 1


def test_what_happens_between_two_pages_is_seen(old: Engine) -> None:
    """An event is on the last page, a deploy where it moved the actor, and of who was erased there is no next one."""
    ask(old, History("old"))
    ask(old, Send("old", "T", "late"))
    assert payloads(old, EVENTS - 5)[-1] == "late"
    ask(old, Deploy("w", TOGGLE, parent="v", path=["T", "T"]))
    (last,) = ask(old, History("old", cursor=EVENTS)).events
    assert last.version == "v"
    ask(old, Send("old", "T"))
    assert ask(old, History("old", cursor=EVENTS + 1)).events[0].version == "w"
    ask(old, Erase("old"))
    with pytest.raises(errors.ActorErased):
        ask(old, History(1, cursor=10))
    assert old._world.lives.find(1, 0, 1) is None
    assert old._world.lives._kept == {}


def test_those_read_last_are_kept() -> None:
    """As many as there is room for, and the last one however long it is."""
    kept = Lives[int]()
    with mock.patch.object(lives, "KEPT", 10):
        for actor in (1, 2, 3):
            kept.keep(actor, 7, 0, [0] * 4)
        assert [kept.find(actor, 7, 0) is not None for actor in (1, 2, 3)] == [False, True, True]
        assert kept.find(3, 8, 0) is None
        assert kept.find(3, 7, 1) is None
        kept.keep(4, 7, 0, [0] * 100)
        assert [kept.find(actor, 7, 0) is not None for actor in (2, 3, 4)] == [False, False, True]
