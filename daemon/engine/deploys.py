"""Deploying versions, closing routes, and the forest of versions as it stands."""

import json
from collections import Counter

from statekeep.daemon.engine.planning import changed_counts, consider, deployed_before
from statekeep.daemon.engine.sweeping import begin_close, begin_deploy
from statekeep.daemon.engine.versions import GUARDS, landing_of
from statekeep.daemon.engine.world import World
from statekeep.daemon.routing.fingerprint import fingerprint
from statekeep.daemon.routing.paths import Path
from statekeep.daemon.routing.plan import Plan as RoutingPlan
from statekeep.daemon.store import VersionRow
from statekeep.protocol import errors
from statekeep.protocol.messages import Close, Definition, Deploy, Versions
from statekeep.protocol.records import Closed, DefinitionText, Deployed, StateCount, Version, VersionList


def deploy(world: World, request: Deploy) -> Deployed:
    """Make a version and, in the same transaction, move the cohorts that its path claims."""
    if (there := deployed_before(world, request)) is not None:
        return there
    candidate = consider(world, request)
    if request.digest is not None and request.digest != candidate.answer.digest:
        raise errors.PreviewOutdated(request.version, changed_counts(request.digest, candidate.answer.digest))
    row = candidate.row._replace(position=world.next_position(), time=world.clock())
    world.forest.add(row, candidate.table)
    if candidate.plan is not None:
        _carry_out(world, candidate.plan, request, row.position)
    return Deployed(version=row.name, created=True, position=row.position, plan=candidate.answer)


def _carry_out(world: World, planned: RoutingPlan, request: Deploy, position: int) -> None:
    """Put the route of the plan in its place, and begin to move the cohorts."""
    route = planned.route
    # The plan was made with numbers for event types that had not occurred; from now on they are taken.
    if Path.parse(request.path, world.symbols.intern) != route.path:
        raise RuntimeError("the path is not the one that was planned")
    route.deployed = position
    route.closed = position if request.once else 0
    world.forest.add_route(route)
    begin_deploy(world, planned)


def close(world: World, request: Close) -> Closed:
    """Close the route to a version; those who waited for it are judged by its later siblings."""
    row = world.forest.version(request.version)
    route = world.forest.routes.by_child.get(row.id)
    if route is None:
        raise errors.BadRequest(
            f"No route leads to {request.version!r}: it has no parent.", "Name a version that was deployed with one."
        )
    if route.closed:
        return Closed(version=row.name, position=route.closed, waited=0)
    world.forest.close(route, world.next_position())
    return Closed(version=row.name, position=route.closed, waited=begin_close(world, route))


def versions(world: World, _: Versions) -> VersionList:
    """All versions with their populations."""
    census: dict[int, list[tuple[int, int, int, int]]] = {}
    for actors, finished, configuration, version, rescued in world.actors.census():
        census.setdefault(version, []).append((actors, finished, configuration, rescued))
    rows = [_version(world, row, census.get(row.id, [])) for row in world.forest]
    return VersionList(versions=rows, damaged=not world.store.whole)


def _version(world: World, row: VersionRow, census: list[tuple[int, int, int, int]]) -> Version:
    forest, states = world.forest, Counter[str]()
    for actors, _, number, _ in census:
        configuration = forest.configuration(row.id, number)
        states[json.dumps([configuration.value, configuration.status], sort_keys=True)] += actors
    route, path = forest.routes.by_child.get(row.id), forest.path(row.id)
    return Version(
        version=row.name,
        parent=forest.name(route.parent) if route else None,
        path=path,
        path_hash=f"{fingerprint(path):016x}",
        closed=bool(route and route.closed),
        landing=landing_of(row),
        guards=GUARDS[row.guards],
        position=row.position,
        time=row.time,
        active=sum(actors for actors, finished, _, _ in census if not finished),
        finished=sum(actors for actors, finished, _, _ in census if finished),
        needs_rescue=sum(actors for actors, finished, _, rescued in census if rescued),
        states=[_state_count(name, states[name]) for name in sorted(states)],
    )


def _state_count(name: str, actors: int) -> StateCount:
    state, status = json.loads(name)
    return StateCount(state=state, status=status, actors=actors)


def definition(world: World, request: Definition) -> DefinitionText:
    """The definition of a version, as it was deployed."""
    row = world.forest.version(request.version)
    route = world.forest.routes.by_child.get(row.id)
    return DefinitionText(
        version=row.name,
        definition=world.store.catalogue.definition(row.id),
        guards=GUARDS[row.guards],
        parent=world.forest.name(route.parent) if route else None,
    )
