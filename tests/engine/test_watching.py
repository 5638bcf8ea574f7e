"""Watches: nothing is lost and nothing repeated, from whatever place, at whatever pace."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statekeep.daemon.engine import Engine, sweeping, watching
from statekeep.protocol import errors
from statekeep.protocol.framing import Dialect
from statekeep.protocol.messages import (
    Actors,
    Close,
    Credit,
    Decisions,
    Deploy,
    Erase,
    History,
    Send,
    Spawn,
    Unwatch,
    Watch,
)
from statekeep.protocol.records import Notice
from tests.engine.stories import LOAN, PAID, VERIFIED, deploy
from tests.engine.test_worlds import Both, Restart, machines, steps
from tests.engine.worlds import MEMORY, Machine, ask

LANDED_FINAL = {**LOAN, "states": {**LOAN["states"], "under_review": {"on": {"PAY_FEE": "approved"}}}}


class Reader:
    """One watch, and what it was told."""

    def __init__(self, engine: Engine, **asked: Any) -> None:
        self.engine = engine
        self.told: list[Notice] = []
        engine.watchers.open(self, Watch(**asked, id=1))
        self.token = asked.get("after")

    def read(self, turns: int | None = None, busy: int = 0) -> list[Notice]:
        """Take turns, by default until there is no more; what was told in them."""
        before = len(self.told)
        while turns is None or turns:
            parts = [
                part for part in self.engine.watchers.turn(lambda owner: owner is self, busy) if part.owner is self
            ]
            for part in parts:
                self.told += [told.notice for told in part.told]
                self.token = part.token
            turns = None if turns is None else turns - 1
            if not parts and not self.engine.watchers.behind:
                break
        return self.told[before:]

    def end(self) -> None:
        self.engine.watchers.leave(self)


def everything(engine: Engine, **asked: Any) -> list[Notice]:
    """What a watch from the beginning is told."""
    reader = Reader(engine, after="0", credits=2**31 - 1, **asked)
    reader.read()
    reader.end()
    return reader.told


def brief(notices: list[Notice]) -> list[tuple[Any, ...]]:
    """Kind, subject, event and outcome of each."""
    return [(n.kind, n.key or n.version, n.event, n.version, n.state) for n in notices]


@pytest.fixture
def loans(engine: Engine) -> Engine:
    """Alice has paid, Bob was let off, and Carol has just come."""
    deploy(engine, "loan-v1")
    for key, events in {"alice": PAID, "bob": ["SUBMIT_INFO", "WAIVE_FEE"], "carol": []}.items():
        ask(engine, Spawn("loan-v1", key=key))
        for event in events:
            ask(engine, Send(key, event))
    return engine


def test_the_loan_story_is_told(loans: Engine) -> None:
    """What happens comes in its order, each with where the actor stands after it."""
    deploy(loans, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
    for event in PAID:
        ask(loans, Send("carol", event))
    ask(loans, Close("loan-v2"))
    ask(loans, Send("bob", "APPROVE"))
    told = everything(loans)
    assert brief(told) == [
        ("deployed", "loan-v1", None, "loan-v1", None),
        ("spawned", "alice", None, "loan-v1", "submitted"),
        ("event", "alice", "SUBMIT_INFO", "loan-v1", "under_review"),
        ("event", "alice", "PAY_FEE", "loan-v1", "awaiting_docs"),
        ("spawned", "bob", None, "loan-v1", "submitted"),
        ("event", "bob", "SUBMIT_INFO", "loan-v1", "under_review"),
        ("event", "bob", "WAIVE_FEE", "loan-v1", "awaiting_docs"),
        ("spawned", "carol", None, "loan-v1", "submitted"),
        ("deployed", "loan-v2", None, "loan-v2", None),
        ("migrated", "alice", None, "loan-v2", "income_verify"),
        ("progress", "loan-v2", None, "loan-v2", None),
        ("event", "carol", "SUBMIT_INFO", "loan-v1", "under_review"),
        ("event", "carol", "PAY_FEE", "loan-v2", "income_verify"),
        ("migrated", "carol", None, "loan-v2", "income_verify"),
        ("closed", "loan-v2", None, "loan-v2", None),
        ("progress", "loan-v2", None, "loan-v2", None),
        ("event", "bob", "APPROVE", "loan-v1", "approved"),
        ("finished", "bob", None, "loan-v1", "approved"),
    ]
    assert [n.events for n in told if n.key == "bob"] == [0, 1, 2, 3, 3]
    assert [n.version_before for n in told if n.kind == "migrated"] == ["loan-v1", "loan-v1"]
    assert [(n.swept, n.cohorts) for n in told if n.kind == "progress"] == [(3, 3), (0, 0)]


def test_a_watch_goes_on_behind_any_token(loans: Engine) -> None:
    """Behind each notice's token come just the notices behind it; also where one position has several."""
    deploy(loans, "final", LANDED_FINAL, parent="loan-v1", path=PAID)
    ask(loans, Spawn("loan-v1", key="dave"))
    for event in PAID:
        ask(loans, Send("dave", event))
    told = everything(loans)
    assert len({notice.token for notice in told}) == len(told)
    for place, notice in enumerate(told, start=1):
        reader = Reader(loans, after=notice.token)
        assert reader.read() == told[place:]
        reader.end()


@pytest.mark.parametrize(
    ("asked", "kinds"),
    [
        ({"kinds": ["migrated", "spawned"]}, ["spawned", "spawned", "spawned", "migrated"]),
        ({"actor": "alice"}, ["spawned", "event", "event", "migrated", "event"]),
        ({"actor": 2, "kinds": ["event"]}, ["event", "event"]),
        ({"version": "loan-v2"}, ["deployed", "migrated", "progress", "event"]),
        ({"kinds": ["progress"]}, ["progress"]),
        ({"kinds": ["deployed"], "version": "loan-v1"}, ["deployed"]),
        ({"actor": "carol", "version": "loan-v2"}, []),
    ],
)
def test_filters_leave_out_the_rest(loans: Engine, asked: dict[str, Any], kinds: list[str]) -> None:
    """By kind, by actor and by version; what passes is as it would be without."""
    deploy(loans, "loan-v2", VERIFIED, parent="loan-v1", path=PAID)
    ask(loans, Send("alice", "INCOME_VERIFIED"))
    whole, part = everything(loans), everything(loans, **asked)
    assert [notice.kind for notice in part] == kinds
    assert part == [notice for notice in whole if notice in part]


def test_an_erasure_is_told_and_nothing_else_of_who_was_erased(loans: Engine) -> None:
    """Live, later, over a restart and whatever version was asked for: the id and the place, no key and no past."""
    live, slow = Reader(loans, after="0", credits=100), Reader(loans, after="0", version="loan-v1", credits=1)
    live.read()
    slow.read()
    ask(loans, Erase("alice"))
    ask(loans, Send("bob", "APPROVE"))
    erased = Notice(kind="erased", token="9", position=9, time=live.told[-1].time + 1_000, actor=1)
    assert live.read()[0] == erased
    assert [notice.kind for notice in live.told[-3:]] == ["erased", "event", "finished"]
    loans.watchers.credit(slow, Credit(watch=1, credits=100))
    slow.read()
    for told in (slow.told, everything(loans), everything(loans, kinds=["erased"])):
        assert [notice for notice in told if notice.actor == 1] == [erased]


def test_a_watch_of_who_was_erased_since_is_told_so(loans: Engine) -> None:
    """Resumed by id it ends with the erasure, also across a deploy; begun behind it, or by key, there is nobody."""
    slow = Reader(loans, after="0", actor="alice", credits=1)
    slow.read()
    ask(loans, Deploy("loan-v2", VERIFIED, parent="loan-v1", path=PAID))
    position = ask(loans, Erase("alice")).position
    slow.end()
    resumed = Reader(loans, after=slow.token, actor=1)
    assert [(notice.kind, notice.actor) for notice in resumed.read() if notice.actor] == [("erased", 1)]
    with pytest.raises(errors.ActorErased):
        Reader(loans, after=str(position), actor=1)
    with pytest.raises(errors.UnknownActor):
        Reader(loans, after=slow.token, actor="alice")


def test_nothing_that_was_read_of_who_was_erased_is_kept(loans: Engine) -> None:
    """The notices that are kept for others to be told the same hold no key of an erased actor."""
    Reader(loans, after="0", credits=100).read()
    assert "alice" in [told.notice.key for told in loans.watchers._recent._told]
    ask(loans, Erase("alice"))
    assert loans.watchers._recent._told == []


def test_credits_are_what_may_come(loans: Engine) -> None:
    """One for each notice; without any the watch rests, and it goes on where it was when there are more."""
    reader = Reader(loans, after="0", credits=2)
    assert len(reader.read()) == 2
    assert reader.read() == []
    assert not loans.watchers.behind
    assert loans.watchers.credit(reader, Credit(watch=1, credits=3)).credits == 3
    assert len(reader.read()) == 3
    loans.watchers.credit(reader, Credit(watch=1, credits=100))
    reader.read()
    assert reader.told == everything(loans)


def test_from_now_on(loans: Engine) -> None:
    """Without a token nothing of the past is told, and all that comes is."""
    reader = Reader(loans)
    assert reader.read() == []
    ask(loans, Send("carol", "SUBMIT_INFO"))
    assert brief(reader.read()) == [("event", "carol", "SUBMIT_INFO", "loan-v1", "under_review")]
    ask(loans, Send("carol", "SUBMIT_INFO"))
    assert reader.read() == [], "an event that was not handled did not happen"


def test_a_watch_that_passes_much_by_is_told_how_far_it_is(loans: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it need not pass all that by again when it goes on elsewhere."""
    monkeypatch.setattr(watching, "UNTOLD", 5)
    reader = Reader(loans, after="0", kinds=["erased"])
    assert reader.read() == []
    assert reader.token == str(loans._world.position)


def test_those_at_one_place_share_what_is_made(loans: Engine) -> None:
    """Two watches are told by the same bytes, made once for each dialect."""
    readers = [Reader(loans, after="1") for _ in range(2)]
    parts = list(loans.watchers.turn(lambda _: True))
    assert len(parts) == 2
    assert parts[0].told == parts[1].told != []
    for one, other in zip(parts[0].told, parts[1].told, strict=True):
        assert one.encoded(Dialect.JSON) is other.encoded(Dialect.JSON)
        assert one.encoded(Dialect.JSON) != one.encoded(Dialect.MSGPACK)
    del readers


def test_who_has_no_room_is_not_told(loans: Engine) -> None:
    """A watch whose owner can't take more waits, and is no reason to take turns."""
    Reader(loans, after="0")
    assert not list(loans.watchers.turn(lambda _: False))
    assert not loans.watchers.behind


def test_any_number_of_watches_may_rest(loans: Engine) -> None:
    """Those who know all take no work: more of them than one turn has work for are no reason for another turn."""
    readers = [Reader(loans) for _ in range(watching.TURN + 1)]
    while list(loans.watchers.turn(lambda _: True)) or loans.watchers.behind:
        pass
    ask(loans, Send("carol", "SUBMIT_INFO"))
    turns, told = 0, 0
    while True:
        turns += 1
        told += sum(len(part.told) for part in loans.watchers.turn(lambda _: True))
        if not loans.watchers.behind:
            break
    assert told == len(readers)
    assert turns > 1


def test_a_sweep_is_told_as_it_goes(loans: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress while it lasts, and who moved when it is through; who asks for events alone need not wait."""
    for name in ("CHUNK", "AT_ONCE"):
        monkeypatch.setattr(sweeping, name, 1)
    all_of_it, events = Reader(loans), Reader(loans, kinds=["event"])
    loans.run([])
    loans.run([Deploy("loan-v2", VERIFIED, "loan-v1", PAID)])
    assert loans.sweeping
    loans.run([Send("carol", "SUBMIT_INFO")])
    assert [notice.kind for notice in events.read()] == ["event"]
    assert [notice.kind for notice in all_of_it.read()] == ["deployed", "progress"]
    finish(loans)
    assert [notice.kind for notice in all_of_it.read()] == ["migrated", "progress", "event"]
    assert all_of_it.told[1].swept in (1, 2)
    assert all_of_it.told[3].swept == all_of_it.told[3].cohorts == 3


def finish(engine: Engine) -> None:
    """Bring a sweep to its end."""
    while engine.sweeping:
        engine.run([])


@pytest.mark.parametrize("after", ["", "-1", "1.", ".1", "1.x", "a", "1.2.3", "9" * 30, "²"])
def test_what_is_no_token_is_refused(loans: Engine, after: str) -> None:
    """Only a token, or a position, says where to begin."""
    with pytest.raises(errors.BadRequest, match="no token"):
        Reader(loans, after=after)
    assert not loans.watchers


def test_what_can_not_be_watched_is_refused(loans: Engine) -> None:
    """What is not there, a place that the store has not come to, an id in use, and too many at once."""
    with pytest.raises(errors.BadRequest, match="ahead of the store"):
        Reader(loans, after="1000")
    with pytest.raises(errors.UnknownVersion):
        Reader(loans, version="loan-v9")
    with pytest.raises(errors.UnknownActor):
        Reader(loans, actor="nobody")
    for number in range(watching.WATCHES):
        loans.watchers.open("me", Watch(id=number))
    with pytest.raises(errors.BadRequest, match="id 3 already"):
        loans.watchers.open("me", Watch(id=3))
    with pytest.raises(errors.LimitExceeded):
        loans.watchers.open("me", Watch(id=99))
    with pytest.raises(errors.BadRequest, match="Its watches are: none"):
        loans.watchers.credit("you", Credit(watch=1, credits=1))
    assert loans.watchers.close("me", Unwatch(watch=3)).token == str(loans._world.position)
    assert len(loans.watchers) == watching.WATCHES - 1
    assert len(loans.watchers.leave("me")) == watching.WATCHES - 1


@given(machines(), st.lists(steps, min_size=10, max_size=40), st.sampled_from([1, 2, 1_024]), st.randoms())
def test_what_was_told_is_what_is_stored(root: Machine, world: list[Any], chunk: int, choose: Any) -> None:
    """Told as it happens, in small parts, over restarts, or all afterwards: the same, and what history says."""
    small = mock.patch.multiple(watching, PART=2, LEAST=1, PASSED=3, TURN=3, KEPT=6)
    pieces = mock.patch.multiple(sweeping, CHUNK=chunk, AT_ONCE=chunk)
    with tempfile.TemporaryDirectory(dir=MEMORY) as directory, pieces, small:
        both = Both(Path(directory), root)
        try:
            live, told = Reader(both.engine, after="0", credits=2**31 - 1), list[Notice]()
            for step in world:
                both.take(step)
                if isinstance(step, Restart):
                    told += live.told
                    live = Reader(both.engine, after=live.token, credits=2**31 - 1)
                live.read(choose.randint(0, 4), choose.randint(0, 1))
            finish(both.engine)
            live.read()
            whole, gone = everything(both.engine), both.engine._world.erased
            lasting = [n for n in told + live.told if n.kind == "erased" or n.actor not in gone]
            assert [n for n in lasting if n.kind != "progress"] == [n for n in whole if n.kind != "progress"]
            assert sorted(n.actor or 0 for n in whole if n.kind == "erased") == sorted(gone)
            _compare(both.engine, whole)
        finally:
            both.engine.close()


def _compare(engine: Engine, told: list[Notice]) -> None:
    """Compare what was told with what the records of each actor say."""
    for actor in ask(engine, Actors(limit=1_000)).actors:
        mine = [notice for notice in told if notice.actor == actor.id]
        last = mine[-1]
        assert (last.version, last.state, last.status, last.events) == (
            actor.version,
            actor.state,
            actor.status,
            actor.events,
        )
        assert [notice.kind for notice in mine].count("finished") == (actor.status != "active")
        assert [(n.event, n.version, n.state, n.position, n.time) for n in mine if n.kind == "event"] == [
            (e.event, e.version, e.state, e.position, e.time)
            for e in ask(engine, History(actor.id, limit=1_000)).events
        ]
        moves = [d for d in ask(engine, Decisions(actor=actor.id, limit=1_000)).decisions if d.outcome == "migrated"]
        steps_told = [(n.version_before, n.version, n.position) for n in mine if n.kind == "migrated"]
        by_position: dict[int, list[Any]] = {}
        for move in moves:
            by_position.setdefault(move.position, []).append(move)
        assert steps_told == [
            (hops[0].version_before, hops[-1].version_after, position) for position, hops in by_position.items()
        ]
