"""The clients' watches on a real daemon: over kills and restarts nothing is lost and nothing comes twice."""

from __future__ import annotations

import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from statekeep.protocol import AsyncClient, Client, errors
from statekeep.protocol.messages import Send, Watch
from statekeep.protocol.records import Notice
from statekeep.protocol.watching import Watching
from tests.daemon.processes import Daemon, running
from tests.daemon.serving import LIGHT
from tests.engine.worlds import MEMORY

EVENTS = 300


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """A daemon with one light."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as name, running(Path(name)) as daemon:
        with Client(daemon.socket) as client:
            client.deploy("light", LIGHT)
            client.spawn("light", key="lamp")
        yield daemon


def toggle(daemon: Daemon, number: int = EVENTS) -> None:
    """Send events, in batches."""
    with Client(daemon.socket) as client:
        client.call_many([Send("lamp", "TOGGLE")] * number)


def whole(notices: list[Notice]) -> bool:
    """Whether these are all notices from the first on, each once."""
    return [notice.position for notice in notices] == list(range(1, len(notices) + 1))


def test_a_watch_survives_the_daemon(daemon: Daemon) -> None:
    """Killed and started again while a program reads on, which sees every event once."""
    with Client(daemon.socket) as client, client.watch("0") as watch:
        told = [next(watch) for _ in range(2)]
        toggle(daemon)
        told += [next(watch) for _ in range(EVENTS // 2)]
        daemon.end(signal.SIGKILL)
        with running(daemon.data.parent) as second:
            toggle(second)
            told += [next(watch) for _ in range(EVENTS)]
            second.end(signal.SIGTERM)
        with running(daemon.data.parent):
            told += [next(watch) for _ in range(EVENTS // 2)]
    assert whole(told)
    assert len(told) == 2 + 2 * EVENTS


def test_a_watch_from_now_on_knows_where_it_began(daemon: Daemon) -> None:
    """What happens between the loss of the connection and the next one is told, also if nothing was before."""
    with Client(daemon.socket).watch(kinds=["event"]) as watch:
        got: list[Notice] = []
        reading = threading.Thread(target=lambda: got.append(next(watch)))
        reading.start()
        with Client(daemon.socket) as client:
            while not client.stats().watches:
                pass
            client.stats()  # a turn answers before it tells: this is the turn after the one that told where it began
        daemon.end(signal.SIGKILL)
        with running(daemon.data.parent) as second:
            toggle(second, 1)
            reading.join()
    assert [notice.position for notice in got] == [3]


def test_a_watch_that_can_not_begin_fails_at_once(daemon: Daemon, tmp_path: Path) -> None:
    """No daemon, or a refusal, is the error of the first notice; and what was ended ends."""
    with pytest.raises(errors.NoDaemon):
        next(Client(tmp_path / "none").watch())
    with pytest.raises(errors.UnknownActor):
        next(Client(daemon.socket).watch(actor="nobody"))
    watch = Client(daemon.socket).watch("0")
    assert next(watch).kind == "deployed"
    watch.close()
    assert list(watch) == []


def test_a_watch_gives_up_in_time(daemon: Daemon) -> None:
    """When the daemon stays away for longer than it has patience, the loss is the error."""
    watch = Watching(str(daemon.socket), Watch(after="0"), patience=0.05)
    next(watch)
    next(watch)
    daemon.end(signal.SIGKILL)
    with pytest.raises(errors.NoDaemon):
        next(watch)


def test_a_reader_that_takes_its_time_has_few_waiting(daemon: Daemon) -> None:
    """No more than it allowed ahead lie on its side, and it comes to the end all the same."""
    toggle(daemon)
    with Client(daemon.socket).watch("0", ahead=8) as watch:
        told = []
        for _ in range(EVENTS + 2):
            told.append(next(watch))
            assert len(watch._line.subscription.ready) <= 8
    assert whole(told)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Under both."""
    return request.param


@pytest.mark.anyio
async def test_tasks_watch_too(daemon: Daemon) -> None:
    """Beside other calls, over a restart, and with waits that are cancelled."""
    client = AsyncClient(daemon.socket)
    told: list[Notice] = []
    async with client.watch("0") as watch:
        told += [await anext(watch), await anext(watch)]
        with anyio.move_on_after(0.01):
            told.append(await anext(watch))
        await anyio.to_thread.run_sync(toggle, daemon)
        daemon.end(signal.SIGKILL)
        with running(daemon.data.parent) as second:
            await anyio.to_thread.run_sync(toggle, second)
            async for notice in watch:
                told.append(notice)
                if len(told) == 2 + 2 * EVENTS:
                    break
    client.close()
    assert whole(told)
