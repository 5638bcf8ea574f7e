"""The daemon's operations as methods, written once for the blocking and the asynchronous client.

``client.send("alice", "PAY_FEE")`` means ``client.call(Send("alice", "PAY_FEE"))``: the method takes what the request
takes and gives what ``call`` gives, so in an ``AsyncClient`` it is awaited. Type checkers see both signatures.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, Generic, ParamSpec, TypeVar, overload

import msgspec

from statekeep.protocol import messages
from statekeep.protocol.messages import PageRequest, Request
from statekeep.protocol.records import Page, Record

if TYPE_CHECKING:
    from statekeep.protocol.aio import AsyncClient
    from statekeep.protocol.client import Client

P = ParamSpec("P")
R = TypeVar("R", bound=Record)
PageT = TypeVar("PageT", bound=Page)

_CHUNK: Final = 1_000
"""Requests: about as many as the daemon lets one connection have under way."""


class Operation(Generic[P, R]):
    """A method that makes a request and calls it."""

    def __init__(self, request: Callable[P, Request[R]]) -> None:
        self._request = request
        self.__doc__ = request.__doc__

    @overload
    def __get__(self, client: None, owner: type) -> Operation[P, R]: ...
    @overload
    def __get__(self, client: Client, owner: type) -> Callable[P, R]: ...
    @overload
    def __get__(self, client: AsyncClient, owner: type) -> Callable[P, Coroutine[Any, Any, R]]: ...
    def __get__(self, client: Client | AsyncClient | None, owner: type) -> Any:
        """Bind the operation to a client."""
        if client is None:
            return self

        @functools.wraps(self._request, updated=())
        def method(*args: P.args, **kwargs: P.kwargs) -> R | Coroutine[Any, Any, R]:
            return client.call(self._request(*args, **kwargs))

        return method


class Operations:
    """Every operation of the daemon, but for ``hello``, which a client says by itself when it connects."""

    describe = Operation(messages.Describe)
    deploy = Operation(messages.Deploy)
    preview = Operation(messages.Preview)
    preview_actors = Operation(messages.PreviewActors)
    close_route = Operation(messages.Close)
    deployments = Operation(messages.Deployments)
    versions = Operation(messages.Versions)
    definition = Operation(messages.Definition)
    spawn = Operation(messages.Spawn)
    send = Operation(messages.Send)
    deliver = Operation(messages.Deliver)
    batch = Operation(messages.Batch)
    erase = Operation(messages.Erase)
    get = Operation(messages.Get)
    actors = Operation(messages.Actors)
    count = Operation(messages.CountRequest)
    history = Operation(messages.History)
    decisions = Operation(messages.Decisions)
    paths = Operation(messages.Paths)
    histories = Operation(messages.Histories)
    verify = Operation(messages.Verify)
    stats = Operation(messages.Stats)
    key_status = Operation(messages.KeyStatus)
    key_rotate = Operation(messages.KeyRotate)
    key_rewrap = Operation(messages.KeyRewrap)
    key_add_recovery = Operation(messages.KeyAddRecovery)
    key_export_recovery = Operation(messages.KeyExportRecovery)
    backup = Operation(messages.Backup)
    backup_read = Operation(messages.BackupRead)
    backup_end = Operation(messages.BackupEnd)
    status = Operation(messages.StatusRequest)


def chunks(requests: Iterable[Request[R]]) -> Iterator[list[Request[R]]]:
    """Cut requests into pieces that fill a connection's window, and no memory."""
    left = iter(requests)
    while chunk := list(itertools.islice(left, _CHUNK)):
        yield chunk


def following(request: PageRequest[PageT], page: PageT) -> PageRequest[PageT] | None:
    """Return the request for the page after ``page``, or None if that was the last."""
    return None if page.next is None else msgspec.structs.replace(request, cursor=page.next)
