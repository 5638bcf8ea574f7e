"""How the screens ask the daemon, whichever version it has: what it does not know yet is left out, not guessed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol, TypeVar, cast

import msgspec

from statekeep.protocol.messages import REQUESTS, ActorRef, Request
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
    """What the screens need of a client: ``AsyncClient``, or a fake in its place."""

    socket: str

    async def call(self, request: Request[R]) -> R:
        """Return what the daemon answers, or raise the error that it answers."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


class Daemon(Asks, Protocol):
    """What the application needs of a client beside that."""

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


def takes(op: str, *fields: str) -> bool:
    """Whether this package's protocol has an operation, and these fields in its request."""
    kind = REQUESTS.get(op)
    return kind is not None and set(fields) <= set(kind.__struct_fields__)


def build(op: str, **fields: Any) -> Request[Any]:
    """A request by its op; a field that is None is left out. The caller has asked ``takes`` before."""
    given = {name: value for name, value in fields.items() if value is not None}
    return cast("Request[Any]", msgspec.convert(given | {"op": op}, REQUESTS[op]))
