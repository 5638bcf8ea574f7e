"""``statekeep key``: what it asks for, what it shows, and the files that it makes."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from statekeep.daemon.engine import Engine
from statekeep.daemon.store import master_key
from statekeep.protocol import errors
from statekeep.protocol.messages import KeyAddRecovery, KeyExportRecovery, KeyRewrap, KeyRotate, KeyStatus
from statekeep.protocol.records import KeyEpoch, Keys, KeySlot, NewKey, Rewrapped
from tests.tui.conftest import Asked, Run
from tests.tui.records import NOON

FILE = KeySlot(slot=1, kind="file", created=NOON, held=True)
RECOVERY = KeySlot(slot=2, kind="recovery", created=NOON)
SETTLED = Keys(
    epoch=2,
    epochs=[KeyEpoch(epoch=1, created=NOON, retired=NOON + 60_000), KeyEpoch(epoch=2, created=NOON)],
    slots=[FILE, RECOVERY],
)
ROTATING = msgspec.structs.replace(
    SETTLED,
    epochs=[KeyEpoch(epoch=1, created=NOON), KeyEpoch(epoch=2, created=NOON)],
    rotating=True,
    left=1_234,
    offered=["credential"],
)
STUCK = msgspec.structs.replace(ROTATING, rotating=False, left=3, stuck=3, offered=[])
KEY_FILE = "statekeep master key 1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"


def test_the_status_lists_slots_and_epochs(run: Run, daemon: Asked) -> None:
    """With what opens them, which of them the daemon was started with, and what became of the epochs."""
    daemon.answers(SETTLED)
    code, out, _ = run("key", "status")
    assert (code, daemon.asked) == (0, [KeyStatus()])
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "1 file 2026-03-01 12:00:00 in use" in lines
    assert "2 recovery 2026-03-01 12:00:00" in lines
    assert "epoch 1 since 2026-03-01 12:00:00, key destroyed 2026-03-01 12:01:00" in lines
    assert "epoch 2 since 2026-03-01 12:00:00" in lines


def test_the_status_shows_what_is_to_be_done(run: Run, daemon: Asked) -> None:
    """A rotation under way with who is left, a key without a slot, and actors that could not follow."""
    daemon.answers(ROTATING)
    _, out, _ = run("key", "status")
    assert "1,234 actors to follow into epoch 2" in out
    assert "given a credential that opens nothing yet" in out
    assert "epoch 1  since 2026-03-01 12:00:00, still needed" in out
    daemon.answers(STUCK)
    assert "3 actors could not follow" in run("key", "status").out


def test_a_rotation_is_waited_for(run: Run, daemon: Asked) -> None:
    """The daemon is asked until none is left; with --no-wait once."""
    daemon.answers(ROTATING, ROTATING, SETTLED)
    code, out, _ = run("key", "rotate")
    assert code == 0
    assert out.splitlines() == [
        "Epoch 2 has begun; 1,234 actors to follow.",
        "Done; the keys of the epochs before are destroyed.",
    ]
    assert daemon.asked == [KeyRotate(), KeyStatus(), KeyStatus()]
    daemon.answers(ROTATING)
    assert run("key", "rotate", "--no-wait").out == "Epoch 2 has begun; 1,234 actors to follow.\n"
    assert daemon.asked[3:] == [KeyRotate()]


def test_a_rotation_that_left_somebody_behind_ends_with_1(run: Run, daemon: Asked) -> None:
    """And names the command that says who it is; as JSON, the state at the end."""
    daemon.answers(ROTATING, STUCK)
    code, out, _ = run("key", "rotate")
    assert code == 1
    assert "`statekeep verify`" in " ".join(out.split())
    daemon.answers(ROTATING, STUCK)
    code, out, _ = run("key", "rotate", "--json")
    assert (code, msgspec.json.decode(out, type=Keys)) == (1, STUCK)


def test_a_rewrap_says_first_what_it_would_drop(run: Run, daemon: Asked) -> None:
    """Without --yes nothing is asked of the daemon but the status; with it, or when nothing is lost, it is done."""
    daemon.answers(SETTLED)
    code, _, err = run("key", "rewrap")
    assert code == 2
    assert "These would open the store no more: slot 2 (recovery)." in err
    assert daemon.asked == [KeyStatus()]
    daemon.answers(Rewrapped(slots=[FILE], dropped=[RECOVERY]))
    code, out, _ = run("key", "rewrap", "--yes", "--without", "2")
    assert out.splitlines() == [
        "The store key is new. It opens with: slot 1 (file).",
        "No more with: slot 2 (recovery).",
    ]
    assert daemon.asked[1:] == [KeyRewrap(without=[2])]
    daemon.answers(msgspec.structs.replace(SETTLED, slots=[FILE]), Rewrapped(slots=[FILE]))
    assert run("key", "rewrap") == (0, "The store key is new. It opens with: slot 1 (file).\n", "")


def test_a_rewrap_that_can_t_be_is_not_offered(run: Run, daemon: Asked) -> None:
    """A slot that there is not, and a store that nothing would open: --yes would be refused as well."""
    daemon.answers(SETTLED)
    code, _, err = run("key", "rewrap", "--without", "9")
    assert (code, "[unknown_slot]" in err) == (1, True)
    code, _, err = run("key", "rewrap", "--without", "1")
    assert code == 2
    assert "slot 1 (file), slot 2 (recovery)." in err
    assert "--yes" not in err
    assert daemon.asked == [KeyStatus()] * 2


def test_a_recovery_key_is_shown_once(run: Run, daemon: Asked) -> None:
    """Alone on its line, with what to do with it."""
    daemon.answers(NewKey(slot=RECOVERY, secret="7K3M-90QX"))
    code, out, _ = run("key", "add-recovery")
    assert (code, daemon.asked) == (0, [KeyAddRecovery()])
    assert "  7K3M-90QX" in out.splitlines()
    assert "Write it down" in out
    assert msgspec.json.decode(run("key", "add-recovery", "--json").out, type=NewKey).secret.startswith("7K3M")


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_an_exported_key_is_in_its_file_alone(run: Run, daemon: Asked, tmp_path: Path, more: list[str]) -> None:
    """A new file that only its owner reads, and that the daemon takes; nothing of it is printed."""
    daemon.answers(NewKey(slot=FILE, secret=KEY_FILE))
    file = tmp_path / "k"
    before = os.umask(0)
    try:
        code, out, err = run("key", "export-recovery", str(file), *more)
    finally:
        os.umask(before)
    assert (code, daemon.asked) == (0, [KeyExportRecovery()])
    assert file.read_text() == KEY_FILE
    assert master_key(file) == bytes(range(32))
    assert "AAEC" not in out + err


def test_a_file_that_can_t_be_made_makes_no_slot(run: Run, daemon: Asked, tmp_path: Path) -> None:
    """One that is there is left as it is, and the daemon is not asked; a refusal leaves no empty file behind."""
    file = tmp_path / "k"
    file.write_text("precious")
    code, _, err = run("key", "export-recovery", str(file))
    assert (code, daemon.asked, file.read_text()) == (2, [], "precious")
    assert "File exists" in err
    daemon.answers(errors.LimitExceeded("The number of key slots", 32, "slots"))
    assert run("key", "export-recovery", str(tmp_path / "other")).code == 1
    assert not (tmp_path / "other").exists()


def test_a_failure_names_the_whole_command(run: Run, daemon: Asked) -> None:
    """``key rotate``, as it was typed."""
    daemon.answers(errors.RotationUnderWay(2, 7))
    code, _, err = run("key", "rotate")
    assert code == 1
    assert err.startswith("statekeep key rotate: The keys are on their way into epoch 2; 7 actors are left.")


def test_the_commands_work_together(run: Run, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a real engine: make keys, rotate, and drop what was made."""
    monkeypatch.setattr("statekeep.daemon.engine.keys.STEP", 1)
    for command in (["add-recovery"], ["export-recovery", str(tmp_path / "k")], ["rotate"], ["rewrap", "--yes"]):
        assert run("key", *command).code == 0, command
    keys = msgspec.json.decode(run("key", "status", "--json").out, type=Keys)
    assert ([slot.kind for slot in keys.slots], keys.epoch, keys.rotating) == (["file"], 2, False)
