"""What is shipped is what was committed: restored at any point, a store is as it was then."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest

from statekeep.daemon.engine import Engine
from statekeep.daemon.restoring import Place, restore
from statekeep.daemon.store import (
    DamagedShipment,
    Kind,
    NothingShipped,
    Secret,
    Until,
    WrongKey,
    rebuild,
    shipping,
)
from statekeep.daemon.store.shipment import generations
from statekeep.protocol.messages import Erase, KeyAddRecovery, Send, Stats, StatusRequest
from tests.engine.stories import PAID, account, deploy, spawn
from tests.engine.worlds import KEY, ask, engine_in, start

SECRETS = [Secret(Kind.FILE, KEY)]
DAYS = 7 * 24 * 3_600_000


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """Where it is shipped to."""
    return tmp_path / "shipped"


class Clock:
    """A clock that stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 1_700_000_000_000

    def __call__(self) -> int:
        self.now += 2_000
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Every look is two seconds later, so that every step ships."""
    return Clock()


@contextmanager
def engine_that_ships(directory: Path, to: Path, clock: Clock) -> Iterator[Engine]:
    """An engine whose base has arrived."""
    directory.mkdir(exist_ok=True)
    engine = start(directory)
    try:
        engine._store.ship(to, clock, DAYS)
        settle(engine)
        yield engine
    finally:
        engine.close()


def settle(engine: Engine) -> None:
    """Turn the engine until all is shipped that there is."""
    ship = engine._store.shipping
    assert ship is not None
    for _ in range(3):
        engine.run([])
        if ship._job is not None:
            ship._job.exception()
    engine.run([])


def restored(shipped: Path, directory: Path, until: Until = Until()) -> list[object]:  # noqa: B008 - a constant
    """What the store says that is made, and verified, of what was shipped."""
    restore(shipped, until, Place(directory, SECRETS, Clock()), replacing=False)
    with engine_in(directory) as engine:
        return account(engine)


def test_at_each_position_the_store_is_as_it_was(shipped: Path, tmp_path: Path, clock: Clock) -> None:
    """Whichever piece, and whichever commit in it, the position belongs to; before the first there is nothing."""
    then: dict[int, list[object]] = {}
    with engine_that_ships(tmp_path / "data", shipped, clock) as engine:

        def happened() -> None:
            then[ask(engine, StatusRequest()).position] = account(engine)

        happened()
        deploy(engine, "loan-v1")
        happened()
        for number in range(3):
            actor = spawn(engine, "loan-v1", key=f"actor {number}")
            happened()
            for event in PAID:
                ask(engine, Send(actor, event, {"number": number}))
                happened()
            if number == 1:
                with mock.patch.object(shipping, "FULL", 1):
                    settle(engine)
                    settle(engine)
        deploy(engine, "loan-v2", parent="loan-v1", path=PAID)
        happened()
    assert len(list(generations(shipped)[-1].iterdir())) > 5
    for position, before in then.items():
        assert restored(shipped, tmp_path / f"at {position}", Until(position=position)) == before
    assert restored(shipped, tmp_path / "latest") == then[max(then)]


def test_at_a_time_the_store_is_as_it_was(shipped: Path, tmp_path: Path, clock: Clock) -> None:
    """The engine's own clock says which it was."""
    with engine_that_ships(tmp_path / "data", shipped, clock) as engine:
        deploy(engine, "loan-v1")
        spawn(engine, "loan-v1", *PAID)
        moment, before = engine._store.moment(), account(engine)
        spawn(engine, "loan-v1")
    assert restored(shipped, tmp_path / "r", Until(time=moment.time)) == before


def test_one_piece_may_hold_many_commits(shipped: Path, tmp_path: Path, clock: Clock) -> None:
    """Each of them can be restored."""
    with engine_that_ships(tmp_path / "data", shipped, clock) as engine:
        deploy(engine, "loan-v1")
        settle(engine)
        then = {}
        with mock.patch.object(engine._store.shipping, "step"):
            for number in range(10):
                spawn(engine, "loan-v1", key=str(number))
                then[engine._store.moment().position] = account(engine)
        settle(engine)
        pieces = engine._store.shipping._generation.entries  # type: ignore[union-attr]
    assert len(pieces) <= 4
    for position, before in then.items():
        assert restored(shipped, tmp_path / str(position), Until(position=position)) == before


def test_a_backlog_is_shipped_in_pieces(shipped: Path, tmp_path: Path, clock: Clock) -> None:
    """Of those it is not known where each ends; any position is restored all the same."""
    with engine_that_ships(tmp_path / "data", shipped, clock) as engine:
        deploy(engine, "loan-v1")
        settle(engine)
        then = {}
        with mock.patch.object(engine._store.shipping, "step"):
            for number in range(10):
                spawn(engine, "loan-v1", key=str(number))
                then[engine._store.moment().position] = account(engine)
        with mock.patch.object(shipping, "PIECE", 60_000):
            for _ in range(20):
                settle(engine)
        pieces = engine._store.shipping._generation.entries  # type: ignore[union-attr]
        assert len(pieces) > 5
        assert pieces[-1].position == max(then)
    for position, before in then.items():
        assert restored(shipped, tmp_path / str(position), Until(position=position)) == before


def test_nothing_is_readable_without_the_key(shipped: Path, tmp_path: Path, clock: Clock) -> None:
    """Not even the names of tables; and another key opens nothing."""
    with engine_that_ships(tmp_path / "data", shipped, clock) as engine:
        deploy(engine, "loan-v1")
        spawn(engine, "loan-v1", *PAID, key="alice")
    for file in (file for file in shipped.rglob("*") if file.is_file() and file.name != "keys"):
        assert not any(word in file.read_bytes() for word in (b"SQLite", b"CREATE", b"actors", b"alice", b"loan"))
    with pytest.raises(WrongKey):
        rebuild(shipped, tmp_path / "store.db", [Secret(Kind.FILE, bytes(32))], Until())


@pytest.mark.parametrize("damage", ["missing", "flipped", "cut", "exchanged"])
@pytest.mark.parametrize("which", ["base", "00000002"])
def test_a_damaged_file_is_refused_by_name(
    shipped: Path, tmp_path: Path, clock: Clock, which: str, damage: str
) -> None:
    """Whatever was done to it, nothing is restored from it."""
    with engine_that_ships(tmp_path / "data", shipped, clock) as engine:
        deploy(engine, "loan-v1")
        for _ in range(3):
            spawn(engine, "loan-v1")
            settle(engine)
    (generation,) = generations(shipped)
    file = generation / which
    content = bytearray(file.read_bytes())
    match damage:
        case "missing":
            file.unlink()
        case "flipped":
            content[len(content) // 2] ^= 1
            file.write_bytes(content)
        case "cut":
            file.write_bytes(content[:-1])
        case "exchanged":
            file.write_bytes((generation / "00000001").read_bytes())
    with pytest.raises(DamagedShipment, match=f"{which} is"):
        rebuild(shipped, tmp_path / "store.db", SECRETS, Until())


def test_a_copy_that_was_made_meanwhile_ends_where_its_pieces_do(shipped: Path, tmp_path: Path, clock: Clock) -> None:
    """A manifest that was copied after the pieces tells of later ones; one that is missing in the middle is damage."""
    with engine_that_ships(tmp_path / "data", shipped, clock) as engine:
        deploy(engine, "loan-v1")
        settle(engine)
        before = account(engine)
        for _ in range(3):
            spawn(engine, "loan-v1")
            settle(engine)
    (generation,) = generations(shipped)
    last = sorted(generation.glob("0*"))[1:]
    (generation / last[0]).rename(tmp_path / "one")
    with pytest.raises(DamagedShipment, match=f"{last[0].name} is missing"):
        restored(shipped, tmp_path / "r1")
    for piece in last[1:]:
        piece.unlink()
    assert restored(shipped, tmp_path / "r2") == before


def test_a_manifest_that_was_changed_is_refused(shipped: Path, tmp_path: Path, clock: Clock) -> None:
    """A line too few in its middle, or another figure in one."""
    with engine_that_ships(tmp_path / "data", shipped, clock) as engine:
        deploy(engine, "loan-v1")
        for _ in range(3):
            spawn(engine, "loan-v1")
            settle(engine)
    manifest = generations(shipped)[0] / "manifest"
    lines = manifest.read_bytes().splitlines(keepends=True)
    for changed in (lines[:1] + lines[2:], [lines[0].replace(b'"position":0', b'"position":9'), *lines[1:]]):
        manifest.write_bytes(b"".join(changed))
        with pytest.raises(DamagedShipment, match="manifest is not as it was written"):
            rebuild(shipped, tmp_path / "store.db", SECRETS, Until())


def test_a_kill_loses_nothing_that_was_shipped(shipped: Path, tmp_path: Path, clock: Clock) -> None:
    """The store as a kill leaves it is begun anew with another generation; both can be restored from."""
    data = tmp_path / "data"
    with engine_that_ships(data, shipped, clock) as engine:
        deploy(engine, "loan-v1")
        spawn(engine, "loan-v1", *PAID)
        settle(engine)
        first = engine._store.moment().position
        before = account(engine)
        spawn(engine, "loan-v1")
        # Its piece is there, whole, and the engine does not know it yet.
        engine._store.shipping._job.exception()  # type: ignore[union-attr]
        shutil.copytree(data, tmp_path / "killed")
        shutil.copytree(shipped, tmp_path / "shipped then")
    assert restored(tmp_path / "shipped then", tmp_path / "r1", Until(position=first)) == before
    with engine_that_ships(tmp_path / "killed", tmp_path / "shipped then", clock) as engine:
        spawn(engine, "loan-v1")
        after = account(engine)
    assert len(generations(tmp_path / "shipped then")) == 2
    assert restored(tmp_path / "shipped then", tmp_path / "r2") == after
    assert restored(tmp_path / "shipped then", tmp_path / "r3", Until(position=first)) == before


def test_an_erasure_waits_for_what_is_before_it_and_ends_in_a_new_base(
    shipped: Path, tmp_path: Path, clock: Clock
) -> None:
    """Its truncating checkpoint loses nothing that was to be shipped; later, a base without the actor is made."""
    with engine_that_ships(tmp_path / "data", shipped, clock) as engine:
        deploy(engine, "loan-v1")
        actor = spawn(engine, "loan-v1", *PAID, key="alice")
        spawn(engine, "loan-v1", key="bob")
        before, position = account(engine), engine._store.moment().position
        with mock.patch.object(engine._store.shipping, "step"):
            ask(engine, Erase(actor))
        settle(engine)
        after = account(engine)
        assert len(generations(shipped)) == 1
        clock.now += shipping.REBASE
        settle(engine)
        assert len(generations(shipped)) == 2
    assert restored(shipped, tmp_path / "r1", Until(position=position)) == before
    assert restored(shipped, tmp_path / "r2") == after


def test_an_erasure_does_not_wait_for_a_base(shipped: Path, tmp_path: Path, clock: Clock) -> None:
    """One that is being copied is given up, and begun anew."""
    with engine_that_ships(tmp_path / "data", shipped, clock) as engine:
        deploy(engine, "loan-v1")
        actor = spawn(engine, "loan-v1", *PAID)
        clock.now += shipping.DAY
        engine._store.shipping.step()  # type: ignore[union-attr]
        ask(engine, Erase(actor))
        settle(engine)
        after = account(engine)
    assert restored(shipped, tmp_path / "r") == after


def test_other_slots_end_the_generation(shipped: Path, tmp_path: Path, clock: Clock) -> None:
    """So that whatever opens the store opens what is shipped from then on."""
    with engine_that_ships(tmp_path / "data", shipped, clock) as engine:
        deploy(engine, "loan-v1")
        ask(engine, KeyAddRecovery())
        settle(engine)
        assert len(generations(shipped)) == 2


def test_old_generations_are_removed(shipped: Path, tmp_path: Path, clock: Clock) -> None:
    """When what is kept does not need them any more."""
    with engine_that_ships(tmp_path / "data", shipped, clock) as engine:
        deploy(engine, "loan-v1")
        for _ in range(12):
            clock.now += shipping.DAY
            settle(engine)
        assert len(generations(shipped)) == 1 + 7
        after = account(engine)
    assert restored(shipped, tmp_path / "r") == after


def test_the_figures_say_what_a_loss_now_would_cost(shipped: Path, tmp_path: Path, clock: Clock) -> None:
    """Nothing when all is shipped; else since when the oldest change waits, in how many bytes and positions."""
    with engine_that_ships(tmp_path / "data", shipped, clock) as engine:
        deploy(engine, "loan-v1")
        settle(engine)
        found = ask(engine, Stats()).shipped
        assert found is not None
        assert (found.position, found.behind, found.lag, found.unshipped) == (1, 0, 0, 0)
        assert [found.generation] == [path.name for path in generations(shipped)]
        with mock.patch("statekeep.daemon.store.shipment._write", side_effect=OSError(28, "No space left on device")):
            spawn(engine, "loan-v1")
            settle(engine)
            waiting = clock.now
            spawn(engine, "loan-v1")
            clock.now += 5_000
            found = ask(engine, StatusRequest()).shipped
        assert found is not None
        assert (found.position, found.behind, found.failure) == (1, 2, "No space left on device")
        assert clock.now - waiting <= found.lag < clock.now - waiting + 60_000
        assert found.unshipped > 4_096
        clock.now += shipping.RETRY
        settle(engine)
        found = ask(engine, Stats()).shipped
        assert found is not None
        assert (found.behind, found.lag, found.unshipped) == (0, 0, 0)


def test_after_a_start_the_figures_are_of_what_was_shipped_before(shipped: Path, tmp_path: Path, clock: Clock) -> None:
    """What an earlier process left behind is still behind. A line that was cut off does not count, nor a forged one."""
    with engine_that_ships(tmp_path / "data", shipped, clock) as engine:
        deploy(engine, "loan-v1")
        spawn(engine, "loan-v1")
        settle(engine)
        spawn(engine, "loan-v1")
        settle(engine)
        then = ask(engine, StatusRequest()).shipped
        assert then is not None
        shutil.copytree(tmp_path / "data", tmp_path / "next")
        shutil.copytree(shipped, tmp_path / "to")
        spawn(engine, "loan-v1")
        shutil.copytree(tmp_path / "data", tmp_path / "later")
    (manifest,) = (tmp_path / "to").glob("*/manifest")
    whole = manifest.read_bytes()
    for content, directory, behind in (
        (whole, "next", 0),
        (whole, "later", 1),
        (whole[:-1], "later", 2),
        (whole.replace(b'"position":3', b'"position":4'), "later", 4),
    ):
        manifest.write_bytes(content)
        with mock.patch.object(shipping.Shipping, "_begin"), engine_in(tmp_path / directory) as engine:
            engine._store.ship(tmp_path / "to", clock, DAYS)
            found = ask(engine, StatusRequest()).shipped
            assert found is not None
            assert (found.behind, bool(found.lag), found.generation) == (behind, bool(behind), "")
            if not behind:
                assert (found.position, found.time) == (then.position, then.time)


def test_a_directory_that_can_t_be_written_stops_nobody(shipped: Path, tmp_path: Path, clock: Clock) -> None:
    """It is said in the figures, the log is kept, and when there is room again nothing is missing."""
    with engine_that_ships(tmp_path / "data", shipped, clock) as engine:
        deploy(engine, "loan-v1")
        settle(engine)
        with mock.patch("statekeep.daemon.store.shipment._write", side_effect=OSError(28, "No space left on device")):
            spawn(engine, "loan-v1")
            settle(engine)
            assert engine._store.shipping.lag.failure == "No space left on device"  # type: ignore[union-attr]
            spawn(engine, "loan-v1")
        before = account(engine)
        clock.now += shipping.RETRY
        settle(engine)
        assert engine._store.shipping.lag == (3, mock.ANY, "")  # type: ignore[union-attr]
    assert restored(shipped, tmp_path / "r") == before


def test_a_commit_that_failed_ends_the_generation(shipped: Path, tmp_path: Path, clock: Clock) -> None:
    """What it may have left in the log is not shipped as if it had happened."""
    with engine_that_ships(tmp_path / "data", shipped, clock) as engine:
        deploy(engine, "loan-v1")
        engine._store.shipping.doubt()  # type: ignore[union-attr]
        spawn(engine, "loan-v1")
        settle(engine)
        assert len(generations(shipped)) == 2
        before = account(engine)
    assert restored(shipped, tmp_path / "r") == before


def test_what_was_never_shipped_can_t_be_restored(shipped: Path, tmp_path: Path, clock: Clock) -> None:
    """An empty directory, and a point before the first base, each with its sentence."""
    shipped.mkdir()
    with pytest.raises(NothingShipped, match="holds nothing"):
        rebuild(shipped, tmp_path / "r.db", SECRETS, Until())
    with engine_in(tmp_path) as engine:
        deploy(engine, "loan-v1")
    with engine_that_ships(tmp_path, shipped, clock) as engine:
        spawn(engine, "loan-v1")
    with pytest.raises(NothingShipped, match="reaches back to position 1 only"):
        rebuild(shipped, tmp_path / "r.db", SECRETS, Until(position=0))
