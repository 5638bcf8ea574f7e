"""Roles: what a user and its groups may do, and what they are told when it is not enough."""

from __future__ import annotations

import contextlib
import grp
import json
import os
import pwd
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from statekeep.daemon.peers import MAY, ROLES, Access, Credentials, UnknownPeer, credentials, describe
from statekeep.protocol import Client
from statekeep.protocol.messages import REQUESTS, Deploy, Get, Hello, Send
from statekeep.protocol.records import Role
from tests.daemon.processes import Daemon, running
from tests.daemon.serving import LIGHT, served

PYTHONS = (sys.executable, "/usr/bin/python3")
"""One of which other users may run: the first may be in somebody's home."""

STRANGER, MEMBER = 54_321, 54_322
"""Users that no system has."""

SPEAK = """
import socket, sys
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
peer.sendall(sys.stdin.buffer.read())
peer.shutdown(socket.SHUT_WR)
while data := peer.recv(65536):
    sys.stdout.buffer.write(data)
"""


def peer(uid: int, *groups: int) -> Credentials:
    """Somebody with these groups, the first of them its own."""
    return Credentials(1, uid, groups[0], frozenset(groups))


def test_each_role_may_do_what_those_before_it_may() -> None:
    """Nothing without a role; reading for viewers; everything for admins."""
    assert get_args(Role) == ROLES == ("viewer", "operator", "admin")
    assert MAY[None] == frozenset()
    assert MAY["viewer"] < MAY["operator"] < MAY["admin"] == frozenset(REQUESTS.values())
    assert Hello in MAY["viewer"]
    assert Get in MAY["viewer"]
    assert MAY["operator"] - MAY["viewer"] >= {Send}
    assert Deploy not in MAY["operator"]


@pytest.mark.parametrize(
    ("who", "role"),
    [
        (peer(0, 0), "admin"),
        (peer(os.geteuid(), 1), "admin"),
        (peer(STRANGER, 1, 70), "operator"),
        (peer(STRANGER, 70), "operator"),
        (peer(STRANGER, 1, 0), None),
    ],
)
def test_the_standard_access(who: Credentials, role: Role | None) -> None:
    """Root and the daemon's user are admins, members of the socket's group operators, and root's group is nobody's."""
    assert Access.standard(70).role(who) == role
    assert Access.standard().role(who) == (role if role == "admin" else None)


def test_the_highest_role_counts() -> None:
    """Whatever gives it: the user, one of its groups, or that everybody has it."""
    access = Access({7: "viewer"}, {70: "operator", 71: "admin"}, others="viewer")
    assert access.role(peer(7, 1)) == "viewer"
    assert access.role(peer(7, 1, 70)) == "operator"
    assert access.role(peer(7, 70, 71)) == "admin"
    assert access.role(peer(8, 1)) == "viewer"


def test_the_kernel_says_who_it_is() -> None:
    """Process, user, and all groups of this very process."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        found = credentials(ours)
    assert (found.pid, found.uid, found.gid) == (os.getpid(), os.getuid(), os.getgid())
    assert found.groups == {os.getgid(), *os.getgroups()}
    assert describe(found, "admin").user == pwd.getpwuid(os.getuid()).pw_name
    assert describe(peer(STRANGER, 1), None).user == str(STRANGER)


@pytest.mark.trio
@pytest.mark.parametrize("role", ["viewer", "operator"])
async def test_what_a_role_may_not_is_refused_by_itself(monkeypatch: pytest.MonkeyPatch, role: Role) -> None:
    """The refusal says who asks, what that one has and what would be needed; requests beside it are carried out."""
    monkeypatch.setattr(Access, "role", lambda *_: role)
    async with served() as running:
        client = await running.connect()
        await client.write(Hello(id=1), Deploy("v", LIGHT, id=2), Send(1, "TOGGLE", id=3), Get(1, id=4))
        welcome, deploy, send, get = sorted(await client.read(4), key=lambda answer: answer["id"])
        user = pwd.getpwuid(os.getuid()).pw_name
        assert (welcome["ok"]["you"]["user"], welcome["ok"]["you"]["role"]) == (user, role)
        assert deploy["error"]["code"] == "forbidden"
        assert deploy["error"]["message"] == (
            f"'deploy' needs the role admin, and '{user}' (uid {os.getuid()}) has the role {role} here."
        )
        assert send["error"]["code"] == ("forbidden" if role == "viewer" else "unknown_actor")
        assert get["error"]["code"] == "unknown_actor"
        assert Deploy not in [type(request) for batch in running.engine.batches for request in batch]


def run_as(python: str, uid: int, groups: list[int], *arguments: str, said: bytes = b"") -> tuple[int, bytes, bytes]:
    """Run a program as another user, who is in these groups besides its own: exit code, output, errors."""
    done = subprocess.run(
        [python, "-ISc", *arguments],
        input=said,
        capture_output=True,
        check=False,
        cwd="/",
        user=uid,
        group=uid,
        extra_groups=groups,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def python() -> str:
    """A Python that other users may run."""
    if os.geteuid() != 0:
        pytest.skip("only root can be other users")
    for python in PYTHONS:
        with contextlib.suppress(OSError):
            if run_as(python, STRANGER, [], "import socket") == (0, b"", b""):
                return python
    pytest.skip(f"other users may run none of {', '.join(PYTHONS)}")


def speak(python: str, daemon: Daemon, uid: int, groups: list[int], *requests: dict[str, Any]) -> list[dict[str, Any]]:
    """What another user is answered, by id; an empty list if the socket does not let it in."""
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    code, written, errors = run_as(python, uid, groups, SPEAK, str(daemon.socket), said=lines.encode())
    if code:
        assert b"PermissionError" in errors, errors
        return []
    return sorted(map(json.loads, written.splitlines()), key=lambda answer: answer["id"])


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A directory that every user can walk to, as /run/statekeep is; those of pytest are its user's alone."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        yield Path(name)


EVERYTHING: tuple[dict[str, Any], ...] = (
    {"op": "hello", "id": 1},
    {"op": "spawn", "id": 2, "version": "v"},
    {"op": "close", "id": 3, "version": "v"},
)


def test_members_of_the_group_are_operators(open_path: Path, python: str) -> None:
    """One who is in the socket's group only besides its own may spawn and not close; who is not in it gets no byte."""
    group = grp.getgrnam("games").gr_gid
    with running(open_path, "--group", "games") as daemon, Client(daemon.socket) as root:
        assert (daemon.socket.stat().st_mode & 0o777, daemon.socket.stat().st_gid) == (0o660, group)
        root.deploy("v", LIGHT)
        hello, spawn, close = speak(python, daemon, MEMBER, [group], *EVERYTHING)
        assert hello["ok"]["you"] | {"pid": 0} == {
            "uid": MEMBER,
            "gid": MEMBER,
            "pid": 0,
            "user": str(MEMBER),
            "role": "operator",
        }
        assert spawn["ok"]["id"] == 1
        assert close["error"]["code"] == "forbidden"
        assert speak(python, daemon, STRANGER, [], *EVERYTHING) == []
        daemon.socket.chmod(0o666)
        answers = speak(python, daemon, STRANGER, [], *EVERYTHING)
        assert [answer["error"]["code"] for answer in answers] == ["forbidden"] * 3
        assert f"'{STRANGER}' (uid {STRANGER}) has no role here" in answers[0]["error"]["message"]


def test_roles_by_name() -> None:
    """Users and groups by name; who is named twice has the higher role; root is an admin whatever is said."""
    root, daemon = pwd.getpwuid(0).pw_name, grp.getgrgid(1).gr_name
    access = Access.named({"viewer": [root, f"@{daemon}"], "operator": [f"@{daemon}"]})
    assert access.role(Credentials(1, 0, 0, frozenset([0]))) == "admin"
    assert access.role(Credentials(1, 4_000_000, 1, frozenset([1]))) == "operator"
    assert access.role(Credentials(1, 4_000_000, 7, frozenset([4_000_000]))) is None


@pytest.mark.parametrize(
    ("name", "said"), [("nobody-here", "a group is written '@nobody-here'"), ("@none-here", "group")]
)
def test_a_name_that_does_not_exist_is_said(name: str, said: str) -> None:
    """The daemon does not start with fewer rights than were meant."""
    with pytest.raises(UnknownPeer, match=said):
        Access.named({"admin": [name]})
