"""Who is at the other end of a connection, and what it may do.

The kernel noted the credentials of whoever called ``connect``; nothing that a client says about itself counts, and a
socket that is handed on keeps the rights of the one who connected it.
"""

from __future__ import annotations

import grp
import os
import pwd
import socket
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, get_args

from statekeep.protocol.messages import REQUESTS, Request
from statekeep.protocol.records import Peer, Record, Role

ROLES: Final[tuple[Role, ...]] = get_args(Role)
"""Each may do what those before it may."""

_CREDENTIALS: Final = struct.Struct("3i")
"""``struct ucred``: pid, uid, gid."""

_SO_PEERGROUPS: Final = 59
"""From Linux' asm-generic/socket.h; Python has no name for it."""

_GROUPS: Final = 256
"""Groups of a peer that can be read: Python asks the kernel for 1,024 bytes at most."""


def _allowed(role: Role | None) -> frozenset[type[Request[Record]]]:
    rank = -1 if role is None else ROLES.index(role)
    return frozenset(kind for kind in REQUESTS.values() if ROLES.index(kind.role) <= rank)


MAY: Final = {role: _allowed(role) for role in (None, *ROLES)}
"""The requests that a role may make."""


class UnknownPeer(Exception):
    """A user or group that the configuration names does not exist."""


@dataclass(frozen=True)
class Credentials:
    """What the kernel knows of a peer. ``groups`` holds its supplementary groups and its primary one."""

    pid: int
    uid: int
    gid: int
    groups: frozenset[int]


@dataclass(frozen=True)
class Access:
    """Which users and groups have which role. A peer has the highest that any of them gives it."""

    users: Mapping[int, Role] = field(default_factory=dict)
    groups: Mapping[int, Role] = field(default_factory=dict)
    others: Role | None = None
    """The role of everybody else."""

    @classmethod
    def named(cls, names: Mapping[Role, Iterable[str]], group: int | None = None) -> Access:
        """The standard one, and for each role users (``alice``) and groups (``@staff``).

        Raises:
            UnknownPeer: there is no such user or group.
        """
        found = cls.standard(group)
        users, groups = dict(found.users), dict(found.groups)
        for role in ROLES:
            for name in names.get(role, ()):
                numbers, number = (groups, group_number(name[1:])) if name.startswith("@") else (users, _number(name))
                given: tuple[Role, Role] = role, numbers.get(number, role)
                numbers[number] = max(given, key=ROLES.index)
        return cls(users, groups)

    @classmethod
    def standard(cls, group: int | None = None) -> Access:
        """Root and this process's user are admins, members of the socket's group, if it has one, operators."""
        users: dict[int, Role] = {0: "admin", os.geteuid(): "admin"}
        return cls(users, {} if group is None else {group: "operator"})

    def role(self, peer: Credentials) -> Role | None:
        """Return what a peer may do; None: nothing."""
        given: set[Role | None] = {self.others, self.users.get(peer.uid), *map(self.groups.get, peer.groups)}
        return next((role for role in reversed(ROLES) if role in given), None)


def credentials(connected: socket.socket) -> Credentials:
    """Return who connected the other end of a Unix socket.

    A peer that is in more groups than can be read is known by its primary one alone: it may get less than it should,
    never more.
    """
    raw = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, gid = _CREDENTIALS.unpack(raw)
    return Credentials(pid, uid, gid, frozenset([gid, *_peer_groups(connected)]))


def describe(peer: Credentials, role: Role | None) -> Peer:
    """Return the record that tells a peer who it is here."""
    return Peer(uid=peer.uid, gid=peer.gid, pid=peer.pid, user=_user(peer.uid), role=role)


def _peer_groups(connected: socket.socket) -> Iterable[int]:
    try:
        raw = connected.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, 4 * _GROUPS)
    except OSError:  # too many, or a kernel before 4.13
        return ()
    return struct.unpack(f"{len(raw) // 4}I", raw)


def group_number(name: str) -> int:
    """Return the number of a group. Raises ``UnknownPeer``."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise UnknownPeer(f"there is no group {name!r}") from None


def _number(name: str) -> int:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        raise UnknownPeer(f"there is no user {name!r}; a group is written '@{name}'") from None


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
