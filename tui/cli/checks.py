"""What ``doctor`` looks at: each check is a function that says what it found, and what would mend it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Final, Literal

import statekeep
from statekeep.protocol import Client
from statekeep.protocol.errors import Forbidden, StatekeepError
from statekeep.protocol.messages import Hello, KeyStatus, StatusRequest
from statekeep.protocol.records import Record, ServerStatus, Welcome
from statekeep.tui.cli.failures import UnusableInput
from statekeep.tui.cli.wording import ago, count, size

Level = Literal["good", "unknown", "warning", "bad"]
"""``unknown``: it could not be looked at from here, which is no reproach."""

LOG_LIMIT: Final = 256 << 20
"""Bytes of a write-ahead log that somebody must be holding back: the daemon checkpoints at 160 MB at the latest."""

ROOM: Final = 1 << 30
"""Bytes that a disk should have left for the store to grow."""

NO_ROOM: Final = 100 << 20
"""Bytes of which a single long transaction may need half."""

BACKUP_AGE: Final = 2 * 86_400
"""Seconds after which a backup is old, where a timer makes one each night."""

LAG: Final = 60
"""Seconds that continuous backup may be behind: it ships each second."""

CLOCK_STEP: Final = 60
"""Seconds that a clock may be corrected by without anybody noticing."""

UNIT_FOLDERS: Final = {
    "system": ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"),
    "user": ("~/.config/systemd/user", "/etc/systemd/user", "/usr/lib/systemd/user"),
}
"""Where systemd finds units, by whose manager; the first goes before the others."""


class Check(Record, frozen=True):
    """One line of the doctor's report."""

    name: str
    level: Level
    found: str
    fix: str = ""


def configuration() -> Iterator[Check]:
    """Whether the configuration can be read, and which it is."""
    from statekeep.daemon.config import BadConfiguration, load  # noqa: PLC0415 - only the doctor reads it here

    try:
        found = load(os.environ, os.getuid(), {})
    except BadConfiguration as problem:
        yield Check("configuration", "bad", str(problem), "`statekeep config example` explains every setting.")
    else:
        yield Check("configuration", "good", str(found.file or "none, and none is needed"))


def evaluator() -> Iterator[Check]:
    """Whether the compiled evaluator is installed."""
    folder = resources.files("statekeep").joinpath("daemon", "routing")
    if any(file.name.startswith("_evaluator") and file.name.endswith(".so") for file in folder.iterdir()):
        yield Check("evaluator", "good", "compiled")
    else:
        fix = "Install from a wheel, or with a C compiler: pip install 'statekeep[daemon]'."
        yield Check("evaluator", "bad", "the C evaluator is not there, and no daemon starts without it", fix)


def path_of_socket(path: str) -> Iterator[Check]:
    """What stands in the way of a connection, if anything does."""
    try:
        mode = Path(path).stat().st_mode
    except OSError as problem:
        fix = "Start the daemon (`statekeep dev`, or systemctl start statekeep.socket), or name its socket."
        yield Check("socket", "bad", f"{path}: {problem.strerror}", fix)
        return
    if not stat.S_ISSOCK(mode):
        yield Check("socket", "bad", f"{path} is no socket", "Name the daemon's socket in STATEKEEP_SOCKET.")
        return
    try:
        with socket.socket(socket.AF_UNIX) as tried:
            tried.connect(path)
    except PermissionError:
        fix = "Become a member of its group, or ask whoever runs the daemon; then log in again."
        yield Check("socket", "bad", f"{path}: this user may not connect", fix)
    except OSError as problem:
        yield Check("socket", "bad", f"{path}: {problem.strerror}", "Start the daemon: nobody listens there any more.")
    else:
        yield Check("socket", "good", path)


def daemon(client: Client) -> Iterator[Check]:
    """Everything that the daemon itself can tell."""
    try:
        welcome = client.call(Hello())
        yield _version(welcome)
        yield _role(welcome)
        status = client.call(StatusRequest())
        yield Check("SQLite", "good", status.sqlite)
        yield from _keys(client)
        yield from _store(Path(status.store))
        yield _backup(status)
        yield _clock(status)
    except StatekeepError as problem:
        yield Check("daemon", "bad", problem.message, problem.hint or "`statekeep explain` lists what errors mean.")


def _version(welcome: Welcome) -> Check:
    if welcome.server == statekeep.__version__:
        return Check("daemon", "good", f"version {welcome.server}")
    found = f"the daemon is {welcome.server}, this command {statekeep.__version__}"
    return Check("daemon", "warning", found, "Install the same version on both sides, and restart the daemon.")


def _role(welcome: Welcome) -> Check:
    peer = welcome.you
    if peer is None or peer.role is None:
        fix = "Ask whoever runs the daemon for a role in [access] of its configuration."
        return Check("role", "bad", "this user has no role", fix)
    return Check("role", "good", f"{peer.user} is {peer.role}")


def _keys(client: Client) -> Iterator[Check]:
    try:
        keys = client.call(KeyStatus())
    except Forbidden:
        yield Check("keys", "unknown", "only an admin may see them")
        return
    slots = ", ".join(sorted({slot.kind for slot in keys.slots}))
    if not any(slot.held for slot in keys.slots):
        fix = "`statekeep key rewrap` makes slots of what the daemon was started with."
        yield Check("keys", "warning", f"opened by none of its slots: {slots}", fix)
    elif len(keys.slots) == 1:
        fix = "`statekeep key add-recovery` makes a recovery key to write down."
        yield Check("keys", "warning", f"only one key opens the store: {slots}", fix)
    else:
        yield Check("keys", "good", f"{count(len(keys.slots), 'slot')}: {slots}")
    if keys.stuck:
        found = f"{count(keys.stuck, 'actor')} could not follow a rotation"
        yield Check("rotation", "bad", found, "`statekeep verify` names the actors.")


def _store(path: Path) -> Iterator[Check]:
    """The store's files, if this user may look at them."""
    try:
        file = path / "store.db" if path.is_dir() else path
        stored = file.stat().st_size
        log = file.with_name(file.name + "-wal")
        logged = log.stat().st_size if log.exists() else 0
        free = shutil.disk_usage(file.parent).free
    except OSError:
        yield Check("store", "unknown", f"{path} can't be looked at by this user")
        return
    yield Check("store", "good", f"{file}, {size(stored)}")
    if logged > LOG_LIMIT:
        fix = "Something holds an old snapshot of the store open: a backup that hangs, or another program."
        yield Check("log", "warning", f"the write-ahead log has {size(logged)}", fix)
    else:
        yield Check("log", "good", f"write-ahead log of {size(logged)}")
    level: Level = "bad" if free < NO_ROOM else "warning" if free < max(ROOM, stored) else "good"
    fix = "" if level == "good" else "Make room: without it nothing can be stored, and a backup needs as much again."
    yield Check("disk", level, f"{size(free)} free", fix)


def _backup(status: ServerStatus) -> Check:
    """Continuous backup if there is any, else the last copy that was taken."""
    if (shipped := status.shipped) is not None:
        found = f"shipped to {shipped.directory}, {count(shipped.behind, 'position')} behind"
        if shipped.failure:
            return Check("backup", "bad", f"{found}: {shipped.failure}", "Make the directory writable for the daemon.")
        if shipped.lag > LAG * 1000:
            found = f"{found}: the oldest change that is not shipped was made {ago(shipped.lag / 1000)}"
            return Check("backup", "warning", found, "Look at the daemon's log, and whether the directory is slow.")
        return Check("backup", "good", found)
    if status.backup is None:
        if not status.actors:
            return Check("backup", "unknown", "there is none, and nothing to lose yet")
        return Check("backup", "warning", "there is none", "`statekeep backup FILE` makes one.")
    age = time.time() - status.backup.time / 1000
    found = f"the last one was made {ago(max(0.0, age))}"
    if age > BACKUP_AGE:
        return Check("backup", "warning", found, "`statekeep backup FILE` makes one.")
    if not status.backup.verified:
        return Check("backup", "warning", f"{found}, and not verified", "`statekeep backup --test FILE` tries it out.")
    return Check("backup", "good", f"{found}, and verified")


def restorable(backup: Path) -> Iterator[Check]:
    """Whether a backup, a file or what is shipped to a directory, can be restored: by doing it, beside it."""
    from statekeep.tui.cli.backup import ask_keeper  # noqa: PLC0415 - for who names one

    try:
        found = ask_keeper("--rehearse", backup)
    except UnusableInput as problem:
        yield Check("restore", "bad", str(problem), problem.advice or "`statekeep backup FILE` makes another.")
    else:
        held = f"{count(found['actors'], 'actor')}, position {count(found['position'])}"
        yield Check("restore", "good", f"{backup} was restored, to try it out: {held}")


def _clock(status: ServerStatus) -> Check:
    ahead = status.started / 1000 - time.time()
    if ahead > CLOCK_STEP:
        found = "the daemon says that it was started in the future: the clock was put back"
        return Check("clock", "warning", found, "Let systemd-timesyncd or chrony keep the clock.")
    return Check("clock", "good", f"the daemon was started {ago(max(0.0, -ahead))}")


def units() -> Iterator[Check]:
    """Whether the units that systemd finds are those of this version."""
    shipped = resources.files("statekeep.tui.cli").joinpath("units")
    none = True
    for manager, folders in UNIT_FOLDERS.items():
        for unit in sorted(file.name for file in shipped.joinpath(manager).iterdir()):
            candidates = (Path(folder).expanduser() / unit for folder in folders)
            installed = next((path for path in candidates if path.is_file()), None)
            if installed is None:
                continue
            none = False
            ours = shipped.joinpath(manager, unit).read_text(encoding="utf-8")
            if _meant(installed.read_text(encoding="utf-8", errors="replace")) == _meant(ours):
                yield Check("unit", "good", str(installed))
            else:
                fix = "Keep your own settings in a drop-in (systemctl edit), and put back the unit of this version."
                yield Check("unit", "warning", f"{installed} is not that of this version", fix)
    if none:
        yield Check("unit", "unknown", "no unit is installed; `statekeep init` writes them for this user")


def _meant(unit: str) -> list[str]:
    """The settings of a unit. Where the program is installed makes no difference."""
    lines = [text.strip() for text in unit.splitlines()]
    return [re.sub(r"=\S*/(statekeepd?)\b", r"=\1", text) for text in lines if text and text[0] not in "#;"]
