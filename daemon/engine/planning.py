"""What a deploy would do: the checks, the plan, and the plan in words and numbers. Changes nothing."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from difflib import get_close_matches
from hashlib import sha256
from itertools import compress, count, islice
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from statekeep.daemon.engine.actors import check_name, page_size
from statekeep.daemon.engine.mapping import check_landings, counted, map_of, no_parent, unnamed
from statekeep.daemon.engine.versions import GUARDS, SEMANTICS, landing_of, stored
from statekeep.daemon.engine.views import listed
from statekeep.daemon.engine.world import World
from statekeep.daemon.routing.evaluator import Wanted
from statekeep.daemon.routing.paths import Path, PathTooLong
from statekeep.daemon.routing.plan import Line, plan
from statekeep.daemon.routing.plan import Plan as RoutingPlan
from statekeep.daemon.routing.reach import compatible, unreachable
from statekeep.daemon.routing.replaying import STUCK
from statekeep.daemon.routing.rule import Outcome, Route
from statekeep.daemon.statecharts import START, StateMap, Table, check, diff, load
from statekeep.daemon.store import VersionRow
from statekeep.protocol import errors
from statekeep.protocol.messages import Deploy, Preview, PreviewActors
from statekeep.protocol.records import (
    Deployed,
    Finding,
    MapLanding,
    Plan,
    PlannedActor,
    PlannedPage,
    PlanRow,
    StateValue,
)
from statekeep.protocol.records import Outcome as OutcomeName

LOOKED_INTO = 1_000
"""Histories that are replayed event by event to name what a landing skips: a few milliseconds."""

SHOWN = 10
"""Events that are named where one is not known."""

OUTCOMES: dict[Outcome, OutcomeName] = {
    Outcome.MIGRATED: "migrated",
    Outcome.DIVERGED: "diverged",
    Outcome.PENDING: "pending",
    Outcome.BLOCKED: "blocked",
    Outcome.FINAL: "final",
    Outcome.RESCUE: "rescue",
    Outcome.KEPT: "kept",
}


Plannable = Deploy | Preview | PreviewActors


class Candidate(NamedTuple):
    """A version that may be deployed, and what that would do."""

    row: VersionRow
    table: Table
    plan: RoutingPlan | None
    """``None`` for a root: it takes nobody over."""
    answer: Plan


def preview(world: World, request: Preview) -> Plan:
    """What ``deploy`` would do now."""
    if deployed_before(world, request) is not None:
        raise errors.VersionExists(request.version, same=True)
    return consider(world, request).answer


def deployed_before(world: World, request: Plannable) -> Deployed | None:
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
        and (request.landing, request.guards) == (landing_of(row), GUARDS[row.guards])
        and not (isinstance(request, Deploy) and request.once != bool(route and route.closed == route.deployed))
    )
    if not same:
        raise errors.VersionExists(request.version)
    return Deployed(version=row.name, created=False, position=row.position)


def consider(world: World, request: Plannable) -> Candidate:
    """Check everything about a deploy, and plan it. Changes nothing."""
    check_name("version", request.version)
    findings = check(request.definition, guards=request.guards)
    if any(finding.level == "error" for finding in findings):
        raise errors.InvalidDefinition(request.version, findings)
    table = Table(load(request.definition, guards=request.guards), world.symbols.names.__getitem__)
    number = len(world.forest) + 1
    landing, state_map = stored(request.landing)
    policies = (GUARDS.index(request.guards), landing)
    row = VersionRow(number, request.version, request.definition, SEMANTICS, *policies, 0, 0, state_map)
    route = _route(world, request, number, table)
    planned = None if route is None else plan(route, world.cohorts, world.histories, table)
    if planned is not None and state_map is not None:
        onto = StateMap(table.chart, state_map)
        check_landings(world.forest, request.version, planned.route.parent, onto, planned.lines())
    return Candidate(row, table, planned, _describe(world, request, planned, table, findings))


def _route(world: World, request: Plannable, child: int, table: Table) -> Route | None:
    if request.parent is None:
        if request.path:
            raise errors.InvalidPath("a path says who comes over from a parent, but no parent is named", "Name one.")
        if isinstance(request.landing, MapLanding):
            raise no_parent(request.version)
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
    siblings = [route for route in world.forest.routes.of(parent.id) if not (route.may_refuse or route.closed)]
    in_the_way = unreachable(path, [route.path for route in siblings])
    if in_the_way is not None:
        raise errors.UnreachableRoute(request.version, world.forest.name(siblings[in_the_way].child))
    jumps = None
    if isinstance(request.landing, MapLanding):
        jumps = map_of(world.forest, request.version, request.landing, parent.id, table)
    return Route(child, parent.id, path, request.landing == "strict", deployed=0, jumps=jumps)


def _describe(
    world: World, request: Plannable, planned: RoutingPlan | None, table: Table, findings: list[Finding]
) -> Plan:
    """The plan for people. Its digest covers all that is shown of the actors, and what the version is."""
    counts: Counter[OutcomeName] = Counter()
    rows: dict[str, PlanRow] = {}
    answer = Plan(version=request.version, parent=request.parent, counts={}, rows=[], histories=0, digest="")
    if planned is not None:
        parent = world.forest.table(planned.route.parent)
        lines = list(planned.lines())
        for line in lines:
            row = _row(line, parent, table)
            counts[row.outcome] += row.actors
            name = json.dumps([row.outcome, row.state, row.landing, row.skipped], sort_keys=True)
            rows[name] = replace(row, actors=row.actors + (rows[name].actors if name in rows else 0))
        findings = [*findings, *_warnings(world, planned, table, lines)]
        findings += _unheard(world, planned.route.parent, request.path)
        if isinstance(request.landing, MapLanding):
            findings += unnamed(world.forest, planned.route.parent, StateMap(table.chart, request.landing.map))
        answer = replace(
            answer,
            counts={outcome: counts[outcome] for outcome in OUTCOMES.values() if counts[outcome]},
            rows=[rows[name] for name in sorted(rows)],
            histories=len(planned.members),
            changes=diff(parent.chart, table.chart),
        )
    content = (
        msgspec.json.encode(answer),
        json.dumps(request.definition),
        request.path,
        msgspec.json.encode(request.landing, order="sorted"),
        request.guards,
    )
    numbers = "-".join(str(counts[outcome]) for outcome in OUTCOMES.values())
    return replace(answer, warnings=findings, digest=f"{numbers}-{sha256(repr(content).encode()).hexdigest()[:16]}")


def changed_counts(before: str, after: str) -> list[tuple[OutcomeName, int, int]]:
    """The outcomes whose numbers differ between two digests, which begin with them; none if ``before`` is no digest."""
    try:
        then, now = ([int(number) for number in digest.split("-")[:-1]] for digest in (before, after))
        pairs = zip(OUTCOMES.values(), then, now, strict=True)
        return [(outcome, old, new) for outcome, old, new in pairs if old != new]
    except ValueError:
        return []


def _row(line: Line, parent: Table, table: Table) -> PlanRow:
    return PlanRow(
        outcome=OUTCOMES[line.outcome],
        state=parent.configurations[line.before].value,
        landing=None if line.landing is None else table.configurations[line.landing].value,
        skipped=line.skipped,
        actors=line.actors,
    )


def _warnings(world: World, planned: RoutingPlan, table: Table, lines: list[Line]) -> Iterator[Finding]:
    """What an operator should know before the deploy, each with its number of actors."""
    counts = Counter[Outcome]()
    for line in lines:
        counts[line.outcome] += line.actors
    route, routes, name = planned.route, world.forest.routes, world.forest.name
    ahead = ", ".join(name(sibling.child) for sibling in routes.of(route.parent) if not sibling.closed)
    if counts[Outcome.BLOCKED]:
        yield _warning(
            "blocked",
            f"{counted(counts[Outcome.BLOCKED])} would be blocked, as an earlier route is pending ({ahead}).",
            "`close` an earlier route that shall take nobody over any more, and they are judged by this one.",
        )
    if counts[Outcome.PENDING]:
        yield _warning(
            "pending",
            f"{counted(counts[Outcome.PENDING])} may match later, and move with the event that completes the path.",
            "Deployed with `once`, the version takes over who matches now, and nobody later.",
        )
    if counts[Outcome.RESCUE]:
        yield _warning(
            "rescue",
            f"{counted(counts[Outcome.RESCUE])} would match but stay, marked needs_rescue, as the landing is refused.",
            "Let the new definition handle the events that they have processed, or deploy with landing `replay`.",
        )
    final = sum(x.actors for x in lines if x.landing is not None and table.configurations[x.landing].status != "active")
    if final:
        yield _warning("final_landing", f"{counted(final)} would land in a final state, and so be finished.")
    taken = routes.by_child.get(route.parent)
    if taken is not None and not compatible(taken.path, route.path):
        yield _warning(
            "incompatible_path",
            f"No actor that migrated into {name(route.parent)} can match: its own path leads elsewhere.",
            "A path begins at the spawn, not at the last migration: write it as the whole history.",
        )
    yield from _skips(world, planned, table)


def _unheard(world: World, version: int, path: list[str]) -> Iterator[Finding]:
    """Events of a path that no definition up to the root takes: no actor will ever have processed them."""
    charts = [world.forest.table(version).chart]
    while (route := world.forest.routes.by_child.get(version)) is not None:
        version = route.parent
        charts.append(world.forest.table(version).chart)
    known = sorted({event for chart in charts for node in chart.nodes for event in node.enabled if event})
    for event in dict.fromkeys(path):
        if event in {"*", "**"} or event.startswith(START) or any(chart.listens(event) for chart in charts):
            continue
        near = get_close_matches(event, known, 1)
        yield _warning(
            "unheard_event",
            f"{event} is taken by no state of the parent, nor of versions before it: as it is, nobody will match.",
            f"Did you mean {near[0]}?" if near else f"There are {', '.join(known[:SHOWN])}.",
        )


def _skips(world: World, planned: RoutingPlan, table: Table) -> Iterator[Finding]:
    """Which events the landings skip, by type."""
    looked_into = list(islice(compress(count(), planned.skipped), LOOKED_INTO))
    skips = Counter[str]()
    for place in looked_into:
        cohort = planned.members[place]
        configuration = table.initial
        for symbol in world.histories.symbols(world.cohorts.history[cohort]):
            entry = table.next(configuration, symbol)
            if entry == STUCK:
                break
            configuration = entry >> 1
            if not entry & 1:
                skips[world.symbols.names[symbol]] += world.cohorts.population[cohort]
    for event, times in skips.most_common(10):
        some = f" in {LOOKED_INTO:,} of the histories" if len(looked_into) == LOOKED_INTO else ""
        yield _warning("skipped", f"{event} is not handled, and would be skipped {times:,} times{some}.")


def _warning(code: str, message: str, hint: str = "") -> Finding:
    return Finding(level="warning", code=code, path="", message=message, hint=hint)


def preview_actors(world: World, request: PreviewActors) -> PlannedPage:
    """The actors behind a line of a preview, page by page."""
    limit = page_size(request.limit)
    candidate = consider(world, request)
    planned = candidate.plan
    if planned is None:
        return PlannedPage(actors=[])
    table = candidate.table

    def planned_actor(actor: int) -> PlannedActor:
        place = bisect_left(planned.members, world.actors.cohort[actor])
        return PlannedActor(
            actor=listed(world, actor),
            landing=_landing(planned, place, table),
            skipped=planned.skipped[place],
        )

    wanted = Wanted(world.actors.cohort, _asked_for(world, request, planned, table), 0, world.position + 1)
    found = world.actors.wanted(wanted, request.cursor + 1, limit + 1, request.skip)
    page = [planned_actor(actor) for actor in found[:limit]]
    return PlannedPage(actors=page, next=found[limit - 1] if len(found) > limit else None)


def _landing(planned: RoutingPlan, place: int, table: Table) -> StateValue | None:
    """Where the actors in a place of the plan's columns would land, if they would move."""
    if planned.outcomes[place] != Outcome.MIGRATED:
        return None
    return table.configurations[planned.landings[place]].value


def _asked_for(world: World, request: PreviewActors, planned: RoutingPlan, table: Table) -> bytearray:
    """A flag for each cohort: whether it is on the line of the preview that ``request`` asks for.

    There may be a million: what is asked of each is looked up by number.
    """
    outcome = next(outcome for outcome, name in OUTCOMES.items() if name == request.outcome)
    parent, at, standings = planned.route.parent, world.cohorts.at, world.cohorts.standings
    before = world.forest.table(parent).configurations
    stands = standings.flags(
        lambda number: (
            standings.version[number] == parent
            and request.state in (None, before[standings.configuration[number]].value)
        )
    )
    lands = [
        request.landing_state in (None, configuration.value if outcome is Outcome.MIGRATED else None)
        for configuration in table.configurations
    ]
    flags, chosen = bytearray(len(at)), planned.outcomes.translate(bytes(number == outcome for number in range(256)))
    for cohort, landing in zip(compress(planned.members, chosen), compress(planned.landings, chosen), strict=True):
        if stands[at[cohort]] and lands[landing]:
            flags[cohort] = 1
    return flags
