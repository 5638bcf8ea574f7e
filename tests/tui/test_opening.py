"""How the screens are opened: by which words, with which settings, and at what cost."""

from __future__ import annotations

import importlib
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from statekeep.daemon.engine import Engine
from statekeep.tui.app import ROOMS, StatekeepApp
from statekeep.tui.screens.room import Room
from statekeep.tui.settings import Settings, UnusableSettings, read_settings
from statekeep.tui.widgets.table import Table
from tests.tui.conftest import STATEKEEP, Run
from tests.tui.stage import Stage, loans, play


def test_the_first_screen_loads_no_other() -> None:
    """Each screen is imported when it is first shown, and charts with the first that shows one."""
    listing = "import sys, statekeep.tui.app, statekeep.tui.screens.overview; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)
    loaded = {name for name in run.stdout.split() if name.startswith("statekeep.")}
    screens = {name.rpartition(".")[2] for name in loaded if name.startswith("statekeep.tui.screens.")}
    assert screens == {"overview", "room"}
    assert not {name for name in loaded if name.startswith("statekeep.daemon")}


def test_no_command_on_a_terminal_opens_the_screens(tmp_path: Path) -> None:
    """``statekeep`` alone, where somebody sits; here it says that there is no daemon."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"STATEKEEP_SOCKET": str(tmp_path / "s"), "TERM": "xterm-256color"}
    with subprocess.Popen(STATEKEEP, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        drawn = b""
        while b"No daemon" not in drawn:
            drawn += os.read(ours, 1 << 16)
        process.terminate()
        os.close(ours)


def test_no_command_elsewhere_is_a_wrong_command_line(run: Run) -> None:
    """A script that forgot its command does not hang in a screen."""
    assert run().code == 2


def test_settings_are_read(tmp_path: Path) -> None:
    """Theme and keys; without the file, the defaults."""
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert read_settings(environ) == Settings()
    (tmp_path / "statekeep").mkdir()
    file = tmp_path / "statekeep/tui.toml"
    file.write_text('theme = "nord"\n[keys]\nquit = "ctrl+c"\n')
    assert read_settings(environ) == Settings(theme="nord", keys={"quit": "ctrl+c"})
    file.write_text("colour = 1")
    with pytest.raises(UnusableSettings, match=r"tui\.toml.*colour"):
        read_settings(environ)


def test_wrong_settings_are_told_before_anything_opens(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file, what is wrong with it, and what would be right."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "statekeep").mkdir()
    (tmp_path / "statekeep/tui.toml").write_text("theme = ")
    code, _, err = run("tui")
    assert code == 2
    assert "tui.toml" in err
    assert "[keys]" in err


def test_without_a_terminal_the_screens_do_not_open(run: Run) -> None:
    """Their control sequences are of no use in a pipe; what is, is named."""
    code, out, err = run("tui")
    assert (code, out) == (2, "")
    assert "need a terminal" in err
    assert "statekeep status" in err


def test_a_theme_that_there_is_not_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With those that there are; other colours than were asked for would be a riddle."""
    monkeypatch.setenv("TEXTUAL_DRIVER", "textual.drivers.headless_driver:HeadlessDriver")
    code, out, err = run("tui", "--theme", "nrod")
    assert (code, out) == (2, "")
    assert "There is no theme 'nrod'." in err
    assert ", nord, " in err


def test_keys_can_be_remapped(engine: Engine) -> None:
    """A screen opens by the key that its name was given in the settings."""
    loans(engine)

    async def scene(stage: Stage) -> None:
        stage.app.set_keymap({"actors": "f2", "down": "f3", "copy": "f4", "sort": "f5"})
        await stage.press("2")
        assert stage.app.crumbs == ["Overview"]
        await stage.press("f2")
        assert stage.app.crumbs == ["Overview", "Actors"]
        await stage.press("j", "y", "f3", "f4")
        assert stage.app.clipboard == "alice-1"
        await stage.press("f5")
        assert "latest first" in stage.text

    play(engine, scene)


def test_every_key_has_a_name_for_the_settings() -> None:
    """Whatever can be pressed on a screen of the house or in its tables can be put on another key."""
    kinds: list[Any] = [Table, StatekeepApp]
    for _, module, _ in ROOMS.values():
        kinds += [kind for kind in vars(importlib.import_module(module)).values() if _is_room(kind)]
    bindings = [binding for kind in kinds for binding in vars(kind).get("BINDINGS", ())]
    assert len(bindings) > 40
    assert [binding.description for binding in bindings if not binding.id] == []


def _is_room(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Room)


def test_without_colours_everything_can_still_be_told(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR no two colours are left, and cursor, outcomes and states have their signs."""
    monkeypatch.setenv("NO_COLOR", "1")
    loans(engine)

    async def scene(stage: Stage) -> None:
        await stage.press("2", "j")
        assert next(line for line in stage.text.splitlines() if "▌" in line).split()[2] == "alice-1"
        assert "● active" in stage.text
        colours = set(re.findall(r"fill: ?#([0-9a-f]{6})", stage.app.export_screenshot()))
        assert len(colours) > 1
        # The picture's own frame is almost grey.
        assert all(max(bytes.fromhex(colour)) - min(bytes.fromhex(colour)) < 4 for colour in colours), colours

    play(engine, scene)
