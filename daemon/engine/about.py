"""What the daemon says of itself."""

from dataclasses import dataclass
from typing import Final

import statekeep
from statekeep.daemon.engine.actors import MAX_PAGE
from statekeep.daemon.engine.backups import last_backup, shipped
from statekeep.daemon.engine.patching import MAX_CONTEXT
from statekeep.daemon.engine.repeats import KEPT
from statekeep.daemon.engine.world import World
from statekeep.daemon.store import SQLITE_VERSION
from statekeep.protocol import errors
from statekeep.protocol.describing import error_descriptions, op_descriptions
from statekeep.protocol.messages import MAX_BATCH, PROTOCOL, Describe, Hello, StatusRequest
from statekeep.protocol.records import Description, Feature, Limits, Peer, ServerStatus, Welcome

FEATURES: Final[list[Feature]] = ["json", "msgpack", "describe", "sweep", "batch", "idempotency", "watch"]
"""What this daemon has."""


@dataclass(slots=True)
class About:
    """What only the server knows; it keeps the counters."""

    pid: int
    socket: str
    store: str
    started: int
    """Milliseconds since 1970."""
    frame: int
    """Bytes of the largest request."""
    under_way: int
    """Requests of one connection that may be under way before the daemon stops reading from it."""
    request_seconds: float = 10.0
    """Seconds that a client may take from the first byte of a request to its last."""
    connections: int = 0
    requests: int = 0
    commits: int = 0


def hello(about: About, peer: Peer | None, request: Hello) -> Welcome:
    """Agree on a protocol version with ``peer``. Raises ``UnsupportedProtocol``."""
    if PROTOCOL not in request.protocols:
        raise errors.UnsupportedProtocol(request.protocols, PROTOCOL)
    limits = Limits(
        frame=about.frame,
        page=MAX_PAGE,
        under_way=about.under_way,
        batch=MAX_BATCH,
        idempotency=KEPT,
        context=MAX_CONTEXT,
        request_seconds=about.request_seconds,
    )
    return Welcome(protocol=PROTOCOL, server=statekeep.__version__, limits=limits, features=FEATURES, you=peer)


def describe(request: Describe) -> Description:
    """The protocol as it is spoken here. Raises ``UnknownOp``."""
    described = op_descriptions()
    if request.about is None:
        ops = list(described.values())
        return Description(protocol=PROTOCOL, server=statekeep.__version__, ops=ops, errors=error_descriptions())
    if request.about not in described:
        raise errors.UnknownOp(request.about, described)
    return Description(protocol=PROTOCOL, server=statekeep.__version__, ops=[described[request.about]], errors=[])


def status(world: World, about: About, _: StatusRequest) -> ServerStatus:
    """The daemon in figures."""
    census = list(world.actors.census())
    return ServerStatus(
        server=statekeep.__version__,
        pid=about.pid,
        started=about.started,
        socket=about.socket,
        store=about.store,
        sqlite=SQLITE_VERSION,
        position=world.position,
        versions=len(world.forest),
        actors=sum(line.actors for line in census),
        finished=sum(line.actors for line in census if line.finished),
        erased=len(world.erased),
        cohorts=world.cohorts.inhabited(),
        histories=len(world.histories),
        event_types=len(world.symbols.names),
        connections=about.connections,
        commits=about.commits,
        requests=about.requests,
        backup=last_backup(world.store),
        shipped=shipped(world.store, world.position),
    )


def summary(world: World, about: About) -> str:
    """The daemon in one line for whoever looks after it."""
    swept = ""
    if (sweep := world.sweep) is not None:
        of = world.deployments[sweep.position].cohorts
        swept = f"judging histories, {of - sweep.left:,} of {of:,}; "
    spawned = len(world.actors.cohort) - 1
    return (
        f"{swept}{spawned:,} actors spawned, {len(world.forest):,} versions; "
        f"{about.connections:,} connections, {about.requests:,} requests"
    )
