"""The daemon itself: who answers, on what terms, with which keys, and how it fares."""

from __future__ import annotations

from typing import Any, Literal

from statekeep.protocol.records.backups import LastBackup, Shipped
from statekeep.protocol.records.words import Record

Role = Literal["viewer", "operator", "admin"]
"""What a peer may do: read, also spawn and send, everything. Each may do what those before it may."""

Feature = Literal["json", "msgpack", "describe", "sweep", "batch", "idempotency", "watch"]
"""What a daemon of this protocol version may or may not have; a client that needs one looks for its name."""


class Limits(Record, frozen=True, kw_only=True):
    """What the daemon accepts at most."""

    frame: int
    """Bytes of one request."""
    page: int
    """Rows of one page."""
    under_way: int
    """Requests that one connection may have under way before the daemon stops reading from it."""
    batch: int
    """Requests of one ``batch``."""
    idempotency: int
    """Answers that are kept for each actor, at least, the latest ones: a repeat of an older request is a new one."""
    context: int
    """Bytes of a context that has been patched, as MessagePack."""
    request_seconds: float = 10.0
    """Seconds from the first byte of a request to its last."""


class Peer(Record, frozen=True, kw_only=True):
    """Who a client is, as the kernel told the daemon when it connected."""

    uid: int
    gid: int
    pid: int
    user: str
    """The name of the uid, or its digits where it has none."""
    role: Role | None = None
    """What it may do; absent: nothing."""


class Welcome(Record, frozen=True, kw_only=True):
    """Who answers, and on what terms."""

    protocol: int
    server: str
    limits: Limits
    features: list[Feature] = []
    you: Peer | None = None


class OpDescription(Record, frozen=True, kw_only=True):
    """One op: what it is for, who may use it, and how request and result look."""

    op: str
    summary: str
    role: Role
    """The least that may."""
    result: str
    """The name of the record that answers it."""
    request: dict[str, Any]
    """JSON Schema 2020-12 of the request."""
    answer: dict[str, Any]
    """JSON Schema 2020-12 of what is in ``ok``."""


class ErrorDescription(Record, frozen=True, kw_only=True):
    """One error code."""

    code: str
    kind: str
    """The family, which says who has to do something: the codes of one family can be handled alike."""
    summary: str


class Description(Record, frozen=True, kw_only=True):
    """The protocol as this daemon speaks it, for programs that generate clients and for people who write them."""

    protocol: int
    server: str
    ops: list[OpDescription]
    errors: list[ErrorDescription]


class Percentiles(Record, frozen=True, kw_only=True):
    """How something was spread over the last minute."""

    p50: float
    p99: float
    max: float


class Statistics(Record, frozen=True, kw_only=True):
    """The daemon's health in figures. Counts are since its start, percentiles and rates of the last minute."""

    server: str
    sqlite: str
    """The version of SQLite."""
    uptime: int
    """Milliseconds."""
    requests: int
    requests_by_op: dict[str, int]
    errors_by_code: dict[str, int]
    events: int
    """Everything that took a position: spawns, events, changes of versions and routes."""
    events_per_second: float
    commits: int
    commit_ms: Percentiles
    """Milliseconds of one durable commit."""
    batch_ms: Percentiles
    """Milliseconds of a whole batch: its requests, its share of a sweep, its commit."""
    batch_size: Percentiles
    """Requests of one batch."""
    connections: int
    watches: int
    position: int
    cohorts_to_sweep: int
    """Cohorts that the deploy or close under way has not reached yet."""
    store_bytes: int
    wal_bytes: int
    """Of the write-ahead log beside the store."""
    free_bytes: int
    """Free on the file system of the store, for the daemon's user."""
    rss_bytes: int
    """Memory of the daemon's process."""
    backup: LastBackup | None = None
    """The last one; absent: there was none."""
    shipped: Shipped | None = None
    """Continuous backup; absent: there is none."""


SlotKind = Literal["credential", "file", "passphrase", "recovery"]
"""What opens a key slot: a systemd credential, a key file, a passphrase, or a recovery key that was written down."""


class KeySlot(Record, frozen=True, kw_only=True):
    """One of the ways to open the store."""

    slot: int
    kind: SlotKind
    created: int
    held: bool = False
    """Whether the daemon was started with its key: a rewrap keeps it."""


class KeyEpoch(Record, frozen=True, kw_only=True):
    """A time in which one key wrapped the data keys of new actors."""

    epoch: int
    created: int
    retired: int | None = None
    """When no data key was left in it, and its key was destroyed."""


class Keys(Record, frozen=True, kw_only=True):
    """The keys of the store, and how far a rotation is. Holds none of them."""

    epoch: int
    """The latest one."""
    epochs: list[KeyEpoch]
    slots: list[KeySlot]
    rotating: bool = False
    """Whether data keys are on their way into the latest epoch."""
    left: int = 0
    """Actors whose data keys are in an older one."""
    stuck: int = 0
    """Of those, the ones that the rotation passed by, because their data keys fail authentication."""
    offered: list[SlotKind] = []
    """Keys that the daemon was started with and that no slot fits: a rewrap gives them one."""


class Rewrapped(Record, frozen=True, kw_only=True):
    """The slots after a rewrap."""

    slots: list[KeySlot]
    dropped: list[KeySlot] = []
    """Those that are gone: their keys open this store no more."""


class NewKey(Record, frozen=True, kw_only=True):
    """A key that was made just now. It is kept nowhere: whoever reads this has the only copy."""

    slot: KeySlot
    secret: str


class ServerStatus(Record, frozen=True, kw_only=True):
    """The daemon in figures."""

    server: str
    pid: int
    started: int
    socket: str
    store: str
    sqlite: str
    position: int
    versions: int
    actors: int
    finished: int
    erased: int = 0
    """Erased actors."""
    cohorts: int
    histories: int
    event_types: int
    connections: int
    commits: int
    requests: int
    backup: LastBackup | None = None
    """The last one; absent: there was none."""
    shipped: Shipped | None = None
    """Continuous backup; absent: there is none."""
