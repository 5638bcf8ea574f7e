"""The log of decisions grows by what is decided, and asks for no more than that."""

from __future__ import annotations

import asyncio

import pytest

from statekeep.daemon.engine import Engine
from statekeep.protocol.messages import Send, Spawn
from statekeep.tui import following
from statekeep.tui.following import Followed
from tests.engine.worlds import ask
from tests.tui.stage import Stage, Within, loans, play, verified

EVER = 0


def test_each_look_adds_what_was_decided_since(engine: Engine) -> None:
    """In the order in which it was decided, whoever it is about; what was seen is not there twice."""
    loans(engine)
    verified(engine)
    log = Followed(Within(engine, "viewer"), {"route": "loan-v2"}, EVER)
    first = list(asyncio.run(log.look()))
    assert len(first) == 10
    ask(engine, Spawn("loan-v1", key="carol"))
    ask(engine, Send("carol", "SUBMIT_INFO"))
    assert [made.outcome for made in asyncio.run(log.look())[10:]] == ["pending"]
    ask(engine, Send("carol", "PAY_FEE"))
    rows = asyncio.run(log.look())
    assert rows[:10] == first
    assert [(made.key, made.outcome) for made in rows[10:]] == [("carol", "pending"), ("carol", "migrated")]
    assert [made.position for made in rows] == sorted(made.position for made in rows)


def test_much_at_once_comes_look_by_look(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look asks for so many pages and no more, and says that there is more; only the last rows are kept."""
    monkeypatch.setattr(following, "PAGES", 1)
    monkeypatch.setattr(following, "KEPT", 4)
    loans(engine)
    verified(engine)
    log = Followed(Within(engine, "viewer"), {"route": "loan-v2"}, EVER)
    looks = [list(asyncio.run(log.look()))]
    while log.behind:
        looks.append(list(asyncio.run(log.look())))
    assert [len(rows) for rows in looks] == [4, 4, 4]
    assert {made.actor for rows in looks for made in rows} == set(range(1, 11))


def test_following_shows_the_last_one(engine: Engine) -> None:
    """``f`` begins with those of the last minutes, or from the filter's own time; a new one is in sight at once."""
    loans(engine)
    verified(engine)

    async def scene(stage: Stage) -> None:
        await stage.press("6", "f")
        assert "none, following" in stage.text
        await stage.press("slash", "end")
        await stage.type(" since:2023-01-01")
        await stage.press("enter")
        assert "10 of 10, following" in stage.text
        ask(engine, Spawn("loan-v1", key="carol"))
        await stage.press("r")
        assert "… pending" in next(line for line in stage.text.splitlines() if "▌" in line)
        await stage.press("f", "g")
        assert "following" not in stage.text
        assert "1 of 11" in stage.text

    play(engine, scene)
