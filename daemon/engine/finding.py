"""Which actors pass a filter: page by page, or counted.

Version, state, tag and status are facts about standings, of which there are few; so a filter is decided once for each
of those, and the actors are found by a pass over their columns that ends with the page, whatever it asks for. Only keys
have to be opened one by one, so a page of those looks at a bounded number.
"""

import fnmatch
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

from statekeep.daemon.engine.actors import page_size
from statekeep.daemon.engine.views import listed
from statekeep.daemon.engine.world import World
from statekeep.daemon.routing.evaluator import Wanted, latest
from statekeep.daemon.store import DamagedActor
from statekeep.protocol import errors
from statekeep.protocol.messages import Actors, CountRequest
from statekeep.protocol.records import Actor, ActorPage, CountRow, Counts

OPENED = 256
"""Keys that a page which is filtered by them opens: some 5 ms. It is short when few of them are of the form."""

_ANY_ONE, _ANY_RUN = "*", "**"

_OTHER_WILDCARDS = re.compile(r"[?[]")


def asks_about_all(request: Actors) -> bool:
    """Whether the answer rests on where every cohort stands, and not only on those that are shown."""
    facts = (request.version, request.state, request.tag, request.status, request.needs_rescue)
    return any(fact is not None for fact in facts)


def actors(world: World, request: Actors) -> ActorPage:
    """A page of actors. The cursor is the id that came last, or by ``updated`` the position of its last event."""
    limit = page_size(request.limit)
    if request.key is not None and _ANY_ONE not in request.key:
        return _page(world, list(_of_key(world, request, request.key))[request.skip :])
    if request.key is not None and request.skip:
        raise errors.BadRequest(
            "Keys of a form are read one by one: none of them can be skipped unread.",
            "Follow the cursor, or filter by something else than a form of key.",
        )
    of_form = None if request.key is None else _key_form(request.key)
    looked_at = limit if of_form is None else OPENED
    found = _next(world, request, looked_at + 1)
    page, last = list[Actor](), 0
    for last in found[:looked_at]:
        if of_form is None or of_form(_key(world, last)):
            page.append(listed(world, last))
        if len(page) == limit:
            break
    if not found or last == found[-1]:
        return _page(world, page)
    return _page(world, page, last if request.order == "id" else world.actors.last[last])


def _page(world: World, found: list[Actor], following: int | None = None) -> ActorPage:
    return ActorPage(actors=found, damaged=not world.store.whole, next=following)


def _key(world: World, actor: int) -> str | None:
    """The key of an actor; what is damaged has none that could be of a form."""
    try:
        return world.store.records.key_of(actor)
    except DamagedActor:
        return None


def _of_key(world: World, request: Actors, key: str) -> Iterator[Actor]:
    """The actor of this key, if there is one and it passes the other filters."""
    actor = world.find_actor(key)
    if actor is not None and request.cursor == 0 and world.actors.wanted(_wanted(world, request), actor, 1) == [actor]:
        yield listed(world, actor)


def _next(world: World, request: Actors, limit: int) -> list[int]:
    """The next ``limit`` actors behind the cursor that pass the filter, whatever their keys are."""
    wanted = _wanted(world, request)
    if not any(wanted.flags):
        return []
    if request.order == "id":
        return world.actors.wanted(wanted, request.cursor + 1, limit, request.skip)
    before = min(wanted.until, request.cursor or wanted.until)
    return latest(world.actors, replace(wanted, until=before), limit, request.skip)


def _wanted(world: World, request: Actors | CountRequest) -> Wanted:
    first_since = world.store.records.first_since
    since = 0 if request.updated_after is None else first_since(request.updated_after)
    until = world.position + 1 if request.updated_before is None else first_since(request.updated_before)
    return Wanted(world.actors.standing, _flags(world, request), since, until)


def _flags(world: World, request: Actors | CountRequest) -> bytearray:
    """A flag for each standing: whether its actors pass the filter."""
    standings = world.cohorts.standings
    version = None if request.version is None else world.forest.version(request.version).id
    state = None if request.state is None else _state_form(request.state)

    def passes(number: int) -> bool:
        if version not in (None, standings.version[number]):
            return False
        if request.needs_rescue not in (None, bool(standings.rescued[number])):
            return False
        configuration = world.forest.configuration(standings.version[number], standings.configuration[number])
        return (
            request.status in (None, configuration.status)
            and (request.tag is None or request.tag in configuration.tags)
            and (state is None or any(map(state, configuration.paths)))
        )

    return standings.flags(passes)


def _key_form(pattern: str) -> Callable[[str | None], bool]:
    """Whether there is a key, of the form in which ``*`` stands for any text, also none.

    That is what ``fnmatch`` does once its other wildcards are taken as they are, in time that no pattern can blow up.
    """
    matches = re.compile(fnmatch.translate(_OTHER_WILDCARDS.sub(r"[\g<0>]", pattern))).match
    return lambda key: key is not None and matches(key) is not None


def _state_form(pattern: str) -> Callable[[str], bool]:
    """Whether a path is of the form in which a segment may be ``*``, any one, or ``**``, any run, also of none."""
    wanted = pattern.split(".")
    if not {_ANY_ONE, _ANY_RUN}.intersection(wanted):
        return pattern.__eq__

    def reach(places: set[int]) -> set[int]:
        """The places, and those behind runs that may be empty."""
        for place, segment in enumerate(wanted):
            if place in places and segment == _ANY_RUN:
                places.add(place + 1)
        return places

    def matches(path: str) -> bool:
        places = reach({0})
        for segment in path.split("."):
            stay = {place for place in places if wanted[place : place + 1] == [_ANY_RUN]}
            step = {place + 1 for place in places if wanted[place : place + 1] in ([_ANY_ONE], [segment])}
            places = reach(stay | step)
        return len(wanted) in places

    return matches


def count(world: World, request: CountRequest) -> Counts:
    """How many actors pass a filter, by version, state and status."""
    found: Counter[tuple[int, str]] = Counter()
    for line in world.actors.census(_wanted(world, request)):
        configuration = world.forest.configuration(line.version, line.configuration)
        place = json.dumps([configuration.value, configuration.status], sort_keys=True)
        found[line.version, place] += line.actors
    rows = [_row(world, *place, found[place]) for place in sorted(found)]
    return Counts(actors=found.total(), rows=rows, damaged=not world.store.whole)


def _row(world: World, version: int, place: str, actors: int) -> CountRow:
    state, status = json.loads(place)
    return CountRow(version=world.forest.name(version), state=state, status=status, actors=actors)
