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
from statekeep.daemon.health import report
from statekeep.daemon.listening import SocketInUse, UnusableSocket, listener, raise_file_limit
from statekeep.daemon.logs import KEY_MADE, LISTENING, REFUSED, STOPPED, STOPPING, configure
from statekeep.daemon.peers import Access, UnknownPeer, group_number
from statekeep.daemon.server import Server
from statekeep.daemon.store import (
    DamagedStore,
    InsecureKeyFile,
    RolledBack,
    Store,
    StoreInUse,
    UnknownSchema,
    UnsafeStore,
    WrongKey,
    make_master_key,
    master_key,
    open_store,
)
from statekeep.daemon.systemd import notify, starting, watchdog_interval
from statekeep.protocol.framing import REQUEST_LIMIT
from statekeep.protocol.records import Role

log = structlog.stdlib.get_logger("statekeepd")

STORE = "store.db"
"""The file of the store in the data directory."""

UNDER_WAY = 1_024
"""Requests of one connection under way: a pipelining client fills a batch alone, and its answers fit into memory."""

_EXIT_CODES: dict[type[Exception], int] = {
    BadConfiguration: 78,
    DamagedStore: 74,
    InsecureKeyFile: 78,
    RolledBack: 65,
    StoreInUse: 75,
    SocketInUse: 75,
    UnusableSocket: 78,
    UnknownPeer: 78,
    UnknownSchema: 78,
    UnsafeStore: 74,
    WrongKey: 78,
}
"""As in sysexits.h: 65 the data is not what it should be, 74 input or output, 75 try again later, 78 configuration."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the daemon; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        found = load(os.environ, os.getuid(), _flags(options), options.config)
        configure(found.configuration.daemon.log)
        if options.verify:
            return _verify(found.configuration)
        raise_file_limit()
        daemon = found.configuration.daemon
        with starting("opening the store"):
            store = _open(found.configuration, accept_rollback=options.accept_rollback)
        with store, listener(Path(daemon.socket), group_number(daemon.group) if daemon.group else None) as at:
            trio.run(_serve, store, at, found.configuration)
    except tuple(_EXIT_CODES) as refusal:
        return _refuse(str(refusal), _EXIT_CODES[type(refusal)])
    except OSError as failure:
        return _refuse(f"{failure.filename or 'input/output'}: {failure.strerror or failure}", 74)
    return 0


def _refuse(why: str, code: int) -> int:
    """Say why the daemon does not start, also to systemd, and return the exit code."""
    configure("auto")  # if it came to nothing before
    log.critical("%s", why, message_id=REFUSED)
    notify(f"STATUS=did not start: {why}", f"ERRNO={errno.EIO if code == 74 else errno.EINVAL}")
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="statekeepd", description="Keeps statechart actors alive.")
    parser.add_argument("--version", action="version", version=f"statekeepd {statekeep.__version__}")
    parser.add_argument("--config", type=Path, metavar="FILE", help="configuration (else: statekeep config path)")
    parser.add_argument("--data", metavar="DIRECTORY", help="directory of the store")
    parser.add_argument("--socket", metavar="PATH", help="where clients connect")
    parser.add_argument(
        "--key", metavar="FILE", help="file with the master key (else master.key in the data directory)"
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
    way = parser.add_mutually_exclusive_group()
    way.add_argument(
        "--accept-rollback",
        action="store_true",
        help="take the store as it is although its anchor has seen a newer one, or is missing: after a backup was "
        "restored on purpose, or the anchor was moved",
    )
    way.add_argument(
        "--verify",
        action="store_true",
        help="serve nobody: work out anew what every actor of the store must be, print each difference as a line of "
        "JSON, and exit with 1 if there is one",
    )
    return parser


def _flags(options: argparse.Namespace) -> dict[str, str]:
    given = {
        "daemon.data": options.data,
        "daemon.socket": options.socket,
        "daemon.anchor": options.anchor,
        "daemon.group": options.group,
        "keys.file": options.key,
    }
    return {name: value for name, value in given.items() if value is not None}


def _now() -> int:
    return time.time_ns() // 1_000_000


def _open(configuration: Configuration, *, accept_rollback: bool) -> Store:
    data = Path(configuration.daemon.data)
    key_file = Path(configuration.keys.file or data / "master.key")
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = data / STORE
    if key_file.exists() or path.exists():
        key = master_key(key_file)
    else:
        key = make_master_key(key_file)
        log.info(
            "made the master key %s; without it the store can't be read: keep a copy elsewhere",
            key_file,
            message_id=KEY_MADE,
        )
    anchor = Path(configuration.daemon.anchor) if configuration.daemon.anchor else None
    return open_store(path, key, now=_now(), anchor=anchor, accept_rollback=accept_rollback)


def _verify(configuration: Configuration) -> int:
    """Verify the store in the data directory, and leave it as it is; returns the exit code."""
    (Path(configuration.daemon.data) / STORE).stat()  # raises if there is none: it must not be made
    looked_at = differences = 0
    with _open(configuration, accept_rollback=False) as store:
        world = World(store, _now)
        resume(world)
        for page in pages(world):
            looked_at += page.looked_at
            differences += len(page.differences)
            sys.stdout.writelines(msgspec.json.encode(found).decode() + "\n" for found in page.differences)
            if sys.stderr.isatty():
                sys.stderr.write(f"{_count(looked_at, 'actor')} looked at\x1b[K\r")
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
                async for number in signals:
                    log.info("%s: stopping", signal.Signals(number).name, message_id=STOPPING)
                    break
                reporting.cancel_scope.cancel()
        notify("STOPPING=1", "STATUS=answering what has come in")
        stop.set()
    log.info("stopped", message_id=STOPPED)


if __name__ == "__main__":
    sys.exit(main())
