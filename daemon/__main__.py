"""``statekeepd``: one store, one socket, until SIGTERM."""

import argparse
import errno
import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from datetime import datetime
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
from statekeep.daemon.listening import SocketInUse, UnusableSocket, listener, raise_file_limit
from statekeep.daemon.logs import LISTENING, REFUSED, STOPPED, STOPPING, configure
from statekeep.daemon.peers import Access, UnknownPeer, group_number
from statekeep.daemon.restoring import STORE, Place, Unsound, discard, rehearse, restore
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
    Until,
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

BALLAST = 48 << 20
"""Bytes of the disk held back for erasures: a full log of 10,000 pages reaches the database, and 8 MiB are left."""

_EPILOG = """\
exit codes:
  0   SIGTERM or SIGINT; what had come in was answered
  1   --verify found a difference
  65  the store is not the one that its anchor has seen, but an older or
      another one; or a backup is no good
  73  --restore would replace a store, and was not told to
  74  a file, directory or socket can't be used; or the erasure journal or a row
      of the store makes no sense or is not what was written: the message
      names it
  75  another daemon has the store or the socket
  78  there is no key, it is wrong or others may read it; the configuration is
      wrong; or the store is of a newer StateKeep
"""

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
        found = load(os.environ, os.getuid(), _flags(options), options.config)
        configure(found.configuration.daemon.log)
        if options.restore or options.rehearse:
            return _restore(found.configuration, options)
        if options.verify:
            return _verify(found.configuration, options.key[1:])
        raise_file_limit()
        daemon = found.configuration.daemon
        with starting("opening the store"):
            store = _open(found.configuration, options.key[1:], accept_rollback=options.accept_rollback)
        with store, listener(Path(daemon.socket), group_number(daemon.group) if daemon.group else None) as at:
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


def parser() -> argparse.ArgumentParser:
    """The command line of ``statekeepd``."""
    parser = argparse.ArgumentParser(
        prog="statekeepd",
        description="Keeps statechart actors alive.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"statekeepd {statekeep.__version__}")
    parser.add_argument("--config", type=Path, metavar="FILE", help="configuration (else: statekeep config path)")
    parser.add_argument("--data", metavar="DIRECTORY", help="directory of the store")
    parser.add_argument("--socket", metavar="PATH", help="where clients connect")
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="FILE",
        help="file with a key of the store; may be given several times (else, if there is no systemd credential "
        "statekeep-key either, master.key in the data directory)",
    )
    parser.add_argument(
        "--passphrase",
        metavar="FROM",
        help="where a passphrase or recovery key of the store comes from: prompt, fd:NUMBER or env:NAME",
    )
    parser.add_argument(
        "--anchor",
        metavar="DIRECTORY",
        help="where the file is that has seen the last commit, and tells an older copy of the store from the newest "
        "(else the data directory)",
    )
    parser.add_argument(
        "--group",
        metavar="NAME",
        help="let the members of this group use the socket, as operators: they may spawn and send (else nobody but "
        "root and this user, who are admins, and those that the configuration names)",
    )
    parser.add_argument(
        "--erasures", metavar="DIRECTORY", help="directory of the erasure journal, best on another disk (else --data)"
    )
    parser.add_argument(
        "--ship",
        metavar="DIRECTORY",
        help="copy every change there, sealed, for a restore at any point of the last days",
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument(
        "--accept-rollback",
        action="store_true",
        help="take the store as it is although its anchor has seen a newer one, or is missing: after a backup was "
        "restored on purpose, or the anchor was moved",
    )
    way.add_argument(
        "--restore",
        type=Path,
        metavar="BACKUP",
        help="serve nobody: verify this backup, a file or what was shipped to a directory, put it in the place of the "
        "store, and say what it holds",
    )
    way.add_argument(
        "--rehearse",
        type=Path,
        metavar="BACKUP",
        help="serve nobody: do what --restore does in a directory beside the backup that is then thrown away",
    )
    parser.add_argument("--replace", action="store_true", help="with --restore: keep the store that is there beside it")
    parser.add_argument(
        "--at",
        type=_point,
        default=Until(),
        metavar="POINT",
        help="with a directory: as of this position, or of this time (2026-03-01T09:30:00)",
    )
    way.add_argument(
        "--verify",
        action="store_true",
        help="serve nobody: work out anew what every actor of the store must be, print each difference as a line of "
        "JSON, and exit with 1 if there is one",
    )
    return parser


def _point(text: str) -> Until:
    """A position, or a time of this machine's zone."""
    if text.isascii() and text.isdigit():
        return Until(position=int(text))
    try:
        return Until(time=int(datetime.fromisoformat(text).timestamp() * 1000))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a position nor a time as 2026-03-01T09:30:00") from None


def _flags(options: argparse.Namespace) -> dict[str, str]:
    given = {
        "daemon.data": options.data,
        "daemon.socket": options.socket,
        "daemon.anchor": options.anchor,
        "daemon.erasures": options.erasures,
        "daemon.group": options.group,
        "backup.ship": options.ship,
        "keys.file": options.key[0] if options.key else None,
        "keys.passphrase": options.passphrase,
    }
    return {name: value for name, value in given.items() if value is not None}


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
    return KeySources(beside, files, keys.passphrase or None, os.environ).secrets(new=new)


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
