"""Requests under an idempotency key: carried out once, however often they come.

The first answer is written in the transaction of what it tells of, so that the two are durable together or not at all.
It is sealed with the actor's data key and lives as long as the actor, whatever version that is on; of each actor at
least the latest ``KEPT`` are kept. An event that was not handled was answered too. A refusal is not kept: it had no
effect, and a repeat may well succeed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec
from msgspec.structs import replace

from statekeep.daemon.store import RepeatRow, Store
from statekeep.protocol import errors
from statekeep.protocol.messages import Deliver, Send, Spawn
from statekeep.protocol.records import Actor, Sent

KEPT: Final = 1_000
"""Answers of one actor. Retries come within minutes, and few actors see more events in their lives."""

FORGOTTEN: Final = 100
"""Older answers of an actor are forgotten so many at a time: it takes a look at all that the actor has."""

COUNTED: Final = 200_000
"""Actors whose last number is kept in memory; about 20 MB."""

AnswerT = TypeVar("AnswerT", Actor, Sent)
RequestT = TypeVar("RequestT", Spawn, Send | Deliver)

_encode_request = msgspec.msgpack.Encoder(order="deterministic").encode
_encode = msgspec.msgpack.Encoder().encode


class Repeats:
    """The answers of one store. Those that are not committed yet are found here, so that no look-up writes them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._fresh: dict[bytes, RepeatRow] = {}
        self._numbers: dict[int, int] = {}

    def hash(self, scope: int, key: str) -> bytes:
        """What stands for a key; ``scope`` is the actor that it is for, or 0 for a spawn."""
        return self._store.records.repeat_hash(scope, key)

    def find(self, scope: int, key_hash: bytes) -> RepeatRow | None:
        """The answer under a key."""
        return self._fresh.get(key_hash) or self._store.records.repeat(scope, key_hash)

    def keep(self, row: RepeatRow) -> None:
        """Write down the answer to a request that was carried out just now."""
        if row.scope:
            row = row._replace(number=self._next(row.scope))
        self._fresh[row.key_hash] = row
        self._store.writes.add_repeat(row)
        if row.scope and row.number > KEPT and row.number % FORGOTTEN == 0:
            self._store.writes.forget_repeats(row.scope, row.number - KEPT)

    def _next(self, actor: int) -> int:
        number = self._numbers.get(actor)
        if number is None:
            number = self._store.records.last_repeat(actor)
        self._numbers[actor] = number + 1
        return number + 1

    def forget(self, actor: int) -> None:
        """Let go of an actor whose answers the store has just deleted; it has all others."""
        self._fresh.clear()
        self._numbers.pop(actor, None)

    def committed(self) -> None:
        """All that is kept can be found in the store."""
        self._fresh.clear()
        if len(self._numbers) > COUNTED:
            self._numbers.clear()


def once(
    repeats: Repeats, scope: int, request: RequestT, kind: type[AnswerT], carry_out: Callable[[RequestT], AnswerT]
) -> AnswerT:
    """The answer to a request that has a key: that of the first one, or of ``carry_out`` if this is the first.

    Raises:
        IdempotencyConflict: the key was used for a request with another content.
    """
    assert request.idempotency_key is not None
    key_hash, content = repeats.hash(scope, request.idempotency_key), _digest(request)
    kept = repeats.find(scope, key_hash)
    if kept is None:
        answer = carry_out(request)
        repeats.keep(RepeatRow(scope, key_hash, answer.id, content, _encode(answer)))
        return answer
    if kept.content != content:
        raise errors.IdempotencyConflict(request.idempotency_key)
    return replace(msgspec.msgpack.decode(kept.answer, type=kind), repeated=True)


def _digest(request: Spawn | Send | Deliver) -> bytes:
    """Equal for requests that ask for the same, whatever their number, and by whichever name they call the actor."""
    request = replace(request, id=0) if isinstance(request, Spawn) else replace(request, id=0, actor=0)
    return hashlib.blake2b(_encode_request(request), digest_size=16).digest()
