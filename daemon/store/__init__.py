"""The encrypted actor store. The only room that knows SQL or keys."""

from statekeep.daemon.store.anchor import RolledBack
from statekeep.daemon.store.audit import Audit, Finding
from statekeep.daemon.store.backup import Copying, UnusableCopy, check_copy
from statekeep.daemon.store.erasure import SyncFailed
from statekeep.daemon.store.journal import DamagedJournal
from statekeep.daemon.store.key_files import InsecureKeyFile, key_text, make_master_key, master_key
from statekeep.daemon.store.keys import WrongKey
from statekeep.daemon.store.opening import StoreInUse, UnknownSchema, UnsafeStore, locked, open_store
from statekeep.daemon.store.replacing import StoreExists, copy_in, put, replace
from statekeep.daemon.store.replaying import NothingShipped, Until, rebuild
from statekeep.daemon.store.rows import (
    ActorRow,
    BackupRow,
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
from statekeep.daemon.store.shipment import DamagedShipment
from statekeep.daemon.store.shipping import Lag
from statekeep.daemon.store.slots import Cost, Kind, Secret, SlotRow
from statekeep.daemon.store.soundness import DamagedActor, DamagedStore
from statekeep.daemon.store.sources import KeySources, UnusableKey
from statekeep.daemon.store.store import SQLITE_VERSION, StorageError, Store
from statekeep.daemon.store.vault import Vault

__all__ = [
    "SQLITE_VERSION",
    "ActorRow",
    "Audit",
    "BackupRow",
    "CohortRow",
    "Copying",
    "Cost",
    "DamagedActor",
    "DamagedJournal",
    "DamagedShipment",
    "DamagedStore",
    "DecisionRow",
    "DeploymentRow",
    "EventRow",
    "Finding",
    "Happening",
    "InsecureKeyFile",
    "KeySources",
    "Kind",
    "Lag",
    "NothingShipped",
    "Patched",
    "RepeatRow",
    "RolledBack",
    "RouteRow",
    "Secret",
    "Sizes",
    "SlotRow",
    "StorageError",
    "Store",
    "StoreExists",
    "StoreInUse",
    "SyncFailed",
    "TombstoneRow",
    "UnknownSchema",
    "UnsafeStore",
    "Until",
    "UnusableCopy",
    "UnusableKey",
    "Vault",
    "VersionRow",
    "WrongKey",
    "check_copy",
    "copy_in",
    "key_text",
    "locked",
    "make_master_key",
    "master_key",
    "open_store",
    "put",
    "rebuild",
    "replace",
]
