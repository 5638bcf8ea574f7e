"""``statekeepd``: one store, one socket, until SIGTERM."""

import argparse
import errno
import gc
import getpass
import os
import signal
import socket
import sys
import time
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec
import structlog
import trio

import statekeep
from statekeep.daemon.config import BadConfiguration, Configuration, load
from statekeep.daemon.engine import About, Engine
from statekeep.daemon.engine.sweeping import resume
from statekeep.daemon.engine.verify import pages
from statekeep.daemon.engine.world import World
from statekeep.daemon.hardening import keep_errors_private, keep_memory_private
from statekeep.daemon.health import report
from statekeep.daemon.listening import SocketInUse, UnusableSocket, claimed, raise_file_limit
from statekeep.daemon.logs import LISTENING, REFUSED, STOPPED, STOPPING, configure
from statekeep.daemon.options import flags, parser
from statekeep.daemon.peers import Access, UnknownPeer, group_number
from statekeep.daemon.restoring import STORE, Place, Unsound, check_named, discard, rehearse, restore
from statekeep.daemon.server import Server
from statekeep.daemon.store import (
    DamagedJournal,
    DamagedShipment,
    DamagedStore,
    InsecureKeyFile,
    KeySources,
    NothingShipped,
    RolledBack,
    Secret,
    StorageError,
    Store,
    StoreExists,
    StoreInUse,
    SyncFailed,
    UnknownSchema,
    UnsafeStore,
    UnusableCopy,
    UnusableKey,
    WrongKey,
    open_store,
)
from statekeep.daemon.systemd import notify, starting, watchdog_interval
from statekeep.protocol.framing import REQUEST_LIMIT
from statekeep.protocol.records import Role

log = structlog.stdlib.get_logger("statekeepd")

UNDER_WAY = 1_024
"""Requests of one connection under way: a pipelining client fills a batch alone, and its answers fit into memory."""

DAY = 24 * 3_600_000
"""Milliseconds."""

BALLAST = 8 << 20
"""Bytes of the disk held back for erasures, which are left when a full log has reached the database."""

_EXIT_CODES: dict[type[Exception], int] = {
    DamagedJournal: 74,
    BadConfiguration: 78,
    DamagedShipment: 65,
    DamagedStore: 74,
    InsecureKeyFile: 78,
    NothingShipped: 65,
    RolledBack: 65,
    StoreExists: 73,
    StoreInUse: 75,
    SyncFailed: 74,
    SocketInUse: 75,
    UnusableSocket: 78,
    UnknownPeer: 78,
    UnknownSchema: 78,
    UnsafeStore: 74,
    Unsound: 65,
    UnusableCopy: 65,
    UnusableKey: 78,
    WrongKey: 78,
}
"""As in sysexits.h: 65 the data is not what it should be, 73 the file is there, 74 input or output, 75 try again later,
78 configuration.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the daemon; returns the exit code."""
    options = parser().parse_args(arguments)
    try:
        found = load(os.environ, os.getuid(), flags(options), options.config)
        configure(found.configuration.daemon.log)
        if options.restore or options.rehearse:
            return _restore(found.configuration, options)
        if options.verify:
            return _verify(found.configuration, options.key[1:])
        raise_file_limit()
        daemon = found.configuration.daemon
        with claimed(Path(daemon.socket), group_number(daemon.group) if daemon.group else None) as listening:
            with starting("opening the store"):
                store = _open(found.configuration, options.key[1:], accept_rollback=options.accept_rollback)
            with store, listening() as at:
                _run(store, at, found.configuration)
    except tuple(_EXIT_CODES) as refusal:
        return _refuse(str(refusal), _EXIT_CODES[type(refusal)])
    except OSError as failure:
        return _refuse(f"{failure.filename or 'input/output'}: {failure.strerror or failure}", 74)
    return 0


def _run(store: Store, at: list[socket.socket], configuration: Configuration) -> None:
    """Serve.

    Raises ``DamagedStore``, ``SyncFailed`` and ``UnsafeStore``, also while it serves: who waits for an answer then gets
    none, and learns so from the lost connection.
    """
    failures = list[BaseException]()
    try:
        trio.run(_serve, store, at, configuration)
    except* (DamagedStore, SyncFailed, UnsafeStore) as group:
        failures.append(group)
    while failures:
        failure = failures.pop()
        if not isinstance(failure, BaseExceptionGroup):
            raise failure
        failures += failure.exceptions


def _refuse(why: str, code: int) -> int:
    """Say why the daemon does not start, also to systemd, and return the exit code."""
    configure("auto")  # if it came to nothing before
    log.critical("%s", why, message_id=REFUSED)
    notify(f"STATUS=did not start: {why}", f"ERRNO={errno.EIO if code == 74 else errno.EINVAL}")
    return code


def _now() -> int:
    return time.time_ns() // 1_000_000


def _open(configuration: Configuration, more_key_files: Sequence[str] = (), *, accept_rollback: bool = False) -> Store:
    data = Path(configuration.daemon.data)
    path = data / STORE
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = open_store(
        path,
        _secrets(configuration, more_key_files, new=not path.exists()),
        now=_now(),
        journal=_directory(configuration.daemon.erasures),
        ballast=BALLAST,
        anchor=_directory(configuration.daemon.anchor),
        accept_rollback=accept_rollback,
    )
    for kind in store.vault.offered():
        log.warning("a %s was given that no key slot fits; `statekeep key rewrap` makes one", kind.name.lower())
    return store


def _restore(configuration: Configuration, options: argparse.Namespace) -> int:
    """Restore a backup, or try it out, and print what it holds as a line of JSON; returns the exit code."""
    data, daemon = Path(configuration.daemon.data), configuration.daemon
    check_named(options.restore or options.rehearse, options.at)
    secrets = _secrets(configuration, options.key[1:], new=False)
    place = Place(data, secrets, _now, _directory(daemon.erasures), _directory(daemon.anchor))
    if options.rehearse:
        found = rehearse(options.rehearse, options.at, place, options.rehearse.absolute().parent)
    else:
        discard(data)
        found = restore(options.restore, options.at, place, replacing=options.replace)
    sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    return 0


def _secrets(configuration: Configuration, more_key_files: Sequence[str], *, new: bool) -> list[Secret]:
    keys = configuration.keys
    files = [Path(file) for file in (keys.file, *more_key_files) if file]
    beside = Path(configuration.daemon.data) / "master.key"
    return KeySources(beside, files, keys.passphrase or None, os.environ, _ask).secrets(new=new)


def _ask(prompt: str) -> str:
    """What a person types on the terminal, unseen. Raises ``UnusableKey`` where there is neither."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)
            return getpass.getpass(prompt)
    except (getpass.GetPassWarning, EOFError):
        raise UnusableKey("there is no terminal to ask for a passphrase on; say fd:NUMBER or env:NAME") from None


def _directory(configured: str) -> Path | None:
    return Path(configured) if configured else None


def _verify(configuration: Configuration, more_key_files: Sequence[str]) -> int:
    """Verify the store in the data directory, and leave it as it is; returns the exit code."""
    (Path(configuration.daemon.data) / STORE).stat()  # raises if there is none: it must not be made
    looked_at = differences = 0
    with _open(configuration, more_key_files) as store:
        try:
            world = World(store, _now)
            resume(world)
            for page in pages(world):
                looked_at += page.looked_at
                differences += len(page.differences)
                sys.stdout.writelines(msgspec.json.encode(found).decode() + "\n" for found in page.differences)
                if sys.stderr.isatty():
                    sys.stderr.write(f"{_count(looked_at, 'actor')} looked at\x1b[K\r")
        except StorageError as failure:
            raise UnsafeStore(f"the store can't be read: {failure}; put back a copy of it") from failure
    sys.stdout.write(f"{_count(differences, 'difference')} in {_count(looked_at, 'actor')}\n")
    return 1 if differences else 0


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _access(configuration: Configuration) -> Access:
    named, group = configuration.access, configuration.daemon.group
    roles: dict[Role, tuple[str, ...]] = {
        "viewer": named.viewers,
        "operator": named.operators,
        "admin": named.admins,
    }
    return Access.named(roles, group_number(group) if group else None)


def _settle_memory() -> None:
    """Take what the engine has loaded out of the garbage collector's sight, and let it look less often.

    What a request leaves behind has no cycles; collecting after every 700 new objects cost a fifth of a sweep's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


async def _serve(store: Store, listening: list[socket.socket], configuration: Configuration) -> None:
    at, data = str(listening[0].getsockname()), configuration.daemon.data
    about = About(os.getpid(), at, data, _now(), REQUEST_LIMIT, UNDER_WAY)
    with starting("loading the store"):
        engine = Engine(store, _now, about)
    ship = configuration.backup.ship
    if ship:
        store.ship(Path(ship), _now, configuration.backup.keep * DAY)
    server = Server(engine, _access(configuration))
    _settle_memory()
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            await nursery.start(partial(server.serve, listening, stop=stop))
            notify("READY=1", f"STATUS={engine.summary()}")
            log.info("%s listens at %s, keeps %s", statekeep.__version__, at, data, message_id=LISTENING)
            async with trio.open_nursery() as reporting:
                reporting.start_soon(report, server, engine, watchdog_interval(os.environ, os.getpid()))
                if ship:
                    reporting.start_soon(_tick, server)
                async for number in signals:
                    log.info("%s: stopping", signal.Signals(number).name, message_id=STOPPING)
                    break
                reporting.cancel_scope.cancel()
        notify("STOPPING=1", "STATUS=answering what has come in")
        stop.set()
    engine.keep_columns()
    log.info("stopped", message_id=STOPPED)


async def _tick(server: Server) -> None:
    """Let the engine ship what came last, also when nothing comes after it."""
    while True:
        await trio.sleep(1)
        await server.turn()


def run() -> int:
    """What ``statekeepd`` starts: ``main`` in a process that is its own."""
    keep_errors_private()
    keep_memory_private()
    return main()


if __name__ == "__main__":
    sys.exit(run())
