"""Damage to the files, from a bit to a page: the store is refused, or the damage is said; nothing is made up.

Whatever is read from a damaged store is either what it was, or an error with a code; ``verify`` says that there is
damage whenever anything reads differently. No page is damaged that SQLite does not use.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from statekeep.daemon.engine import Engine
from statekeep.daemon.store import DamagedJournal, DamagedStore, RolledBack, UnknownSchema, UnsafeStore, WrongKey
from statekeep.protocol.messages import Actors, Answer, AnyRequest, Decisions, Get, History, Refusal, Verify, Versions
from tests.engine.worlds import start
from tests.faults.workload import Story, number_of_actors, told

REFUSED = (DamagedJournal, DamagedStore, RolledBack, UnknownSchema, UnsafeStore, WrongKey)
"""What the daemon refuses a store with, in a sentence and with an exit code."""

SAID = {"damaged_actor", "storage_failed", "unknown_actor"}
"""Errors that an answer of a damaged store may be, the last where a row is gone. ``internal_error`` is none of them."""

PAGE = 4_096


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a long story behind it, and closed."""
    directory = tmp_path_factory.mktemp("sound")
    story = Story(11)
    with closing(start(directory)) as engine:
        for _ in range(120):
            engine.run(story.batch(number_of_actors(engine)))
        told(engine)
    return directory


@pytest.fixture(scope="module")
def tells(sound: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What is read from it."""
    copy = tmp_path_factory.mktemp("copies") / "copy"
    shutil.copytree(sound, copy)
    with closing(start(copy)) as engine:
        found = read(engine, number_of_actors(engine))
        assert all(isinstance(answer, Answer) or answer.error.code == "actor_erased" for answer in found)
        assert not says_damaged(engine)
    return [comparable(answer) for answer in found]


def read(engine: Engine, actors: int) -> list[Answer | Refusal]:
    """All that clients can read of so many actors."""
    requests: list[AnyRequest] = [kind(actor) for actor in range(1, actors + 1) for kind in (Get, History)]
    requests += [Decisions(actor=actor, limit=1_000) for actor in range(1, actors + 1)]
    answers = list[Answer | Refusal]()
    for request in [*requests, Versions(), Actors(limit=1_000)]:
        while (answer := engine.run([request])[0]) is None:
            pass
        answers.append(answer)
    return answers


def comparable(answer: Answer | Refusal) -> bytes:
    """An answer as a client gets it."""
    return msgspec.json.encode(answer)


def says_damaged(engine: Engine) -> bool:
    """Whether ``verify`` finds anything, or can't even look."""
    cursor: int | None = 0
    while cursor is not None:
        (answer,) = engine.run([Verify(cursor=cursor, limit=1_000)])
        if not isinstance(answer, Answer):
            return True
        page: Any = answer.ok
        if page.differences:
            return True
        cursor = page.next
    return False


def flip_bit(content: bytearray, random: Random) -> None:
    """One bit, anywhere."""
    content[random.randrange(len(content))] ^= 1 << random.randrange(8)


def zero_page(content: bytearray, random: Random) -> None:
    """A page that is empty."""
    page = random.randrange(len(content) // PAGE) * PAGE
    content[page : page + PAGE] = bytes(PAGE)


def noise(content: bytearray, random: Random) -> None:
    """A page that is anything."""
    page = random.randrange(len(content) // PAGE) * PAGE
    content[page : page + PAGE] = random.randbytes(PAGE)


def swap_pages(content: bytearray, random: Random) -> None:
    """Two pages, each in the place of the other."""
    one, other = (random.randrange(1, len(content) // PAGE) * PAGE for _ in range(2))
    first, second = content[one : one + PAGE], content[other : other + PAGE]
    content[one : one + PAGE], content[other : other + PAGE] = second, first


def truncate(content: bytearray, random: Random) -> None:
    """An end that is missing."""
    del content[random.randrange(len(content)) :]


def header(content: bytearray, random: Random) -> None:
    """A byte of the file's header."""
    content[random.randrange(100)] = random.randrange(256)


DAMAGES: list[Callable[[bytearray, Random], None]] = [flip_bit, zero_page, noise, swap_pages, truncate, header]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("seed", [*range(6), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(6, 60))])
def test_damage_is_said(
    room: Path, sound: Path, tells: list[Any], seed: int, damage: Callable[[bytearray, Random], None]
) -> None:
    """Refused, or named: no answer differs from what it was without an error that says why."""
    copy, random = room / "copy", Random(seed)
    shutil.copytree(sound, copy)
    content = bytearray((copy / "store.db").read_bytes())
    damage(content, random)
    (copy / "store.db").write_bytes(content)
    try:
        engine = start(copy)
    except REFUSED:
        return
    with closing(engine):
        found = read(engine, (len(tells) - 2) // 3)
        damaged = says_damaged(engine)
    differing = [answer for answer, was in zip(found, tells, strict=True) if comparable(answer) != was]
    codes = {answer.error.code for answer in differing if isinstance(answer, Refusal)}
    assert codes <= SAID
    assert damaged or not differing
    # Lists go on without who is damaged, and say so of it.
    unsaid = [comparable(answer) for answer in differing if isinstance(answer, Answer)]
    assert [answer for answer in unsaid if b'"damaged":true' not in answer] == []
