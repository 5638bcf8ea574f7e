"""A daemon of a few lines: the real wire at a real socket, and answers that a test makes up."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from statekeep.protocol.codec import RequestReader, encode_answers
from statekeep.protocol.errors import StatekeepError
from statekeep.protocol.framing import REQUEST_LIMIT
from statekeep.protocol.messages import PROTOCOL, Answer, AnyRequest, Hello, Refusal, Send
from statekeep.protocol.records import Limits, Record, Sent, Welcome

WELCOME = Welcome(
    protocol=PROTOCOL,
    server="0",
    limits=Limits(frame=REQUEST_LIMIT, page=1000, under_way=16, batch=1000, idempotency=1000, context=1 << 20),
)


class HangUp(Exception):
    """Raised by what answers, to end the connection instead."""


Answering = Callable[[AnyRequest], Record | StatekeepError | None]
"""What a request is answered with; None is silence."""


def echo(request: AnyRequest) -> Record:
    """Handle every ``send``: the version is the event's name, so that answers can be told apart."""
    assert isinstance(request, Send)
    return Sent(id=1, handled=True, version=request.event, state="s", status="active", events=1)


class FakeDaemon:
    """Serves one connection after another until it is closed. ``requests`` is what it was asked, but for greetings."""

    def __init__(self, path: Path, answering: Answering, *, overtaking: bool, backlog: int) -> None:
        self.path = path
        self.requests: list[AnyRequest] = []
        self.connections = 0
        self._answering = answering
        self._overtaking = overtaking
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(backlog)
        self._thread = threading.Thread(target=self._accept)

    def start(self) -> None:
        """Begin to accept; until then connections wait in the queue."""
        self._thread.start()

    def stop(self) -> None:
        """End, once the connection that is open has been closed by its client."""
        self._listener.shutdown(socket.SHUT_RDWR)
        if self._thread.ident:
            self._thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connected, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with connected:
                self._serve(connected)

    def _serve(self, connected: socket.socket) -> None:
        reader = RequestReader(REQUEST_LIMIT)
        try:
            while data := connected.recv(1 << 16):
                answers = [answer for request in reader.feed(data) if (answer := self._answer(request))]
                connected.sendall(encode_answers(reader.dialect, answers[::-1] if self._overtaking else answers))
        except (HangUp, OSError):
            pass

    def _answer(self, request: AnyRequest | Refusal) -> Answer | Refusal | None:
        if isinstance(request, Refusal):
            return request
        if not isinstance(request, Hello):
            self.requests.append(request)
        outcome = WELCOME if isinstance(request, Hello) else self._answering(request)
        if isinstance(outcome, StatekeepError):
            return Refusal(request.id, outcome.body())
        return Answer(request.id, outcome) if outcome else None


@contextmanager
def fake_daemon(path: Path, answering: Answering = echo, *, overtaking: bool = False) -> Iterator[FakeDaemon]:
    """Run a daemon at ``path``. With ``overtaking`` the answers to one read come in reverse."""
    daemon = FakeDaemon(path, answering, overtaking=overtaking, backlog=16)
    daemon.start()
    try:
        yield daemon
    finally:
        daemon.stop()
