"""Deploying versions, and saying beforehand what a deploy would do."""

import json
from collections import Counter
from hashlib import sha256
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from statekeep.daemon.engine.actors import check_name
from statekeep.daemon.engine.sweeping import begin_close, begin_deploy
from statekeep.daemon.engine.versions import GUARDS, LANDINGS, SEMANTICS
from statekeep.daemon.engine.world import World
from statekeep.daemon.routing.fingerprint import fingerprint
from statekeep.daemon.routing.paths import Path, PathTooLong
from statekeep.daemon.routing.plan import Plan as RoutingPlan
from statekeep.daemon.routing.plan import plan
from statekeep.daemon.routing.reach import unreachable
from statekeep.daemon.routing.rule import Outcome, Route
from statekeep.daemon.statecharts import Table, check, load
from statekeep.daemon.store import VersionRow
from statekeep.protocol import errors
from statekeep.protocol.messages import (
    Close,
    Closed,
    Definition,
    DefinitionText,
    Deploy,
    Deployed,
    Finding,
    Plan,
    PlanRow,
    Preview,
    StateCount,
    Version,
    VersionList,
    Versions,
)
from statekeep.protocol.messages import Outcome as OutcomeName

OUTCOMES: dict[Outcome, OutcomeName] = {
    Outcome.MIGRATED: "migrated",
    Outcome.DIVERGED: "diverged",
    Outcome.PENDING: "pending",
    Outcome.BLOCKED: "blocked",
    Outcome.FINAL: "final",
    Outcome.RESCUE: "rescue",
}


class Candidate(NamedTuple):
    """A version that may be deployed, and what that would do."""

    row: VersionRow
    table: Table
    plan: RoutingPlan | None
    """``None`` for a root: it takes nobody over."""
    answer: Plan


def deploy(world: World, request: Deploy) -> Deployed:
    """Make a version and, in the same transaction, move the cohorts that its path claims."""
    if (there := _deployed_before(world, request)) is not None:
        return there
    candidate = consider(world, request)
    if request.digest is not None and request.digest != candidate.answer.digest:
        raise errors.PreviewOutdated(request.version)
    row = candidate.row._replace(position=world.next_position(), time=world.clock())
    world.forest.add(row, candidate.table)
    if candidate.plan is not None:
        _carry_out(world, candidate.plan, request, row.position)
    return Deployed(version=row.name, created=True, position=row.position, plan=candidate.answer)


def preview(world: World, request: Preview) -> Plan:
    """What ``deploy`` would do now."""
    if _deployed_before(world, request) is not None:
        raise errors.VersionExists(request.version, same=True)
    return consider(world, request).answer


def _deployed_before(world: World, request: Deploy | Preview) -> Deployed | None:
    """The answer to a version that is there with the same content; a retry is no error.

    Raises ``VersionExists`` when it is there with another.
    """
    row = world.forest.find(request.version)
    if row is None:
        return None
    route = world.forest.routes.by_child.get(row.id)
    same = (
        # Key order is meaning (document order), which == on objects does not see.
        json.dumps(request.definition) == json.dumps(world.store.catalogue.definition(row.id))
        and request.parent == (world.forest.name(route.parent) if route else None)
        and request.path == world.forest.path(row.id)
        and (request.landing, request.guards) == (LANDINGS[row.landing], GUARDS[row.guards])
    )
    if not same:
        raise errors.VersionExists(request.version)
    return Deployed(version=row.name, created=False, position=row.position)


def consider(world: World, request: Deploy | Preview) -> Candidate:
    """Check everything about a deploy, and plan it. Changes nothing."""
    check_name("version", request.version)
    findings = check(request.definition, guards=request.guards)
    if any(finding.level == "error" for finding in findings):
        raise errors.InvalidDefinition(request.version, findings)
    table = Table(load(request.definition, guards=request.guards), world.symbols.names.__getitem__)
    number = len(world.forest) + 1
    policies = (GUARDS.index(request.guards), LANDINGS.index(request.landing))
    row = VersionRow(number, request.version, request.definition, SEMANTICS, *policies, 0, 0)
    route = _route(world, request, number)
    planned = None if route is None else plan(route, world.cohorts, world.histories, table)
    return Candidate(row, table, planned, _describe(world, request, planned, table, findings))


def _route(world: World, request: Deploy | Preview, child: int) -> Route | None:
    if request.parent is None:
        if request.path:
            raise errors.InvalidPath("a path says who comes over from a parent, but no parent is named", "Name one.")
        return None
    parent = world.forest.find(request.parent)
    if parent is None:
        raise errors.UnknownParent(request.parent, [row.name for row in world.forest])
    for token in request.path:
        check_name("event type", token)
    try:
        path = Path.parse(request.path, world.symbols.numbering())
    except PathTooLong as error:
        raise errors.InvalidPath(str(error)) from None
    siblings = [route for route in world.forest.routes.of(parent.id) if not (route.strict or route.closed)]
    in_the_way = unreachable(path, [route.path for route in siblings])
    if in_the_way is not None:
        raise errors.UnreachableRoute(request.version, world.forest.name(siblings[in_the_way].child))
    return Route(child, parent.id, path, request.landing == "strict", deployed=0)


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


def _describe(
    world: World, request: Deploy | Preview, planned: RoutingPlan | None, table: Table, findings: list[Finding]
) -> Plan:
    """The plan for people. Its digest covers all that is shown, and what the version is."""
    rows: dict[str, PlanRow] = {}
    counts: Counter[OutcomeName] = Counter()
    if planned is not None:
        parent = world.forest.table(planned.route.parent)
        for line in planned.lines():
            state = parent.configurations[line.before].value
            landing = None if line.landing is None else table.configurations[line.landing].value
            outcome = OUTCOMES[line.outcome]
            counts[outcome] += line.actors
            name = json.dumps([outcome, state, landing, line.skipped], sort_keys=True)
            total = line.actors + (rows[name].actors if name in rows else 0)
            rows[name] = PlanRow(outcome=outcome, state=state, landing=landing, skipped=line.skipped, actors=total)
    answer = Plan(
        version=request.version,
        parent=request.parent,
        counts={outcome: counts[outcome] for outcome in OUTCOMES.values() if counts[outcome]},
        rows=[rows[name] for name in sorted(rows)],
        histories=0 if planned is None else len(planned.members),
        warnings=findings,
        digest="",
    )
    content = (
        msgspec.json.encode(answer),
        json.dumps(request.definition),
        request.path,
        request.landing,
        request.guards,
    )
    return replace(answer, digest=sha256(repr(content).encode()).hexdigest()[:32])


def versions(world: World, _: Versions) -> VersionList:
    """All versions with their populations."""
    census: dict[int, list[tuple[int, int, int, int]]] = {}
    for actors, finished, configuration, version, rescued in world.cohorts.census():
        census.setdefault(version, []).append((actors, finished, configuration, rescued))
    return VersionList(versions=[_version(world, row, census.get(row.id, [])) for row in world.forest])


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
        landing=LANDINGS[row.landing],
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
    return DefinitionText(version=row.name, definition=world.store.catalogue.definition(row.id))
