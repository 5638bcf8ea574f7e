"""The engine: one request after the other, in batches that are durable as a whole before anything is answered."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import structlog

from statekeep.daemon.engine import (
    about,
    actors,
    backups,
    batch,
    deploys,
    erasing,
    finding,
    keeping,
    keys,
    paths,
    planning,
    records,
    sweeping,
    verify,
    views,
)
from statekeep.daemon.engine.about import About
from statekeep.daemon.engine.statistics import Meter, stats
from statekeep.daemon.engine.watching import Watchers
from statekeep.daemon.engine.world import World
from statekeep.daemon.logs import DAMAGED, TAKEN_BACK
from statekeep.daemon.store import DamagedActor, StorageError, Store, SyncFailed, UnsafeStore
from statekeep.protocol import errors
from statekeep.protocol.messages import (
    Actors,
    Answer,
    AnyRequest,
    Backup,
    BackupEnd,
    BackupRead,
    Batch,
    Close,
    CountRequest,
    Decisions,
    Definition,
    Deliver,
    Deploy,
    Deployments,
    Describe,
    Erase,
    Get,
    Hello,
    Histories,
    History,
    KeyAddRecovery,
    KeyExportRecovery,
    KeyRewrap,
    KeyRotate,
    KeyStatus,
    Paths,
    Preview,
    PreviewActors,
    Refusal,
    Send,
    Spawn,
    Stats,
    StatusRequest,
    Verify,
    Versions,
)
from statekeep.protocol.records import Record

REWRAPPED = 128
"""Data keys that a rotation wraps anew with a batch of requests: a millisecond."""

log = structlog.stdlib.get_logger(__name__)


class Engine:
    """Runs batches of requests on one store.

    A request is refused before it changes anything, so a refusal leaves the rest of its batch alone. Whatever else is
    raised is a fault: the batch is taken back, memory is made anew from the store, and the requests are run once
    more, each in a transaction of its own, so that only the one at fault fails.

    While a sweep goes on, each batch takes it a step further. Events and looks at single actors never wait for it;
    what asks about all actors, or would change the routes again, is put off until its end. A rotation of the keys goes
    on in the same way, and nothing is ever put off for it.
    """

    def __init__(self, store: Store, clock: Callable[[], int], about: About) -> None:
        self._store = store
        self._clock = clock
        self.about = about
        self.meter = Meter()
        self._quiet = 0
        self._damage: set[int] = set()
        """Actors that the log has named as damaged: once each, as clients may ask again and again."""
        self._faulty = False
        self._backups = backups.Backups(store, clock)
        self._load()
        erasing.resume(self._world)
        self.watchers = Watchers(self._world)
        """Who is told what happens. Give them their turn between batches."""

    def _load(self) -> None:
        """Make memory anew from the store. Raises ``DamagedStore``, and ``UnsafeStore`` when it can't be read."""
        try:
            self._world = World(self._store, self._clock, keeping.take(self._store))
            sweeping.resume(self._world)
        except StorageError as failure:
            raise UnsafeStore(f"the store can't be read: {failure}; put back a copy of it") from failure
        self._handlers = self._bind(self._world)

    def _bind(self, world: World) -> dict[type[AnyRequest], Callable[[Any], Record]]:
        return {
            Hello: partial(about.hello, self.about, None),
            Describe: about.describe,
            StatusRequest: partial(about.status, world, self.about),
            Stats: partial(stats, world, self.about, self.meter, lambda: len(self.watchers)),
            Deploy: partial(deploys.deploy, world),
            Preview: partial(planning.preview, world),
            PreviewActors: partial(planning.preview_actors, world),
            Close: partial(deploys.close, world),
            Deployments: partial(sweeping.deployments, world),
            Versions: partial(deploys.versions, world),
            Definition: partial(deploys.definition, world),
            Spawn: partial(actors.spawn, world),
            Send: partial(actors.send, world),
            Deliver: partial(actors.deliver, world),
            Batch: partial(batch.batch, world),
            Erase: partial(erasing.erase, world),
            Get: partial(views.get, world),
            Actors: partial(finding.actors, world),
            CountRequest: partial(finding.count, world),
            History: partial(records.history, world),
            Decisions: partial(records.decisions, world),
            Paths: partial(paths.paths, world),
            Histories: partial(paths.histories, world),
            Verify: partial(verify.verify, world),
            KeyStatus: partial(keys.key_status, world),
            KeyRotate: partial(keys.key_rotate, world),
            KeyRewrap: partial(keys.key_rewrap, world),
            KeyAddRecovery: partial(keys.key_add_recovery, world),
            KeyExportRecovery: partial(keys.key_export_recovery, world),
            Backup: self._backups.backup,
            BackupRead: self._backups.backup_read,
            BackupEnd: self._backups.backup_end,
        }

    @property
    def sweeping(self) -> bool:
        """Whether a sweep is under way."""
        return self._world.sweep is not None

    @property
    def rotating(self) -> bool:
        """Whether a rotation of the keys goes on."""
        return not self._faulty and keys.rotating(self._world)

    @property
    def goes_on(self) -> bool:
        """Whether batches, also empty ones, are needed for a sweep or a rotation.

        Both wait after a fault for a batch without one: a disk that fails refuses changes, and no looks.
        """
        return self.rotating or (self.sweeping and not self._faulty)

    def run(self, batch: Sequence[AnyRequest]) -> list[Answer | Refusal | None]:
        """Carry out a batch and make it durable; the answers, in the order of the requests.

        None stands for a request that was put off: give it again when ``sweeping`` is over.

        Raises ``SyncFailed`` when nobody can say what is durable; the engine is of no use then.
        """
        began, position, commit = self.meter.now(), self._world.position, 0
        erased = len(self._world.erased)
        try:
            answers = [self._handle(request) for request in batch]
            self._quiet = max(0, self._quiet - len(batch)) if batch else min(self._quiet + 1, sweeping.QUIET)
            share = sweeping.share(self._quiet)
            if not self._faulty:
                self._world.judge_next(share * sweeping.CHUNK)
            if self.rotating:
                keys.go_on(self._world, share * REWRAPPED)
            before = self.meter.now()
            if self._world.commit():
                self.about.commits += 1
                commit = self.meter.now() - before
            self._faulty = False
        except SyncFailed:
            raise
        except Exception as fault:  # noqa: BLE001 - whatever it was, the batch is taken back
            self._take_back(fault)
            answers = [self._alone(request) for request in batch]
        if len(self._world.erased) != erased:
            self.watchers.forget()
        answers = erasing.complete(self._world, batch, answers)
        if self._store.shipping is not None:
            self._store.shipping.step()
        self.about.requests += len(batch)
        if batch or commit:
            self.meter.ran(batch, max(0, self._world.position - position), began, commit)
            self.meter.refused(answers)
        return answers

    def summary(self) -> str:
        """What goes on, in one line."""
        return about.summary(self._world, self.about)

    def keep_columns(self) -> None:
        """Let the next start be quick: for the end of a clean stop, when nothing is carried out any more."""
        self._world.keep_columns()

    def close(self) -> None:
        self._backups.close()
        self._store.close()

    def _handle(self, request: AnyRequest) -> Answer | Refusal | None:
        if self._world.sweep is not None and _waits(request):
            return None
        try:
            return Answer(request.id, self._handlers[type(request)](request))
        except errors.StatekeepError as refused:
            return Refusal(request.id, refused.body())
        except DamagedActor as damage:
            return self._damaged(request, damage)

    def _damaged(self, request: AnyRequest, damage: DamagedActor) -> Refusal:
        refused = errors.DamagedActor(damage.actor, damage.position)
        if damage.actor not in self._damage:
            self._damage.add(damage.actor)
            log.error("%s", refused.message, message_id=DAMAGED)
        return Refusal(request.id, refused.body())

    def _alone(self, request: AnyRequest) -> Answer | Refusal | None:
        answer: Answer | Refusal | None = None
        try:
            answer = self._handle(request)
            self.about.commits += self._world.commit()
        except StorageError as fault:
            self._take_back(fault)
            if answer is not None and request.role == "viewer":
                return answer  # what a look has judged before the sweep is judged again in the same way
            return Refusal(request.id, errors.StorageFailed(type(fault).__name__).body())
        except SyncFailed:
            raise
        except Exception as fault:  # noqa: BLE001 - likewise
            self._take_back(fault)
            return Refusal(request.id, errors.InternalError(str(type(request).__struct_config__.tag)).body())
        return answer

    def _take_back(self, fault: Exception) -> None:
        # Where it happened, never what it said: messages of exceptions may quote names and payloads.
        where = "".join(traceback.format_tb(fault.__traceback__))
        log.error("a batch was taken back after %s\n%s", type(fault).__name__, where, message_id=TAKEN_BACK)
        self._faulty = True
        self._store.rollback()
        self._load()
        self.watchers.enter(self._world)


def _waits(request: AnyRequest) -> bool:
    """Whether a request is put off while a sweep goes on."""
    match request:
        case Deploy() | Preview() | PreviewActors() | Close() | CountRequest() | Versions() | Paths() | Histories():
            return True
        case Actors():
            return finding.asks_about_all(request)
        case Decisions():
            return request.route is not None
        case _:
            return False
