"""The order of the store as notices: what happened at each position, said the same whenever it is asked.

Rows say which cohort an event led to, and cohorts move with deploys; so where one stood at an earlier position is
worked out from the decisions that moved it since (``Stood``). A *place* in the order is a position and a step in it:
the steps of one event are the event, the migration it brought about, and the actor's end; those of a deploy or close
are the change itself, then each actor that it moved, by id, and at last that it is through.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import msgspec

from statekeep.daemon.engine.world import World
from statekeep.daemon.routing.rule import Outcome
from statekeep.daemon.store import DamagedActor, DecisionRow, DeploymentRow, Happening, TombstoneRow
from statekeep.protocol import errors
from statekeep.protocol.framing import Dialect
from statekeep.protocol.records import Notice, NoticeKind

END: Final = 2**62
"""The step behind all others of a position."""


class Place(NamedTuple):
    """A place in the order of what happens; all up to it has been told."""

    position: int
    step: int = END

    @property
    def token(self) -> str:
        """Its form on the wire. A position alone is the place behind all of it."""
        return str(self.position) if self.step == END else f"{self.position}.{self.step}"

    @classmethod
    def parse(cls, token: str) -> Place:
        """The place of a token. Raises ``BadRequest``."""
        position, dot, step = token.partition(".")
        if not all(part.isascii() and part.isdigit() and int(part) < END for part in (position, *([step] * bool(dot)))):
            raise errors.BadRequest(
                f"{errors.shorten(token)!r} is no token.", "Give one that a watch told, or a position as text."
            )
        return cls(int(position), int(step) if dot else END)


_MIGRATED: Final = int(Outcome.MIGRATED)

_ENCODE: Final = {Dialect.JSON: msgspec.json.Encoder().encode, Dialect.MSGPACK: msgspec.msgpack.Encoder().encode}


class Told:
    """A notice and its place, encoded once for all who are told in the same dialect."""

    __slots__ = ("_encoded", "notice", "place")

    def __init__(self, place: Place, notice: Notice) -> None:
        self.place = place
        self.notice = notice
        self._encoded: dict[Dialect, msgspec.Raw] = {}

    def encoded(self, dialect: Dialect) -> msgspec.Raw:
        found = self._encoded.get(dialect)
        if found is None:
            found = self._encoded[dialect] = msgspec.Raw(_ENCODE[dialect](self.notice))
        return found


class Stood:
    """Where cohorts stood at positions from ``since`` on."""

    def __init__(self, world: World, cohorts: Iterable[int], since: int) -> None:
        self._cohorts = world.cohorts
        self._moves: dict[int, list[tuple[int, int, int]]] = {}
        if next(reversed(world.deployments), 0) > since:
            moved = _moved(world, set(cohorts), since)
            for (cohort, position), rows in sorted(moved.items()):
                routes = world.forest.routes.by_child
                first = next(row for row in rows if routes[row.route].parent not in {other.route for other in rows})
                left = (position, routes[first.route].parent, first.before)
                self._moves.setdefault(cohort, []).append(left)

    @property
    def moved(self) -> bool:
        """Whether it matters at which position."""
        return bool(self._moves)

    def at(self, cohort: int, position: int) -> tuple[int, int]:
        """The version and the configuration of a cohort behind all that happened at ``position``."""
        for moved, version, configuration in self._moves.get(cohort, ()):
            if moved > position:
                return version, configuration
        return self._cohorts.version(cohort), self._cohorts.configuration(cohort)


def _moved(world: World, cohorts: set[int], since: int) -> dict[tuple[int, int], list[DecisionRow]]:
    """The migrations of whole cohorts after ``since``, by cohort and position of the change that brought them about.

    Others on record are those of actors that came to a cohort which stood there already.
    """
    found: dict[tuple[int, int], list[DecisionRow]] = {}
    for route in world.forest.routes.by_child:
        for row in world.store.records.decisions(route, cohorts):
            if row.outcome == _MIGRATED and row.position > since and row.position in world.deployments:
                found.setdefault((row.cohort, row.position), []).append(row)
    return found


def of_events(world: World, rows: list[Happening]) -> list[Told]:
    """What is told of spawns and events, which are given in order."""
    if not rows:
        return []
    damaged = {row.position for row in rows if row.damaged or not _follows(world, row)}
    cohorts = {cohort for row in rows if row.position not in damaged for cohort in (row.cohort, row.before)}
    stood = Stood(world, cohorts, rows[0].position)
    told, like = list[Told](), dict[tuple[int, int, int], list[dict[str, Any]]]()
    for row in rows:
        if row.position in damaged:
            told.append(_of_damage(Place(row.position), row.actor))
            continue
        move = (row.cohort, row.before, row.spawned_on)
        if move not in like or stood.moved:
            like[move] = list(_of_move(world, row, stood))
        for step, about in enumerate(like[move], start=1):
            place = Place(row.position, END if step == len(like[move]) else step)
            mine: dict[str, Any] = {"position": row.position, "time": row.time, "actor": row.actor, "key": row.key}
            told.append(Told(place, Notice(token=place.token, **mine, **about)))
    return told


def _follows(world: World, row: Happening) -> bool:
    """Whether an event leads on from where the one before it led: that one's row may not be what was written."""
    parent, history = world.histories.parent, world.cohorts.history
    if not row.before:
        return history[row.cohort] == 0
    return 0 < row.before < len(history) and parent[history[row.cohort]] == history[row.before]


def _of_damage(place: Place, actor: int) -> Told:
    """What is told of an event, or of a migration, that nothing can be told of."""
    return Told(place, Notice(kind="damaged", token=place.token, position=place.position, time=0, actor=actor))


def _of_move(world: World, row: Happening, stood: Stood) -> Iterator[dict[str, Any]]:
    """What is told of all events that lead from one cohort to another, notice by notice."""
    version, number = stood.at(row.cohort, row.position)
    before = stood.at(row.before, row.position)[0] if row.before else row.spawned_on
    about, moved = _about(world, row.cohort, version, number), before != version
    came = about | {"version_before": world.forest.name(before)} if moved else about
    if row.before:
        event = world.symbols.names[world.histories.symbol[world.cohorts.history[row.cohort]]]
        yield {"kind": "event", "event": event} | came
    else:
        yield {"kind": "spawned"} | came
    if moved:
        yield {"kind": "migrated"} | came
    if about["status"] != "active":
        yield {"kind": "finished"} | about


def _about(world: World, cohort: int, version: int, number: int) -> dict[str, Any]:
    configuration = world.forest.configuration(version, number)
    return {
        "version": world.forest.name(version),
        "state": configuration.value,
        "status": configuration.status,
        "events": world.histories.depth[world.cohorts.history[cohort]],
    }


def of_erasure(stone: TombstoneRow) -> Told:
    """What is told of an erasure. Where the actor stood is not known any more."""
    place = Place(stone.position)
    about: dict[str, Any] = {"position": stone.position, "time": stone.time, "actor": stone.actor}
    return Told(place, Notice(kind="erased", token=place.token, **about))


def of_change(world: World, position: int) -> Told:
    """What is told of a deploy or close itself: that it was."""
    row = world.deployments.get(position)
    if row is not None:
        kind: NoticeKind = "closed" if row.closing else "deployed"
        return _of_deployment(world, row, kind, Place(position, 0), cohorts=row.cohorts)
    (root,) = (version for version in world.forest if version.position == position)
    place = Place(position)
    return Told(place, Notice(kind="deployed", token=place.token, position=position, time=root.time, version=root.name))


def of_progress(world: World, position: int, swept: int, place: Place) -> Told:
    """What is told of how far a deploy or close has come."""
    row = world.deployments[position]
    return _of_deployment(world, row, "progress", place, swept=swept, cohorts=row.cohorts)


def _of_deployment(world: World, row: DeploymentRow, kind: NoticeKind, place: Place, **more: Any) -> Told:
    name = world.forest.name(row.route)
    return Told(place, Notice(kind=kind, token=place.token, position=row.position, time=row.time, version=name, **more))


def of_moves(world: World, position: int, actors: Iterable[int]) -> Iterator[Told]:
    """What is told of those of ``actors``, in order, that the deploy or close at ``position`` moved. It is through."""
    records, time = world.store.records, world.deployments[position].time
    found: dict[int, tuple[int, str | None] | None] = {}
    for actor in actors:
        last = world.actors.last[actor]
        try:
            cohort = world.actors.cohort[actor] if last < position else records.cohort_at(actor, last, position)
            if cohort:  # it was there then, and has not been erased since
                found[actor] = cohort, records.key_of(actor)
        except DamagedActor:
            found[actor] = None
    stood = Stood(world, (there[0] for there in found.values() if there is not None), position - 1)
    for actor, there in found.items():
        place, end = Place(position, 2 * actor), Place(position, 2 * actor + 1)
        if there is None:
            yield _of_damage(place, actor)
            continue
        cohort, key = there
        (before, _), (version, number) = stood.at(cohort, position - 1), stood.at(cohort, position)
        if before == version:
            continue
        about = _about(world, cohort, version, number)
        about |= {"position": position, "time": time, "actor": actor, "key": key}
        yield Told(place, Notice(kind="migrated", token=place.token, version_before=world.forest.name(before), **about))
        if about["status"] != "active":
            yield Told(end, Notice(kind="finished", token=end.token, **about))
