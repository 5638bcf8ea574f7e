"""The encrypted actor store. The only room that knows SQL or keys."""

from statekeep.daemon.store.anchor import RolledBack
from statekeep.daemon.store.audit import Audit, Finding
from statekeep.daemon.store.keys import InsecureKeyFile, WrongKey, make_master_key, master_key
from statekeep.daemon.store.opening import StoreInUse, UnknownSchema, UnsafeStore, open_store
from statekeep.daemon.store.rows import (
    ActorRow,
    CohortRow,
    DecisionRow,
    DeploymentRow,
    EventRow,
    Patched,
    RepeatRow,
    RouteRow,
    VersionRow,
)
from statekeep.daemon.store.soundness import DamagedActor, DamagedStore
from statekeep.daemon.store.store import SQLITE_VERSION, StorageError, Store

__all__ = [
    "SQLITE_VERSION",
    "ActorRow",
    "Audit",
    "CohortRow",
    "DamagedActor",
    "DamagedStore",
    "DecisionRow",
    "DeploymentRow",
    "EventRow",
    "Finding",
    "InsecureKeyFile",
    "Patched",
    "RepeatRow",
    "RolledBack",
    "RouteRow",
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
