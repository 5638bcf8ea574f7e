"""The command line in this process, at a daemon that answers what a test says."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from statekeep.daemon.engine import Engine
from statekeep.protocol import operations, retrying
from statekeep.protocol.errors import StatekeepError
from statekeep.protocol.messages import AnyRequest, PageRequest
from statekeep.protocol.records import Record
from statekeep.tui.cli import arguments, main
from tests.engine.worlds import MEMORY, ask, engine_in
from tests.protocol.fakes import fake_daemon


class Printed(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


STATEKEEP = [sys.executable, "-c", "import sys; from statekeep.tui.cli import main; sys.exit(main())"]
"""The command as a process of its own."""

Run = Callable[..., Printed]


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the terminal or the zone of who runs it."""
    for name in ("COLUMNS", "FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TZ", "UTC")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``statekeep`` with these words."""

    def run(*words: str) -> Printed:
        try:
            code = main(words)
        except SystemExit as ending:
            code = int(ending.code or 0)
        written = capsys.readouterr()
        return Printed(code, written.out, written.err)

    return run


class Asked:
    """A daemon that answers what a test says, and what it was asked."""

    def __init__(self, path: Path) -> None:
        self.socket = str(path)
        self.asked: list[AnyRequest] = []
        self._replies: list[Record | StatekeepError] = []

    def answers(self, *replies: Record | StatekeepError) -> None:
        """Set what it answers, in turn; the last one again and again."""
        self._replies = list(replies)

    def answer(self, request: AnyRequest) -> Record | StatekeepError:
        # The number is the connection's matter.
        self.asked.append(msgspec.structs.replace(request, id=0))
        return self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]


class Direct:
    """A client without a socket: it asks an engine in this process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def call(self, request: AnyRequest) -> Any:
        return ask(self._engine, request)

    def pages(self, request: PageRequest[Any]) -> Iterator[Any]:
        following: PageRequest[Any] | None = request
        while following is not None:
            page = ask(self._engine, following)  # type: ignore[arg-type]  # each is one of AnyRequest
            yield page
            following = operations.following(following, page)

    def close(self) -> None:
        """The engine outlives its clients."""


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """A real engine, which every command asks."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as name, engine_in(Path(name)) as engine:
        monkeypatch.setattr(arguments, "Client", lambda _: Direct(engine))
        yield engine


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    """A daemon that the command line finds by itself. It sees no idempotency keys but those that a test gives."""
    monkeypatch.setattr(retrying, "named", lambda request: request)
    asked = Asked(tmp_path / "s")
    with fake_daemon(tmp_path / "s", asked.answer):
        monkeypatch.setenv("STATEKEEP_SOCKET", asked.socket)
        yield asked
