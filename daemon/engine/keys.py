"""The keys of the store: what there are, and how they are changed. No key passes here, but those made to be kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from statekeep.daemon.engine.world import World
from statekeep.daemon.store import SlotRow, Vault, key_text
from statekeep.protocol import errors
from statekeep.protocol.messages import KeyAddRecovery, KeyExportRecovery, KeyRewrap, KeyRotate, KeyStatus
from statekeep.protocol.records import KeyEpoch, Keys, KeySlot, NewKey, Rewrapped, SlotKind

MAX_SLOTS = 32
"""Ways to open one store: the start tries each, and a passphrase takes a tenth of a second at each of its kind."""

STEP = 512
"""Actors of a step at most: 10 ms, when nobody seems to be waiting; with requests it is as small as a sweep's."""


def rotating(world: World) -> bool:
    """Whether data keys are on their way into the latest epoch."""
    rotation = world.store.vault.rotation
    return rotation is not None and not rotation.through


def key_status(world: World, _: KeyStatus) -> Keys:
    """The slots that open the store, its epochs, and how far a rotation is."""
    vault = world.store.vault
    return Keys(
        epoch=vault.ring.epoch,
        epochs=[KeyEpoch(epoch=row.id, created=row.created, retired=row.retired or None) for row in vault.epochs],
        slots=_slots(vault, vault.slots),
        rotating=rotating(world),
        left=vault.rotation.left if vault.rotation else 0,
        stuck=vault.rotation.stuck if vault.rotation else 0,
        offered=[cast("SlotKind", kind.name.lower()) for kind in vault.offered()],
    )


def key_rotate(world: World, _: KeyRotate) -> Keys:
    """Begin an epoch; ``go_on`` brings the data keys into it. Raises ``RotationUnderWay``."""
    vault = world.store.vault
    if rotating(world):
        raise errors.RotationUnderWay(vault.ring.epoch, vault.rotation.left if vault.rotation else 0)
    vault.rotate(sum(line.actors for line in world.actors.census()), world.clock())
    return key_status(world, KeyStatus())


def go_on(world: World, limit: int) -> None:
    """Take a rotation under way past the next ``limit`` actors."""
    if rotating(world):
        world.store.rewrap_next(min(limit, STEP), world.clock())


def key_rewrap(world: World, request: KeyRewrap) -> Rewrapped:
    """Replace the store key. Raises ``UnknownSlot``, and ``BadRequest`` when nothing could open the store any more."""
    vault = world.store.vault
    slots = {row.id: row for row in vault.slots}
    for number in request.without:
        if number not in slots:
            raise errors.UnknownSlot(number, list(slots))
    before = {slot.slot: slot for slot in _slots(vault, vault.slots)}
    try:
        dropped = vault.rewrap(request.without, world.clock())
    except ValueError:
        raise errors.BadRequest(
            "No slot would be left, and nothing would open the store.",
            "Start the daemon with the key that is to open it from now on as well, or keep one of its slots.",
        ) from None
    return Rewrapped(slots=_slots(vault, vault.slots), dropped=[before[row.id] for row in dropped])


def key_add_recovery(world: World, _: KeyAddRecovery) -> NewKey:
    """Add a slot for a new recovery key. Raises ``LimitExceeded``."""
    row, text = _checked(world).add_recovery(world.clock())
    return NewKey(slot=_slots(world.store.vault, [row])[0], secret=text)


def key_export_recovery(world: World, _: KeyExportRecovery) -> NewKey:
    """Add a slot for a new key file. Raises ``LimitExceeded``."""
    row, key = _checked(world).add_key(world.clock())
    return NewKey(slot=_slots(world.store.vault, [row])[0], secret=key_text(key).decode())


def _checked(world: World) -> Vault:
    if len(world.store.vault.slots) >= MAX_SLOTS:
        raise errors.LimitExceeded("The number of key slots", MAX_SLOTS, "slots")
    return world.store.vault


def _slots(vault: Vault, rows: Iterable[SlotRow]) -> list[KeySlot]:
    return [
        KeySlot(slot=row.id, kind=cast("SlotKind", row.kind.name.lower()), created=row.created, held=vault.held(row))
        for row in rows
    ]
