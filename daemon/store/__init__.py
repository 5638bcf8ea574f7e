"""The encrypted actor store. The only room that knows SQL or keys."""

from statekeep.daemon.store.keys import InsecureKeyFile, WrongKey, make_master_key, master_key
from statekeep.daemon.store.opening import StoreInUse, UnknownSchema, UnsafeStore, open_store
from statekeep.daemon.store.rows import (
    ActorRow,
    CohortRow,
    DecisionRow,
    DeploymentRow,
    EventRow,
    Happening,
    RouteRow,
    Sizes,
    VersionRow,
)
from statekeep.daemon.store.soundness import DamagedStore
from statekeep.daemon.store.store import SQLITE_VERSION, StorageError, Store

__all__ = [
    "SQLITE_VERSION",
    "ActorRow",
    "CohortRow",
    "DamagedStore",
    "DecisionRow",
    "DeploymentRow",
    "EventRow",
    "Happening",
    "InsecureKeyFile",
    "RouteRow",
    "Sizes",
    "StorageError",
    "Store",
    "StoreInUse",
    "UnknownSchema",
    "UnsafeStore",
    "VersionRow",
    "WrongKey",
    "make_master_key",
    "master_key",
    "open_store",
]
