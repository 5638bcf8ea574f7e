"""An actor as it stands, in the form in which callers see it."""

from msgspec.structs import replace

from statekeep.daemon.engine.world import World
from statekeep.daemon.store import DamagedActor
from statekeep.protocol.messages import Get
from statekeep.protocol.records import Actor


def get(world: World, request: Get) -> Actor:
    """One actor with its context, and what it accepts."""
    records = world.store.records
    row = records.actor(world.actor(request.actor))
    found = describe(world, row.id, row.key, records.time(row.id, row.last), row.context)
    return replace(found, accepts=accepted(world, world.actors.cohort[row.id]))


def listed(world: World, actor: int) -> Actor:
    """One actor as lists show it: without its context; one that is damaged does not spoil them."""
    records = world.store.records
    try:
        return describe(world, actor, records.key_of(actor), records.time(actor, world.actors.last[actor]))
    except DamagedActor:
        return replace(describe(world, actor, None, 0), damaged=True)


def describe(world: World, actor: int, key: str | None, updated: int, context: object = None) -> Actor:
    """An actor as it stands; what is on the disk is given."""
    cohorts, cohort = world.cohorts, world.actors.cohort[actor]
    world.touch(cohort)
    at, node = cohorts.standing(cohort), cohorts.history[cohort]
    configuration = world.forest.configuration(at.version, at.configuration)
    return Actor(
        id=actor,
        key=key,
        version=world.forest.name(at.version),
        state=configuration.value,
        status=configuration.status,
        tags=list(configuration.tags),
        events=world.histories.depth[node],
        fingerprint=f"{world.histories.fingerprint[node]:016x}",
        needs_rescue=bool(at.rescued),
        position=world.actors.last[actor],
        updated=updated,
        context=context,
    )


def accepted(world: World, cohort: int) -> list[str]:
    """The events that do something for the actors of a cohort, with those that are delivered."""
    return world.forest.accepted(world.cohorts.version(cohort), world.cohorts.configuration(cohort))
