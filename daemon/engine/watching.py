"""Watches: who is told what, and how far each has come.

There is no queue of notices. A watch is a place in the order of the store and a number of credits; between two batches
it is told what is stored behind its place, a bounded part at a time. So a watch that is resumed, one that is slow and
one that keeps up are told the same in the same way, one that rests costs nothing, and under load watches fall behind
rather than hold up requests. What was read last is kept for a while: watches at the same place share it, and the bytes
that were made of it.
"""

from __future__ import annotations

import traceback
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple, get_args

import structlog

from statekeep.daemon.engine import telling
from statekeep.daemon.engine.telling import END, Place, Told
from statekeep.daemon.engine.world import World
from statekeep.daemon.logs import WATCH_ENDED
from statekeep.daemon.store import StorageError, TombstoneRow
from statekeep.protocol import errors
from statekeep.protocol.messages import MAX_CREDITS, ActorRef, Credit, Unwatch, Watch
from statekeep.protocol.records import Credited, NoticeKind, WatchEnded

log = structlog.stdlib.get_logger(__name__)

PART: Final = 256
"""Events, or actors that a deploy may have moved, that are read for one watch at a time: some 2 ms."""

SHARE: Final = 4
"""Beside requests, one event is read for so many of them: it costs a third of a request, so watches get a tenth."""

LEAST: Final = 16
"""But so many at least: the query alone costs as much as a few of them."""

PASSED: Final = 4_096
"""Actors that are passed by at a time since they stand elsewhere than where a deploy leads: a millisecond."""

TURN: Final = 512
"""Notices made or handed on in one turn, between two batches: some 5 ms when nobody was there before."""

KEPT: Final = 4_096
"""Notices that are kept for those who are to be told the same: a few megabytes."""

WATCHES: Final = 16
"""Watches of one connection."""

UNTOLD: Final = 10_000
"""Positions that a watch passes by for its filter before it is told how far it has come."""

_OF_EVENTS: Final = frozenset[NoticeKind](("spawned", "event", "migrated", "finished", "damaged"))
_OF_SWEEPS: Final = frozenset[NoticeKind](("migrated", "finished", "progress"))
_OF_NO_VERSION: Final = frozenset[NoticeKind](("erased", "damaged"))


@dataclass(eq=False, slots=True)
class Watcher:
    """One watch."""

    owner: Hashable
    id: int
    kinds: frozenset[NoticeKind]
    actor: int | None
    version: str | None
    credits: int
    at: Place
    """All up to here has been told, or was not asked for."""
    told: Place
    """What it knows of that."""
    swept: int = -1
    """The progress it was told of last."""

    def wants(self, told: Told) -> bool:
        notice = told.notice
        return (
            (told.place > self.at or notice.kind == "progress")
            and notice.kind in self.kinds
            and self.actor in (None, notice.actor)
            and (self.version in (None, notice.version, notice.version_before) or notice.kind in _OF_NO_VERSION)
        )


class Part(NamedTuple):
    """What a watch is told in one turn."""

    owner: Hashable
    watch: int
    told: list[Told]
    token: str
    failed: errors.StatekeepError | None = None
    """What ended it."""


class Watchers:
    """All watches of one engine."""

    def __init__(self, world: World) -> None:
        self._part = PART
        self.behind = False
        """Whether a turn would have more to tell, or to pass by, at once."""
        self._watchers: dict[tuple[Hashable, int], Watcher] = {}
        self.enter(world)

    def __len__(self) -> int:
        return len(self._watchers)

    def enter(self, world: World) -> None:
        """Go on in a world that was made anew from the store."""
        self._world = world
        self._changes: list[int] = []
        self._stones: list[TombstoneRow] = []
        self.forget()

    def forget(self) -> None:
        """Keep nothing of what was read: somebody in it was erased."""
        self._recent = Recent(self._world)

    def open(self, owner: Hashable, request: Watch) -> None:
        """Begin a watch. ``owner`` is whose connection it came by."""
        world = self._world
        if (owner, request.id) in self._watchers:
            raise errors.BadRequest(f"A watch has the id {request.id} already.", "Give each watch an id of its own.")
        if sum(mine == owner for mine, _ in self._watchers) >= WATCHES:
            raise errors.LimitExceeded("The number of watches of a connection", WATCHES)
        if request.version is not None:
            world.forest.version(request.version)
        at = Place(world.position) if request.after is None else Place.parse(request.after)
        if at > Place(world.position):
            raise errors.BadRequest(
                f"The token {request.after!r} is ahead of the store, which is at position {world.position}.",
                "It may be another store's, or the store was restored from a backup: look, then watch from now on.",
            )
        self._watchers[owner, request.id] = Watcher(
            owner,
            request.id,
            frozenset(request.kinds or get_args(NoticeKind)),
            None if request.actor is None else self._actor(request.actor, at),
            request.version,
            request.credits,
            at,
            Place(at.position - UNTOLD),  # so that the first turn tells where it begins, be there anything or not
        )

    def _actor(self, reference: ActorRef, at: Place) -> int:
        """Whom a watch that begins there is about. Who was erased since is no error: the watch is told just that."""
        stone = self._world.erased.get(reference) if isinstance(reference, int) else None
        return stone.actor if stone is not None and stone.position > at.position else self._world.actor(reference)

    def credit(self, owner: Hashable, request: Credit) -> Credited:
        """Let a watch go on."""
        watcher = self._find(owner, request.watch)
        watcher.credits = min(watcher.credits + request.credits, MAX_CREDITS)
        return Credited(credits=watcher.credits)

    def close(self, owner: Hashable, request: Unwatch) -> WatchEnded:
        """End a watch."""
        watcher = self._find(owner, request.watch)
        del self._watchers[owner, request.watch]
        return WatchEnded(token=watcher.at.token)

    def leave(self, owner: Hashable) -> list[tuple[int, WatchEnded]]:
        """End all watches of an owner; their ids, and where each has come to."""
        mine = [watch for whose, watch in self._watchers if whose == owner]
        return [(watch, self.close(owner, Unwatch(watch=watch))) for watch in mine]

    def _find(self, owner: Hashable, watch: int) -> Watcher:
        watcher = self._watchers.get((owner, watch))
        if watcher is None:
            mine = ", ".join(str(watch) for whose, watch in self._watchers if whose == owner) or "none"
            raise errors.BadRequest(f"No watch of this connection has the id {watch}.", f"Its watches are: {mine}.")
        return watcher

    def turn(self, has_room: Callable[[Hashable], bool], requests: int = 0) -> Iterator[Part]:
        """Tell the watches that have credits, and whose owners have room, what comes next. What is told is durable.

        ``requests`` were carried out just before: where there are any, watches get a small share of the time.
        """
        self.behind, work = False, 0
        self._part = min(PART, max(LEAST, requests // SHARE)) if requests else PART
        end = Place(self._world.position)
        for place, watcher in list(self._watchers.items()):
            knows_all = watcher.at == end and end.position - watcher.told.position < UNTOLD
            if knows_all or not watcher.credits or not has_room(watcher.owner):
                continue
            if work >= (2 * self._part if requests else TURN):
                self.behind = True
                return
            before = watcher.at
            try:
                told = self._advance(watcher)
            except Exception as fault:  # noqa: BLE001 - whatever it is, it is this watch's alone
                del self._watchers[place]
                yield Part(watcher.owner, watcher.id, [], before.token, _failure(fault))
                continue
            work += self._part if watcher.at != before else 1
            self.behind |= watcher.at not in (before, end) and watcher.credits > 0
            # Who had a turn goes to the end of the line.
            self._watchers[place] = self._watchers.pop(place)
            if told or watcher.at.position - watcher.told.position >= UNTOLD:
                watcher.told = watcher.at
                yield Part(watcher.owner, watcher.id, told, watcher.at.token)

    def _advance(self, watcher: Watcher) -> list[Told]:
        """Take a watch a step further; what it is told on the way."""
        complete = watcher.at.position - (watcher.at.step != END)
        change = self._change_after(complete)
        if complete == self._world.position:
            return []
        if change is not None and change == complete + 1:
            told, to = self._change(watcher, change)
        else:
            told, to = self._events(watcher, complete, change or self._world.position + 1)
        wanted = [one for one in told if watcher.wants(one)]
        watcher.at = to if len(wanted) <= watcher.credits else wanted[watcher.credits - 1].place
        wanted = wanted[: watcher.credits]
        watcher.credits -= len(wanted)
        return wanted

    def _change_after(self, position: int) -> int | None:
        """The position of the first version, deploy, close or erasure behind ``position``."""
        forest, deployments, erased = self._world.forest, self._world.deployments, self._world.erased
        if len(self._changes) < len({*deployments, *(version.position for version in forest)}):
            self._changes = sorted({*deployments, *(version.position for version in forest)})
        new = islice(reversed(erased.values()), len(erased) - len(self._stones))
        self._stones += sorted(new, key=_position)
        change, stone = bisect_right(self._changes, position), bisect_right(self._stones, position, key=_position)
        ahead = [*self._changes[change : change + 1], *map(_position, self._stones[stone : stone + 1])]
        return min(ahead, default=None)

    def _events(self, watcher: Watcher, after: int, before: int) -> tuple[list[Told], Place]:
        """What is told of events between two positions, and how far that is."""
        if not watcher.kinds & _OF_EVENTS:
            return [], Place(before - 1)
        if watcher.actor is None:
            told, to = self._recent.between(after, before, self._part)
            return told, Place(to)
        last = self._world.actors.last[watcher.actor]
        trail = self._world.store.records.events(last) if last > after else []
        ahead = [event.position for event in trail if after < event.position < before]
        part = self._part
        told = telling.of_events(self._world, list(self._world.store.records.happened_at(ahead[:part])))
        return told, Place(before - 1 if len(ahead) <= part else ahead[part - 1])

    def _change(self, watcher: Watcher, position: int) -> tuple[list[Told], Place]:
        """What is told of an erasure, or of a deploy or close and what it brought about, and how far that is."""
        stone = bisect_left(self._stones, position, key=_position)
        if stone < len(self._stones) and self._stones[stone].position == position:
            return [telling.of_erasure(self._stones[stone])], Place(position)
        world, begun = self._world, watcher.at.position == position
        told = [] if begun else [telling.of_change(world, position)]
        if position not in world.deployments or not watcher.kinds & _OF_SWEEPS:
            return told, Place(position)
        if world.sweep is not None and world.sweep.position == position:
            return told + self._progress(watcher, position, world.sweep.left), Place(position, 0)
        first = max(1, watcher.at.step // 2) if begun else 1
        moved, next_actor = self._moved(watcher, position, first)
        told += telling.of_moves(world, position, moved)
        if next_actor < len(world.actors.cohort):
            return told, Place(position, 2 * next_actor - 1)
        through = Place(position)
        told.append(telling.of_progress(world, position, world.deployments[position].cohorts, through))
        return told, through

    def _moved(self, watcher: Watcher, position: int, first: int) -> tuple[list[int], int]:
        """Actors from ``first`` on that the change at ``position`` may have moved, and the id to go on from."""
        world, end = self._world, len(self._world.actors.cohort)
        if not watcher.kinds & {"migrated", "finished"}:
            return [], end
        route = world.forest.routes.by_child[world.deployments[position].route]
        below = {further.child for further in world.forest.routes.below(route.parent)}
        if watcher.actor is not None:
            return [watcher.actor] * (watcher.actor >= first), end
        cohorts, cohort = world.cohorts, world.actors.cohort
        at, version = cohorts.at, cohorts.standings.version
        ids = range(first, min(first + PASSED, end))
        found = list(islice((actor for actor in ids if version[at[cohort[actor]]] in below), self._part + 1))
        return (found, ids.stop) if len(found) <= self._part else (found[: self._part], found[self._part])

    def _progress(self, watcher: Watcher, position: int, left: int) -> list[Told]:
        """How far a sweep has come, if that is a hundredth more than the watch knows."""
        cohorts = self._world.deployments[position].cohorts
        swept = cohorts - left
        if watcher.swept >= 0 and 0 <= swept - watcher.swept < cohorts / 100:
            return []
        watcher.swept = swept
        return [telling.of_progress(self._world, position, swept, Place(position, 0))]


class Recent:
    """What was read last of the events, from one position to another."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._told: list[Told] = []
        self._from = self._to = 0

    def between(self, after: int, before: int, part: int) -> tuple[list[Told], int]:
        """What is told of the next events between two positions, and the position up to which that is all.

        Reads ``part`` events at most.
        """
        if self._to <= after:
            if self._to < after:
                self._told, self._from = [], after
            told, self._to = self._read(after, before, part)
            self._told += told
            if len(self._told) > KEPT:
                self._from = self._told[-KEPT // 2 - 1].place.position
                del self._told[: bisect_right(self._told, self._from, key=_place)]
            return told, self._to
        if after < self._from:
            return self._read(after, before, part)
        start = bisect_right(self._told, after, key=_place)
        to = min(self._to, before - 1)
        if start + TURN < len(self._told):
            to = min(to, self._told[start + TURN].place.position)
        return self._told[start : bisect_right(self._told, to, key=_place)], to

    def _read(self, after: int, before: int, part: int) -> tuple[list[Told], int]:
        rows = list(self._world.store.records.happened(after, before, part))
        to = rows[-1].position if len(rows) == part else before - 1
        return telling.of_events(self._world, rows), to


def _failure(fault: Exception) -> errors.StatekeepError:
    # As with requests: where it happened, never what it said.
    where = "".join(traceback.format_tb(fault.__traceback__))
    log.error("a watch was ended by %s\n%s", type(fault).__name__, where, message_id=WATCH_ENDED)
    return (
        errors.StorageFailed(type(fault).__name__) if isinstance(fault, StorageError) else errors.InternalError("watch")
    )


def _place(told: Told) -> int:
    return told.place.position


def _position(stone: TombstoneRow) -> int:
    return stone.position
