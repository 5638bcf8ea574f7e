"""Keys and a real daemon: started with each kind of them, and killed while they are rotated."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from statekeep.protocol import Client
from statekeep.protocol.messages import Spawn, Verify
from statekeep.protocol.records import Actor
from tests.daemon.processes import LISTENS, Daemon, command, running
from tests.daemon.serving import LIGHT

ACTORS = 3_000
PHRASE = "correct horse battery staple"


@contextmanager
def unlocked(directory: Path, typed: str, *more: str, environ: dict[str, str] | None = None) -> Iterator[list[str]]:
    """A daemon that reads what is typed from a descriptor; gives what it says until it can be reached, or ends."""
    reading, writing = os.pipe()
    os.write(writing, typed.encode() + b"\n")
    os.close(writing)
    process = subprocess.Popen(
        [*command(directory), "--passphrase", f"fd:{reading}", *more],
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        pass_fds=[reading],
        env=os.environ | (environ or {}),
    )
    os.close(reading)
    with process:
        assert process.stderr
        said = []
        for line in process.stderr:
            said.append(line)
            if LISTENS in line:
                break
        try:
            yield said
        finally:
            process.send_signal(signal.SIGTERM)


def populate(client: Client, actors: int) -> None:
    """Actors with a context each."""
    client.deploy("light", LIGHT)
    made = client.call_many([Spawn("light", f"lamp {number}", {"number": number}) for number in range(actors)])
    assert all(isinstance(one, Actor) for one in made)


def compare(client: Client, actors: int) -> None:
    """Every value opens, and some are looked at."""
    pages = list(client.pages(Verify(limit=1_000)))
    assert sum(page.looked_at for page in pages) == actors
    assert [found for page in pages for found in page.differences] == []
    for number in range(0, actors, 100):
        assert client.get(f"lamp {number}").context == {"number": number}


def test_a_rotation_survives_kill_9(tmp_path: Path) -> None:
    """The daemon is killed when it has just begun, and again wherever it is then; each start goes on by itself.

    At the end all data keys have followed, and every value opens.
    """
    random, lefts = Random(5), list[int]()
    with running(tmp_path) as daemon, Client(daemon.socket) as client:
        populate(client, ACTORS)
        lefts.append(client.key_rotate().left)
        assert daemon.end(signal.SIGKILL) == -signal.SIGKILL
    while lefts[-1]:
        with running(tmp_path) as daemon, Client(daemon.socket) as client:
            keys = client.key_status()
            for _ in range(random.randrange(3)):
                keys = client.key_status()
            assert [epoch.retired is None for epoch in keys.epochs] == [keys.rotating, True]
            lefts.append(keys.left)
            if keys.rotating:
                assert daemon.end(signal.SIGKILL) == -signal.SIGKILL
    assert lefts == sorted(lefts, reverse=True)
    with running(tmp_path) as daemon, Client(daemon.socket) as client:
        compare(client, ACTORS)
        assert client.key_status().left == 0


def test_a_passphrase_alone_is_enough(tmp_path: Path) -> None:
    """A store made with one has no key file; it opens with the same and with no other, and the log has neither."""
    with unlocked(tmp_path, PHRASE) as said, Client(tmp_path / "s") as client:
        populate(client, 1)
        assert [slot.kind for slot in client.key_status().slots] == ["passphrase"]
    assert not (tmp_path / "data" / "master.key").exists()
    with unlocked(tmp_path, "another passphrase") as refused:
        assert ["it has slots for: passphrase" in line for line in refused] == [True]
    with unlocked(tmp_path, PHRASE) as again, Client(tmp_path / "s") as client:
        compare(client, 1)
    assert PHRASE not in "".join(said + again)
    assert "another passphrase" not in "".join(refused)


def test_a_store_outlives_the_host_of_its_key(tmp_path: Path) -> None:
    """The key file is gone; the recovery key opens the store, and a rewrap hands it to the new host's credential."""
    with running(tmp_path) as daemon, Client(daemon.socket) as client:
        populate(client, 3)
        recovery = client.key_add_recovery().secret
    (tmp_path / "data" / "master.key").unlink()
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "statekeep-key").write_bytes(os.urandom(32))
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}
    with unlocked(tmp_path, recovery.lower(), environ=environ) as said, Client(tmp_path / "s") as client:
        assert "a credential was given that no key slot fits" in said[0]
        compare(client, 3)
        rewrapped = client.key_rewrap()
        assert [slot.kind for slot in rewrapped.slots] == ["recovery", "credential"]
        assert [slot.kind for slot in rewrapped.dropped] == ["file"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
        with running(tmp_path) as daemon, Client(daemon.socket) as client:
            compare(client, 3)


def test_a_key_on_the_command_line_is_a_file(tmp_path: Path) -> None:
    """Several may be named; each gets a slot in a new store, and any opens it."""
    first, second = str(tmp_path / "a"), str(tmp_path / "b")
    with unlocked(tmp_path, PHRASE, "--key", first, "--key", second), Client(tmp_path / "s") as client:
        populate(client, 1)
        assert [slot.kind for slot in client.key_status().slots] == ["file", "file", "passphrase"]
    for file in (first, second):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("STATEKEEP_KEYS_FILE", file)
            daemon = Daemon(tmp_path)
            with daemon.process, Client(daemon.socket) as client:
                compare(client, 1)
                daemon.end(signal.SIGTERM)
