"""The encrypted actor store. The only room that knows SQL or keys."""

from statekeep.daemon.store.journal import DamagedJournal
from statekeep.daemon.store.keys import InsecureKeyFile, WrongKey, make_master_key, master_key
from statekeep.daemon.store.opening import StoreInUse, UnknownSchema, UnsafeStore, open_store
from statekeep.daemon.store.rows import (
    ActorRow,
    CohortRow,
    DecisionRow,
    DeploymentRow,
    EventRow,
    Happening,
    Patched,
    RepeatRow,
    RouteRow,
    Sizes,
    TombstoneRow,
    VersionRow,
)
from statekeep.daemon.store.soundness import DamagedStore
from statekeep.daemon.store.store import SQLITE_VERSION, StorageError, Store

__all__ = [
    "SQLITE_VERSION",
    "ActorRow",
    "CohortRow",
    "DamagedJournal",
    "DamagedStore",
    "DecisionRow",
    "DeploymentRow",
    "EventRow",
    "Happening",
    "InsecureKeyFile",
    "Patched",
    "RepeatRow",
    "RouteRow",
    "Sizes",
    "StorageError",
    "Store",
    "StoreInUse",
    "TombstoneRow",
    "UnknownSchema",
    "UnsafeStore",
    "VersionRow",
    "WrongKey",
    "make_master_key",
    "master_key",
    "open_store",
]
