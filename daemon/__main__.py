"""``statekeepd``: one store, one socket, until SIGTERM."""

import argparse
import gc
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec
import trio

import statekeep
from statekeep.daemon.engine import About, Engine
from statekeep.daemon.engine.sweeping import resume
from statekeep.daemon.engine.verify import pages
from statekeep.daemon.engine.world import World
from statekeep.daemon.listening import SocketInUse, listener
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
from statekeep.protocol.framing import REQUEST_LIMIT
from statekeep.protocol.location import data_directory, socket_path

log = logging.getLogger("statekeepd")

STORE = "store.db"
"""The file of the store in the data directory."""

UNDER_WAY = 1_024
"""Requests of one connection under way: a pipelining client fills a batch alone, and its answers fit into memory."""

_EXIT_CODES: dict[type[Exception], int] = {
    DamagedStore: 74,
    InsecureKeyFile: 78,
    RolledBack: 65,
    StoreInUse: 75,
    SocketInUse: 75,
    UnknownSchema: 78,
    UnsafeStore: 74,
    WrongKey: 78,
}
"""As in sysexits.h: 65 the data is not what it should be, 74 input or output, 75 try again later, 78 configuration."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the daemon; returns the exit code."""
    logging.basicConfig(format="statekeepd: %(message)s", level=logging.INFO)
    options = _parser().parse_args(arguments)
    try:
        if options.verify:
            return _verify(options)
        with _open(options) as store, listener(options.socket) as at:
            trio.run(_serve, store, at, options)
    except tuple(_EXIT_CODES) as refusal:
        log.critical("%s", refusal)
        return _EXIT_CODES[type(refusal)]
    except OSError as failure:
        log.critical("%s: %s", failure.filename or "input/output", failure.strerror or failure)
        return 74
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="statekeepd", description="Keeps statechart actors alive.")
    parser.add_argument("--version", action="version", version=f"statekeepd {statekeep.__version__}")
    parser.add_argument(
        "--data",
        type=Path,
        default=data_directory(os.environ, os.getuid()),
        help="directory of the store (default: %(default)s)",
    )
    parser.add_argument(
        "--socket",
        type=Path,
        default=socket_path(os.environ, os.getuid()),
        help="where clients connect (default: %(default)s)",
    )
    parser.add_argument("--key", type=Path, help="file with the master key (default: master.key in the data directory)")
    parser.add_argument(
        "--anchor",
        type=Path,
        metavar="DIRECTORY",
        help="where the file is kept that has seen the last commit, and tells an older copy of the store from the "
        "newest: best a directory that nobody restores or copies with the store (default: the data directory)",
    )
    parser.add_argument(
        "--accept-rollback",
        action="store_true",
        help="take the store as it is although its anchor has seen a newer one, or is missing: after a backup was "
        "restored on purpose, or the anchor was moved",
    )
    parser.add_argument(
        "--verify",
        action="store_true",
        help="serve nobody: work out anew what every actor of the store must be, print each difference as a line of "
        "JSON, and exit with 1 if there is one",
    )
    return parser


def _now() -> int:
    return time.time_ns() // 1_000_000


def _open(options: argparse.Namespace) -> Store:
    data, key_file = options.data, options.key or options.data / "master.key"
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = data / STORE
    if key_file.exists() or path.exists():
        key = master_key(key_file)
    else:
        key = make_master_key(key_file)
        log.info("made the master key %s; without it the store can't be read: keep a copy elsewhere", key_file)
    return open_store(path, key, now=_now(), anchor=options.anchor, accept_rollback=options.accept_rollback)


def _verify(options: argparse.Namespace) -> int:
    """Verify the store in the data directory, and leave it as it is; returns the exit code."""
    (options.data / STORE).stat()  # raises if there is none: it must not be made
    looked_at = differences = 0
    with _open(options) as store:
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


def _settle_memory() -> None:
    """Take what the engine has loaded out of the garbage collector's sight, and let it look less often.

    What a request leaves behind has no cycles; collecting after every 700 new objects cost a fifth of a sweep's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


async def _serve(store: Store, listening: socket.socket, options: argparse.Namespace) -> None:
    about = About(os.getpid(), str(options.socket), str(options.data), _now(), REQUEST_LIMIT, UNDER_WAY)
    server = Server(Engine(store, _now, about))
    _settle_memory()
    listeners = [trio.SocketListener(trio.socket.from_stdlib_socket(listening))]
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            await nursery.start(partial(server.serve, listeners, stop=stop))
            log.info("%s listens at %s, keeps %s", statekeep.__version__, options.socket, options.data)
            async for number in signals:
                log.info("%s: stopping", signal.Signals(number).name)
                break
        stop.set()
    log.info("stopped")


if __name__ == "__main__":
    sys.exit(main())
