"""Rows by number of lists that only cursors lead through."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from statekeep.protocol.messages import Actors, Request
from statekeep.protocol.records import Actor, ActorPage
from statekeep.tui import paging
from statekeep.tui.paging import PAGE, Source


class Numbered:
    """A daemon of actors whose ids are given; a page holds ``most`` of them at most."""

    socket = ""

    def __init__(self, ids: range | list[int], most: int = PAGE) -> None:
        self.ids = ids
        self.asked = 0
        self._most = most

    async def call(self, request: Request[Any]) -> Any:
        assert isinstance(request, Actors)
        self.asked += 1
        first = next((n for n, one in enumerate(self.ids) if one > request.cursor), len(self.ids)) + request.skip
        limit = min(request.limit, self._most)
        found = [_actor(number) for number in self.ids[first : first + limit]]
        more = first + limit < len(self.ids)
        return ActorPage(actors=found, next=found[-1].id if more else None)

    def close(self) -> None:
        """Nothing is open."""


def _actor(number: int) -> Actor:
    fields = {"version": "v", "state": "s", "status": "active", "events": 0, "fingerprint": "0" * 16, "position": 1}
    return msgspec.convert({"id": number, "updated": 0, **fields}, Actor)


def rows(source: Source, number: int) -> list[int | None]:
    """The ids of a page."""
    return [None if one is None else one.id for one in asyncio.run(_page(source, number))]


async def _page(source: Source, number: int) -> Any:
    return await source.page(number)


def test_any_place_of_all_actors_is_one_request_away() -> None:
    """The last page of a thousand is asked for as directly as the first."""
    client = Numbered(range(1, 100_001))
    source = paging.actors(client, {}, 100_000)
    assert rows(source, 999)[-1] == 100_000
    assert client.asked == 1


def test_a_list_that_has_become_shorter_or_longer_says_so() -> None:
    """Who was erased or moved on leaves no gap; the number of rows follows what is seen."""
    source = paging.actors(Numbered([n for n in range(1, 251) if n not in {2, 50, 150}]), {}, 250)
    assert [*rows(source, 0), *rows(source, 1), *rows(source, 2)][:3] == [1, 3, 4]
    assert (source.total, source.exact) == (247, True)
    source = paging.actors(Numbered(range(1, 251)), {}, 100)
    rows(source, 0)
    assert source.total == PAGE + 1


@pytest.mark.parametrize("most", [1, 7, PAGE])
def test_a_walked_list_has_every_row_once(most: int) -> None:
    """However few the daemon gives at a time, and wherever one jumps to first."""
    source = paging.actors(Numbered(range(3, 1_000, 3), most), {"key": "usr-*"}, None)
    last = rows(source, 3)
    assert source.exact
    assert source.total == 333
    assert [*rows(source, 0), *rows(source, 1), *rows(source, 2), *last] == list(range(3, 1_000, 3))
    assert rows(source, 4) == []


def test_a_list_of_unknown_length_grows() -> None:
    """One row more than was seen can be scrolled to, until the end is known."""
    source = paging.actors(Numbered(range(1, 251)), {"version": "v"}, None)
    rows(source, 0)
    assert (source.total, source.exact) == (PAGE + 1, False)
    rows(source, 2)
    assert (source.total, source.exact) == (250, True)
