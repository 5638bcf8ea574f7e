"""Long lists of the daemon as rows by number, of which only those that are looked at are asked for.

Most lists give any place of theirs in one request, by how many rows come before it. Where rows have to be read one by
one to know which belong to the list, only the daemon's cursors lead on: such a list is walked, from the nearest place
that is known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from statekeep.protocol.messages import Actors, PageRequest
from statekeep.protocol.records import Page
from statekeep.tui.asking import Asks

PAGE: Final = 100
"""Rows of a page: more than any terminal is high, and a millisecond's work for the daemon."""

Ask = Callable[[int, int], PageRequest[Any]]
"""Makes a request of a place (rows before it, or a cursor) and a limit."""

Rows = Callable[[Any], Sequence[Any]]
"""Takes the rows from a page."""


class Source(Protocol):
    """Rows by number."""

    total: int
    """Rows as far as is known."""
    exact: bool
    """Whether there are no more."""

    async def page(self, number: int) -> Sequence[Any]:
        """The rows from ``number * PAGE``. Raises what asking raises."""
        ...


class Numbered:
    """Rows of which any place is one request away."""

    def __init__(self, client: Asks, request: Ask, rows: Rows, total: int | None) -> None:
        """``request`` makes one of how many rows are skipped; ``total`` is how many there are, if it is known."""
        self._client = client
        self._request = request
        self._rows = rows
        self.total = total or 0
        self.exact = total is not None

    async def page(self, number: int) -> Sequence[Any]:
        page: Page = await self._client.call(self._request(number * PAGE, PAGE))
        rows = self._rows(page)
        seen = number * PAGE + len(rows)
        if page.next is not None:
            # One row more than was seen: whoever scrolls there asks for it.
            self.total = max(self.total, seen + 1)
        elif rows or not number:
            self.total, self.exact = seen, True
        return rows


class Walked:
    """Rows that only their cursors lead to: page after page, of which each is asked for once more when it is shown."""

    def __init__(self, client: Asks, request: Ask, rows: Rows) -> None:
        """``request`` makes one of a cursor."""
        self._client = client
        self._request = request
        self._rows = rows
        self._cursors = [0]
        self.total = 0
        self.exact = False

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
            self.total = max(self.total, seen + 1)
        return rows


def actors(client: Asks, fields: dict[str, Any], total: int | None) -> Source:
    """The actors that pass a filter; ``total`` is how many, if it is known."""
    if "*" in fields.get("key", ""):
        return Walked(client, lambda cursor, limit: Actors(**fields, cursor=cursor, limit=limit), _actors)
    return Numbered(client, lambda skip, limit: Actors(**fields, skip=skip, limit=limit), _actors, total)


def _actors(page: Any) -> Sequence[Any]:
    rows: Sequence[Any] = page.actors
    return rows
