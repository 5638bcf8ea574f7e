"""What the screens need of a client: ``AsyncClient``, or a fake in its place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol, TypeVar

from statekeep.protocol.messages import ActorRef, Request
from statekeep.protocol.records import Notice, NoticeKind, Record

R = TypeVar("R", bound=Record)


class Notices(Protocol):
    """What happens, one notice after the other; a cancelled wait loses nothing."""

    def __aiter__(self) -> AsyncIterator[Notice]: ...

    async def __anext__(self) -> Notice: ...

    def close(self) -> None:
        """End the watch."""
        ...


class Asks(Protocol):
    """What most of the screens need: answers."""

    socket: str

    async def call(self, request: Request[R]) -> R:
        """Return what the daemon answers, or raise the error that it answers."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


class Daemon(Asks, Protocol):
    """What the application needs beside that."""

    def watch(
        self,
        after: str | None = None,
        *,
        kinds: Sequence[NoticeKind] = (),
        actor: ActorRef | None = None,
        version: str | None = None,
        ahead: int = 256,
    ) -> Notices:
        """Tell what happens behind ``after``, until it is closed. Taking a notice raises what ends the watch."""
        ...
