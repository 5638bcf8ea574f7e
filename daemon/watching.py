"""The streams of connections that watch: requests about them, and the bytes of what they are told."""

from __future__ import annotations

from collections.abc import Hashable
from typing import cast

from statekeep.daemon.connections import Connection
from statekeep.daemon.engine import Engine
from statekeep.protocol.codec import encode_answers
from statekeep.protocol.errors import StatekeepError
from statekeep.protocol.messages import Answer, Credit, Notices, Refusal, Unwatch, Watch


class Streams:
    """All watches of one server's connections.

    The request for a watch is under way as long as the watch lasts: what ends it is its answer.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def behind(self) -> bool:
        """Whether there is more to tell, for which nobody has to wait."""
        return self._engine.watchers.behind

    def take(self, connection: Connection, request: Watch | Unwatch | Credit) -> list[Answer | Refusal]:
        """Begin, end or go on with a watch; the answers that this brings about."""
        watchers = self._engine.watchers
        self._engine.about.requests += 1
        self._engine.meter.requests[type(request)] += 1
        try:
            if isinstance(request, Watch):
                watchers.open(connection, request)
                return []
            if isinstance(request, Credit):
                return [Answer(request.id, watchers.credit(connection, request))]
            ended = watchers.close(connection, request)
        except StatekeepError as refused:
            return [Refusal(request.id, refused.body())]
        return [Answer(request.watch, ended), Answer(request.id, ended)]

    def end(self, connection: Connection, reason: StatekeepError | None = None) -> list[Answer | Refusal]:
        """End all watches of a connection; the answers to the requests for them, which give the reason if any."""
        ended = self._engine.watchers.leave(connection)
        return [Refusal(watch, reason.body()) if reason else Answer(watch, end) for watch, end in ended]

    def tell(self, requests: int) -> None:
        """Give all watches a turn, after so many requests were carried out.

        A connection that does not take what it is told is not told more.
        """
        if not self._engine.watchers:
            return
        for part in self._engine.watchers.turn(_has_room, requests):
            connection = cast("Connection", part.owner)
            if part.failed is not None:
                connection.answer([Refusal(part.watch, part.failed.body())])
                continue
            dialect = connection.reader.dialect
            notices = Notices(part.watch, [told.encoded(dialect) for told in part.told], part.token)
            connection.push(encode_answers(dialect, [notices]))


def _has_room(owner: Hashable) -> bool:
    return not cast("Connection", owner).stuck
