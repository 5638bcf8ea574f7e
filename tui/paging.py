"""Long lists of the daemon as rows by number, of which only those that are looked at are asked for.

The daemon's cursors lead from page to page. Ids are given in order, so where nothing is filtered row *n* is actor
*n + 1*, and any place of the list can be jumped to; an id that is no more is an empty row. A filtered list is walked
from the nearest place that is known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from statekeep.protocol.messages import Actors
from statekeep.protocol.records import Actor, Decision, Page, PlannedActor
from statekeep.tui.asking import Asks, build

PAGE: Final = 100
"""Rows of a page: more than any terminal is high, and a millisecond's work for the daemon."""


class Source(Protocol):
    """Rows by number."""

    total: int
    """Rows as far as is known."""
    exact: bool
    """Whether there are no more."""

    async def page(self, number: int) -> Sequence[Any]:
        """The rows from ``number * PAGE``; None stands for one that is no more."""
        ...


class AllActors:
    """Every actor: the row is the id less one."""

    def __init__(self, client: Asks, total: int) -> None:
        self.total = total
        self.exact = True
        self._client = client

    async def page(self, number: int) -> Sequence[Actor | None]:
        first = number * PAGE
        found = await self._client.call(Actors(cursor=first, limit=PAGE))
        rows: list[Actor | None] = [None] * PAGE
        for actor in found.actors:
            if actor.id <= first + PAGE:
                rows[actor.id - first - 1] = actor
        highest = max((actor.id for actor in found.actors), default=0)
        self.total = max(self.total, highest)
        return rows[: max(0, self.total - first)]


class Walked:
    """Rows that only their cursors lead to: page after page, of which each is asked for once more when it is shown."""

    def __init__(
        self,
        client: Asks,
        request: Callable[[int, int], Any],
        rows: Callable[[Any], Sequence[Actor | Decision | PlannedActor]],
        total: int | None = None,
    ) -> None:
        """``request`` makes one of a cursor and a limit; ``rows`` takes them from a page."""
        self._client = client
        self._request = request
        self._rows = rows
        self._cursors = [0]
        self.total = total or 0
        self.exact = total is not None

    async def page(self, number: int) -> Sequence[Any]:
        while len(self._cursors) <= number:
            known = len(self._cursors)
            await self._ask(known - 1)
            if len(self._cursors) == known:
                return []  # that was the last page
        return await self._ask(number)

    async def _ask(self, number: int) -> Sequence[Any]:
        rows: list[Any] = []
        cursor: int | None = self._cursors[number]
        # The daemon may give fewer than were asked for, where it looked at many that do not pass.
        while cursor is not None and len(rows) < PAGE:
            page: Page = await self._client.call(self._request(cursor, PAGE - len(rows)))
            rows += self._rows(page)
            cursor = page.next
        seen = number * PAGE + len(rows)
        if cursor is None:
            self.total, self.exact = seen, True
        elif len(self._cursors) == number + 1:
            self._cursors.append(cursor)
            # One row more than was seen: whoever scrolls there asks for it.
            self.total = max(self.total, seen + 1)
        return rows


def actors(client: Asks, fields: dict[str, Any], total: int | None) -> Source:
    """The actors that pass a filter; ``total`` is how many, if it is known."""
    if not fields and total is not None:
        return AllActors(client, total)
    return Walked(
        client,
        lambda cursor, limit: build("actors", cursor=cursor, limit=limit, **fields),
        lambda page: page.actors,
        total,
    )
