"""Changes of the routes, deploys and closes, from their commit until every cohort has been judged.

See ``routing.sweep`` for how that can take its time, and ``World.touch`` for what happens meanwhile.
"""

from __future__ import annotations

from array import array
from collections import Counter

from statekeep.daemon.engine.planning import OUTCOMES
from statekeep.daemon.engine.world import World
from statekeep.daemon.routing.plan import Plan, plan
from statekeep.daemon.routing.rule import Route, Standing
from statekeep.daemon.routing.sweep import Sweep, one_by_one
from statekeep.daemon.store import DeploymentRow
from statekeep.protocol.messages import Deployments
from statekeep.protocol.records import Deployment, DeploymentList

CHUNK = 256
"""Cohorts that a sweep judges with a batch of requests: a millisecond, for which those that come in have to wait."""

QUIET = 7
"""Batches without a request after which it does not become any quieter.

Each request takes one of them back: who looks how far a deploy is does not hold it up, and a batch of senders does."""

AT_ONCE = 2_048
"""A change that concerns no more cohorts is made in one transaction, and nobody has to wait for a sweep."""


def share(quiet: int) -> int:
    """Chunks of what goes on beside requests, after so many batches without one, ``QUIET`` at most.

    After three nobody seems to be waiting, and then it is better to share the sync of a commit among more.
    """
    return 1 << max(quiet - 3, 0)


def begin_deploy(world: World, planned: Plan) -> None:
    """Begin to carry out the plan of a deploy whose route is in its place."""
    route, counts = planned.route, Counter[int]()
    for line in planned.lines():
        counts[line.outcome] += line.actors
    row = DeploymentRow(route.deployed, route.child, 0, world.clock(), 0, 0, 0, dict(counts))
    _begin(world, route, row, Sweep(row.position, planned.members, planned.judge))


def begin_close(world: World, route: Route) -> int:
    """Let those who wait for ``route``, closed just now, be judged by its later siblings; how many actors did wait."""
    waiting = world.cohorts.waiting(route.child)
    row = DeploymentRow(route.closed, route.child, 1, world.clock(), 0, 0, 0, {})
    _begin(world, route, row, _close(world, route.closed, waiting))
    return sum(world.cohorts.population[cohort] for cohort in waiting)


def resume(world: World) -> None:
    """Take up the sweep that the daemon before did not come to the end of."""
    for row in world.deployments.values():
        if row.done:
            continue
        route = world.forest.routes.by_child[row.route]
        if row.closing:
            waiting = array("I", (cohort for cohort in world.cohorts.waiting(route.child) if cohort <= row.last_cohort))
            world.sweep = _close(world, row.position, waiting)
        else:
            planned = plan(route, world.cohorts, world.histories, world.forest.table(route.child))
            left = planned.without(world.store.records.decided(route.child), row.last_cohort)
            world.sweep = Sweep(row.position, left.members, left.judge)


def _begin(world: World, route: Route, row: DeploymentRow, sweep: Sweep) -> None:
    row = row._replace(cohorts=sweep.left, last_cohort=len(world.cohorts))
    world.deployments[row.position] = row
    world.store.writes.add_deployment(row)
    world.cohorts.routes_changed(route.parent)
    world.sweep = sweep
    if sweep.left <= AT_ONCE:
        world.judge_next(sweep.left)


def _close(world: World, position: int, waiting: array[int]) -> Sweep:
    def settle(standing: Standing, node: int) -> None:
        world.relations.settle(standing, node, world.forest.routes, world.forest.table, resumed=True)

    return Sweep(position, waiting, one_by_one(waiting, world.cohorts, settle))


def deployments(world: World, _: Deployments) -> DeploymentList:
    """Every change of the routes, and how far it has come."""
    forest, sweep = world.forest, world.sweep
    return DeploymentList(
        deployments=[
            Deployment(
                version=forest.name(row.route),
                parent=forest.name(forest.routes.by_child[row.route].parent),
                kind="close" if row.closing else "deploy",
                path=forest.path(row.route),
                position=row.position,
                time=row.time,
                cohorts=row.cohorts,
                counts={name: row.counts[number] for number, name in OUTCOMES.items() if number in row.counts},
                swept=row.cohorts - (sweep.left if sweep is not None and sweep.position == row.position else 0),
            )
            for row in world.deployments.values()
        ]
    )
