"""The routing rule: where an actor belongs, given the events that it has processed.

A route r with path P and a history h are in one of three relations:

    match     some beginning of h is accepted by P          permanent: more events don't undo it
    diverged  no continuation of h can ever be accepted     permanent
    pending   anything else: not yet, but possible          a deferral, not a decision

    g(h):  v := the version spawned on
           repeat: r := the first child route of v, in deploy order, that is neither diverged nor closed
                   r matches -> v := its child, go on;  r is pending, or there is none -> stop

The claim, which everything in this room serves: *for every live actor, in every committed state, its version is
g(spawn version, recorded history, deploys so far) and its configuration is the replay of that history on that
version's definition. A finished actor keeps what it was when it finished. Each actor is decided at most once per
route.* It holds whatever the order of evaluation, batching, crashes and restarts, because match and diverged are
permanent: an evaluation that comes late finds what an early one would have found.

A route under the policy ``strict`` treats a history whose landing would skip an event as diverged for it (outcome
``rescue``); so does any route when the replay cannot end. The refusal is permanent, since a longer history skips no
less, but the match before it is not: an actor that such a route took over while its landing was whole, and that a
child of the new version took further, may have a history by now that the route would refuse. So where landings can be
refused, the claim holds of each decision for the history of its time, and which version an actor is on may depend on
whether a deploy came before or after its events.

A route with a *state map* lands by a jump instead of a replay: from the configuration that the actor has at the
decision to the one that the map names for it. On such a version the replay starts anew: a configuration there is that
of the jump, after the events since, so that it also tells when the actor came. A replay that a route further down asks
for is still of the whole history. The map may have a state stay (outcome ``kept``), and one that it does not name is a
``rescue``: both are refusals as above.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from statekeep.daemon.routing.paths import Path, Relation
from statekeep.daemon.routing.replaying import KEPT, STUCK, Jumps


class Outcome(IntEnum):
    """What was decided about a route, or deferred. The numbers are on disk."""

    MIGRATED = 1
    DIVERGED = 2
    PENDING = 3
    BLOCKED = 4
    FINAL = 5
    RESCUE = 6
    KEPT = 7

    @property
    def deferred(self) -> bool:
        """Whether a decision is still to come."""
        return self in (Outcome.PENDING, Outcome.BLOCKED)


@dataclass(eq=False, slots=True)
class Route:
    """The edge from a parent version to its child. A version has one parent at most, so the child names the route."""

    child: int
    parent: int
    path: Path
    strict: bool
    deployed: int
    """The position of its deploy."""
    closed: int = 0
    """The position from which on it claims nobody more; 0 while it is open. That of its deploy: only who was there."""
    jumps: Jumps | None = None
    """Its state map, if landings are no replays."""

    @property
    def may_refuse(self) -> bool:
        """Whether it may leave an actor that it matches where it is, beside one whose replay does not end."""
        return self.strict or self.jumps is not None


class Routes:
    """The routes of all versions, in deploy order."""

    def __init__(self) -> None:
        self.by_child: dict[int, Route] = {}
        self._by_parent: dict[int, list[Route]] = {}

    def add(self, route: Route) -> None:
        """Append ``route`` behind its siblings."""
        self.by_child[route.child] = route
        self._by_parent.setdefault(route.parent, []).append(route)

    def of(self, parent: int) -> Sequence[Route]:
        """The child routes of ``parent``, first claim first."""
        return self._by_parent.get(parent, ())

    def below(self, version: int) -> Iterable[Route]:
        """Every route that an actor spawned on ``version`` could ever be judged by."""
        for route in self.of(version):
            yield route
            yield from self.below(route.child)


class Landing(NamedTuple):
    """Where a route would have an actor: a configuration (or ``STUCK`` or ``KEPT``), and the events skipped for it."""

    configuration: int
    skipped: int

    def outcome(self, route: Route) -> Outcome:
        """What ``route``, which matches, makes of an actor with this landing."""
        if self.configuration == KEPT:
            return Outcome.KEPT
        refused = self.configuration == STUCK or (route.strict and self.skipped > 0)
        return Outcome.RESCUE if refused else Outcome.MIGRATED


class Judgement(NamedTuple):
    """One outcome of one route: what a decision on record is made from."""

    route: Route
    outcome: Outcome
    before: int
    """Configuration on the route's parent."""
    landing: Landing | None = None


@dataclass(slots=True)
class Standing:
    """Where a prefix class stands: its version, its configuration there, and what may still move it."""

    version: int
    configuration: int
    waiting: int = 0
    """The route that is pending for it, by its child; 0 if none is. Later siblings are blocked behind it."""
    rescued: int = 0
    """The last route of this version that matched but refused the landing; 0 if none did."""
    judgements: list[Judgement] = field(default_factory=list, compare=False)


def settle(
    standing: Standing,
    routes: Routes,
    relation: Callable[[Route], Relation],
    land: Callable[[Route, int], Landing],
    *,
    resumed: bool,
) -> Standing:
    """Apply the rule to one history until it stops; returns ``standing``, moved, with the judgements that were new.

    ``land`` is given a route that matches, and the configuration before it.

    ``resumed`` says that the history's beginning was judged before: the walk goes on at ``standing.waiting``, and
    what stands before it is decided, what stands behind it is on record as blocked.
    """
    todo = list(routes.of(standing.version))
    recorded = standing.waiting if resumed else 0
    if resumed:
        if not recorded:
            return standing
        todo = todo[todo.index(routes.by_child[recorded]) :]
    standing.waiting = 0
    while todo:
        route, before = todo.pop(0), standing.configuration
        if route.closed:
            continue
        found = relation(route)
        if found is Relation.DIVERGED:
            standing.judgements.append(Judgement(route, Outcome.DIVERGED, before))
        elif found is Relation.PENDING:
            standing.waiting = route.child
            if route.child != recorded:
                standing.judgements.append(Judgement(route, Outcome.PENDING, before))
            if not resumed:
                behind = (later for later in todo if not later.closed)
                standing.judgements.extend(Judgement(later, Outcome.BLOCKED, before) for later in behind)
            break
        else:
            landing = land(route, before)
            outcome = landing.outcome(route)
            standing.judgements.append(Judgement(route, outcome, before, landing))
            if outcome is Outcome.MIGRATED:
                standing.version, standing.configuration, standing.rescued = route.child, landing.configuration, 0
                todo, resumed = list(routes.of(route.child)), False
            elif outcome is Outcome.RESCUE:
                standing.rescued = route.child
    return standing
