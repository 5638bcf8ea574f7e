"""SIGKILL while the daemon ships: what was shipped can be restored, and the next daemon goes on."""

from __future__ import annotations

import signal
from pathlib import Path
from random import Random

import pytest

from statekeep.protocol import Client
from statekeep.protocol.messages import StatusRequest
from statekeep.protocol.records import Shipped
from tests.daemon.processes import running
from tests.daemon.serving import LIGHT
from tests.daemon.test_backup import ACTORS, Load, events, fill, statekeep


@pytest.mark.parametrize("kills", [2, pytest.param(15, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])
def test_what_was_shipped_before_a_kill_can_be_restored(tmp_path: Path, kills: int) -> None:
    """Up to the position that ``status`` gave before it; in every life, from the first base to the present one."""
    random, ship = Random(kills), tmp_path / "shipped"
    told = list[tuple[int, int]]()
    for life in range(kills):
        with running(tmp_path, "--ship", str(ship)) as daemon:
            if not life:
                fill(daemon)
            load = Load(daemon)
            load.start()
            shipped: Shipped | None = None
            with Client(daemon.socket) as client:
                for _ in range(random.randrange(1, 20)):
                    load.turning.acquire()
                # Those rounds are shipped within seconds, and others come meanwhile.
                least, target = load.rounds, client.call(StatusRequest()).position
                while shipped is None or shipped.position < target:
                    shipped = client.status().shipped
            daemon.end(signal.SIGKILL)
            load.join()
            told.append((shipped.position, least))
        tested = statekeep(tmp_path, "backup", "--test", str(ship), "--at", str(shipped.position))
        assert tested.returncode == 0, tested.stderr
        assert f"position {shipped.position:,}," in tested.stdout
    restored = statekeep(tmp_path, "restore", str(ship), "--at", str(told[-1][0]), "--replace")
    assert restored.returncode == 0, restored.stderr
    with running(tmp_path) as daemon, Client(daemon.socket) as client:
        counts = events(client)
        assert len(counts) == ACTORS
        assert min(counts) >= sum(least for _, least in told)


def test_a_store_that_is_gone_comes_back_from_what_was_shipped(tmp_path: Path) -> None:
    """All that was answered before an orderly stop is there."""
    ship = tmp_path / "shipped"
    with running(tmp_path, "--ship", str(ship)) as daemon:
        with Client(daemon.socket) as client:
            client.deploy("light", LIGHT)
            client.spawn("light", key="alice")
            for _ in range(10):
                client.send("alice", "TOGGLE")
        assert daemon.end(signal.SIGTERM) == 0
    for file in (tmp_path / "data").glob("store.db*"):
        file.unlink()
    assert statekeep(tmp_path, "restore", str(ship)).returncode == 0
    with running(tmp_path) as daemon, Client(daemon.socket) as client:
        assert client.get("alice").events == 10
