"""For the tests of a program that uses StateKeep: a pytest fixture with a daemon of its own, and machines to drive.

    def test_who_pays_is_verified(statekeep):
        statekeep.deploy("loan-v1", "definitions/loan-v1.json")
        alice = statekeep.spawn("loan-v1", key="alice").send("SUBMIT_INFO", "PAY_FEE")
        statekeep.deploy("loan-v2", LOAN_V2, parent="loan-v1", path=["SUBMIT_INFO", "PAY_FEE"])
        alice.assert_at("income_verify", version="loan-v2")

The daemon is a real one, on a real socket, whose store is in memory and goes with the test; it runs in a thread of the
test's process and is there within a few hundredths of a second. ``statekeep.socket`` is what the program under test is
to be given, or ``STATEKEEP_SOCKET``, which the fixture sets. pytest finds the fixture by itself once
``statekeep[daemon]`` is installed; without pytest, ``with running() as statekeep: ...`` is the same.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import pytest

from statekeep.protocol import Client
from statekeep.protocol.messages import ActorRef, History
from statekeep.protocol.records import Actor, Deployed, EventRecord, StateValue

if TYPE_CHECKING:
    from statekeep.daemon.embedded import Embedded

__all__ = ["Machine", "StateKeep", "running"]

_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - directories in it have random names
"""Where files cost no disk, if the system has it."""


class StateKeep:
    """A daemon for one test. ``client`` is a connection to it, for everything that has no shorter way here."""

    def __init__(self, directory: Path) -> None:
        self.socket = directory / "statekeep.sock"
        self._directory = directory
        self._serving: Embedded | None = None
        self.client = Client(self.socket)

    def start(self) -> None:
        """Serve, with what the store holds."""
        # Only now: pytest loads this module for every project, and most of their runs need no daemon.
        from statekeep.daemon.embedded import Embedded  # noqa: PLC0415

        self._serving = Embedded(self._directory / "store.db", self.socket)

    def stop(self) -> None:
        """Answer what has come in, and end."""
        self.client.close()
        if self._serving is not None:
            self._serving.stop()
            self._serving = None

    def restart(self) -> None:
        """Stop and start again: what was answered is still there."""
        self.stop()
        self.start()

    def deploy(self, version: str, definition: Mapping[str, Any] | str | Path, **options: Any) -> Deployed:
        """Deploy a definition, or the JSON file that holds it; ``options`` are those of ``Client.deploy``."""
        if isinstance(definition, str | Path):
            definition = json.loads(Path(definition).read_text())
        assert isinstance(definition, Mapping)
        return self.client.deploy(version, dict(definition), **options)

    def spawn(self, version: str, *, key: str | None = None, context: Any = None) -> Machine:
        """Start an actor."""
        return Machine(self.client, self.client.spawn(version, key, context).id)

    def machine(self, actor: ActorRef) -> Machine:
        """An actor that is there, by its id or key: one that the program under test has started."""
        return Machine(self.client, self.client.get(actor).id)


class Machine:
    """One actor, to be driven and looked at."""

    def __init__(self, client: Client, actor: int) -> None:
        self._client = client
        self.id = actor

    def __repr__(self) -> str:
        found = self.actor
        return f"<{found.key or found.id} at {_dotted(found.state)} on {found.version}, {found.status}>"

    def send(self, *events: str, payload: Any = None) -> Self:
        """Send events, each of which the actor must handle. Raises ``EventNotAccepted``."""
        for event in events:
            self._client.send(self.id, event, payload, require=True)
        return self

    def deliver(self, event: str, payload: Any = None) -> Self:
        """Bring the actor the event of a timer or of an invoked service, which it must handle."""
        self._client.deliver(self.id, event, payload, require=True)
        return self

    @property
    def actor(self) -> Actor:
        """The actor as it stands."""
        return self._client.get(self.id)

    @property
    def events(self) -> list[EventRecord]:
        """The events that it has processed."""
        return [event for page in self._client.pages(History(self.id)) for event in page.events]

    @property
    def history(self) -> list[str]:
        """Their types."""
        return [event.event for event in self.events]

    def assert_at(self, state: str, *, version: str | None = None) -> Self:
        """Fail unless ``state``, a dotted path, is active, and the actor stands on ``version``, if one is given."""
        __tracebackhide__ = True
        found = self.actor
        paths = set(_paths(found.state))
        assert state in paths, f"{self!r} is not at {state!r}; it is at {', '.join(sorted(paths))}"
        assert version in (None, found.version), f"{self!r} is not on {version!r}"
        return self

    def assert_accepts(self, *events: str) -> Self:
        """Fail unless these are the events that do something where the actor stands, in any order."""
        __tracebackhide__ = True
        accepted = self.actor.accepts
        assert sorted(accepted) == sorted(events), f"{self!r} accepts {', '.join(accepted) or 'nothing'}"
        return self


def _paths(state: StateValue, above: str = "") -> Iterator[str]:
    """The dotted paths of all active states but the root."""
    for name, below in {state: {}}.items() if isinstance(state, str) else state.items():
        yield above + name
        if below:
            yield from _paths(below, f"{above}{name}.")


def _dotted(state: StateValue) -> str:
    return ", ".join(path for path in _paths(state) if not any(other.startswith(f"{path}.") for other in _paths(state)))


@contextmanager
def running() -> Iterator[StateKeep]:
    """A daemon that is there as long as the block."""
    with tempfile.TemporaryDirectory(prefix="statekeep-", dir=_MEMORY if _MEMORY.is_dir() else None) as name:
        daemon = StateKeep(Path(name))
        daemon.start()
        try:
            yield daemon
        finally:
            daemon.stop()


@pytest.fixture
def statekeep(monkeypatch: pytest.MonkeyPatch) -> Iterator[StateKeep]:
    """A fresh daemon, which every client of this process finds by itself."""
    with running() as daemon:
        monkeypatch.setenv("STATEKEEP_SOCKET", str(daemon.socket))
        yield daemon
