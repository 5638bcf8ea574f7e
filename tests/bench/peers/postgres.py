"""PostgreSQL on a Unix socket, a cluster of its own for each run: a row per actor, a row per event."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

LENGTH = 6
"""Events of each actor before the migration."""


def programs() -> Path | None:
    """The directory of the newest installed server."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


def missing() -> str:
    """Why it can't be measured here; empty if it can."""
    try:
        import_module("psycopg")
    except ModuleNotFoundError:
        return "PostgreSQL is left out: psycopg is missing: pip install 'psycopg[binary]'"
    if programs() is None:
        return "PostgreSQL is left out: no server. Debian: apt-get install postgresql"
    return ""


@contextlib.contextmanager
def cluster() -> Iterator[str]:
    """A connection string, as long as the block runs. As root the server runs as the user postgres: it refuses root."""
    bin_directory = programs()
    assert bin_directory is not None
    become = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    directory = Path(tempfile.mkdtemp(prefix="statekeep-postgres-", dir=os.environ.get("BENCH_DIR")))
    try:
        if become:
            owner = pwd.getpwnam("postgres")
            os.chown(directory, owner.pw_uid, owner.pw_gid)
        data = str(directory / "data")
        _run([*become, str(bin_directory / "initdb"), "-D", data, "-A", "trust", "-U", "postgres"])
        options = f"-k {directory} -c listen_addresses='' -c synchronous_commit=on -c max_connections=100"
        control = [*become, str(bin_directory / "pg_ctl"), "-D", data, "-w"]
        _run([*control, "-o", options, "-l", str(directory / "log"), "start"])
        try:
            yield f"host={directory} user=postgres dbname=postgres"
        finally:
            _run([*control, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def events_per_second(where: str, connections: int, seconds: float) -> float:
    """Events a second: an UPDATE and an INSERT each, committed; a thread for each connection."""
    psycopg = import_module("psycopg")

    with psycopg.connect(where, autocommit=True) as db:
        db.execute("DROP TABLE IF EXISTS actors, events")
        db.execute("CREATE TABLE actors (id int PRIMARY KEY, state int)")
        db.execute("CREATE TABLE events (id bigserial PRIMARY KEY, actor int, payload bytea)")
        db.execute("INSERT INTO actors SELECT n, 0 FROM generate_series(1, 50) n")
    done = [0] * connections
    end = time.perf_counter() + seconds

    def work(number: int) -> None:
        with psycopg.connect(where) as db:
            while time.perf_counter() < end:
                db.execute("UPDATE actors SET state = state + 1 WHERE id = %s", (number + 1,))
                db.execute("INSERT INTO events (actor, payload) VALUES (%s, %s)", (number + 1, b"0123456789" * 3))
                db.commit()
                done[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / seconds


_FILL = """
    DROP TABLE IF EXISTS actors, events;
    CREATE TABLE actors (id int PRIMARY KEY, version text, state text);
    INSERT INTO actors SELECT n, 'v1', 'waiting' FROM generate_series(1, {actors}) n;
    CREATE TABLE events (actor int, number int, type text, PRIMARY KEY (actor, number));
    INSERT INTO events SELECT a, n, 'EVENT_' || lpad(((a % {distinct}) / (16 ^ (n - 1))::int % 16)::text, 2, '0')
        FROM generate_series(1, {actors}) a, generate_series(1, {length}) n;
    ANALYZE actors; ANALYZE events;
"""
_MIGRATE = """
    UPDATE actors SET version = 'v2', state = 'checked' FROM events e
    WHERE e.actor = actors.id AND e.number = 1 AND e.type = 'EVENT_01' AND actors.version = 'v1'
"""


def migration(where: str, actors: int, distinct: int) -> tuple[float, int]:
    """(Milliseconds of the script that a team would write, rows moved): one UPDATE over the first event, committed."""
    psycopg = import_module("psycopg")

    with psycopg.connect(where) as db:
        for statement in _FILL.split(";"):
            if statement.strip():
                db.execute(statement.format(actors=actors, distinct=distinct, length=LENGTH))
        db.commit()
        begin = time.perf_counter()
        moved = db.execute(_MIGRATE).rowcount
        db.commit()
        return (time.perf_counter() - begin) * 1e3, moved
