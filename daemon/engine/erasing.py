"""Erasing actors: what an erasure leaves, and when it may be answered.

What is destroyed, and how, is the matter of ``store.erasure``. Here an erasure is a thing that happens, with a position
of its own: the actor leaves its cohort, so that no count has it any more, and its id becomes a tombstone. The cohorts,
histories and decisions that it shared, or might have shared, are facts about definitions and event types; nothing
leads from them to the actor or back.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from statekeep.daemon.engine.world import World
from statekeep.daemon.routing.rule import Route
from statekeep.daemon.store import StorageError, TombstoneRow, UnsafeStore
from statekeep.protocol import errors
from statekeep.protocol.messages import Answer, AnyRequest, Erase, Refusal
from statekeep.protocol.records import Erased

log = logging.getLogger(__name__)


def erase(world: World, request: Erase) -> Erased:
    """Erase an actor; one that was erased before is named again. To be answered by way of ``complete``."""
    stone = world.erased.get(request.actor) if isinstance(request.actor, int) else None
    if stone is None:
        stone = _erase(world, world.actor(request.actor))
    return _erased(stone)


def _erase(world: World, actor: int) -> TombstoneRow:
    spawned_on, _, _ = world.store.records.head(actor)
    events = world.histories.depth[world.cohorts.history[world.actors.cohort[actor]]]
    stone = TombstoneRow(actor, world.next_position(), world.clock(), spawned_on)
    world.store.writes.erase_actor(stone, events + 1)
    world.bury(stone)
    return stone


def _erased(stone: TombstoneRow) -> Erased:
    return Erased(id=stone.actor, position=stone.position, time=stone.time)


def complete(
    world: World, batch: Sequence[AnyRequest], answers: list[Answer | Refusal | None]
) -> list[Answer | Refusal | None]:
    """Complete the erasures of a batch that was committed just now; its answers, as they may be given."""
    if not world.store.erasures.unfinished:
        return answers
    asked = any(isinstance(request, Erase) for request in batch)
    problem = world.store.erasures.finish(world.clock, asked=asked)
    if problem is None or not asked:
        return answers
    log.error("erasures are not complete: %s", problem)
    return [
        Refusal(answer.id, errors.ErasureUnfinished(answer.ok.id, problem).body())
        if isinstance(answer, Answer) and isinstance(answer.ok, Erased)
        else answer
        for answer in answers
    ]


def resume(world: World) -> None:
    """Before anybody is served: erase again who is in the journal but has no tombstone, and complete what is not.

    The store was restored from a backup that was made before those erasures. The id of an actor that was also spawned
    after it gets its tombstone as well: another actor must not have it.

    Raises ``UnsafeStore`` when that can't be made durable.
    """
    erasures, stones = world.store.erasures, list(world.erased.values())
    restored = sorted(erasures.journal.actors - world.erased.keys())
    for actor in restored:
        if world.find_actor(actor):
            _erase(world, actor)
            log.warning("actor %d, which was erased, came back with a backup, and was erased again", actor)
        else:
            stone = TombstoneRow(actor, world.next_position(), world.clock(), 0)
            world.store.writes.erase_actor(stone, 0)
            world.bury(stone)
    try:
        world.commit()
    except StorageError as failure:
        raise UnsafeStore(f"actors that were erased came back with a backup, and can't be erased: {failure}") from None
    erasures.resume(stones)
    if problem := erasures.finish(world.clock, asked=True):
        log.error("erasures are not complete: %s", problem)


def judged_by(world: World, route: Route, after: int, until: int | None) -> list[Erased]:
    """The erased actors with ids above ``after`` up to ``until`` that a route may have judged, in order of id.

    Which it did judge is no longer known. It can only be those that were spawned on its parent or further up, and were
    there when it was deployed, or later.
    """
    above, upwards = set[int](), world.forest.routes.by_child.get(route.child)
    while upwards is not None:
        above.add(upwards.parent)
        upwards = world.forest.routes.by_child.get(upwards.parent)
    found = [
        stone
        for stone in world.erased.values()
        if after < stone.actor and (until is None or stone.actor <= until)
        if stone.spawned_on in above and stone.position > route.deployed
    ]
    return [_erased(stone) for stone in sorted(found)]
