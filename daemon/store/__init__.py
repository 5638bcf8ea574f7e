"""The encrypted actor store. The only room that knows SQL or keys."""

from statekeep.daemon.store.anchor import RolledBack
from statekeep.daemon.store.audit import Audit, Finding
from statekeep.daemon.store.erasure import SyncFailed
from statekeep.daemon.store.journal import DamagedJournal
from statekeep.daemon.store.key_files import InsecureKeyFile, key_text, make_master_key, master_key
from statekeep.daemon.store.keys import WrongKey
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
from statekeep.daemon.store.slots import Cost, Kind, Secret, SlotRow
from statekeep.daemon.store.soundness import DamagedActor, DamagedStore
from statekeep.daemon.store.sources import KeySources, UnusableKey
from statekeep.daemon.store.store import SQLITE_VERSION, StorageError, Store
from statekeep.daemon.store.vault import Vault

__all__ = [
    "SQLITE_VERSION",
    "ActorRow",
    "Audit",
    "CohortRow",
    "Cost",
    "DamagedActor",
    "DamagedJournal",
    "DamagedStore",
    "DecisionRow",
    "DeploymentRow",
    "EventRow",
    "Finding",
    "Happening",
    "InsecureKeyFile",
    "KeySources",
    "Kind",
    "Patched",
    "RepeatRow",
    "RolledBack",
    "RouteRow",
    "Secret",
    "Sizes",
    "SlotRow",
    "StorageError",
    "Store",
    "StoreInUse",
    "SyncFailed",
    "TombstoneRow",
    "UnknownSchema",
    "UnsafeStore",
    "UnusableKey",
    "Vault",
    "VersionRow",
    "WrongKey",
    "key_text",
    "make_master_key",
    "master_key",
    "open_store",
]
