"""How the screens ask the daemon, whichever version it has: what it does not know yet is left out, not guessed."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar, cast

import msgspec

from statekeep.protocol.messages import REQUESTS, Request
from statekeep.protocol.records import Record

R = TypeVar("R", bound=Record)


class Asks(Protocol):
    """What the screens need of a client: ``AsyncClient``, or a fake in its place."""

    socket: str

    async def call(self, request: Request[R]) -> R:
        """Return what the daemon answers, or raise the error that it answers."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


def takes(op: str, *fields: str) -> bool:
    """Whether this package's protocol has an operation, and these fields in its request."""
    kind = REQUESTS.get(op)
    return kind is not None and set(fields) <= set(kind.__struct_fields__)


def build(op: str, **fields: Any) -> Request[Any]:
    """A request by its op; a field that is None is left out. The caller has asked ``takes`` before."""
    given = {name: value for name, value in fields.items() if value is not None}
    return cast("Request[Any]", msgspec.convert(given | {"op": op}, REQUESTS[op]))
