"""The manual pages and the reference are those that the programs make."""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from statekeep.daemon.config import settings

ROOT = Path(__file__).parent.parent
MAKE: dict[str, Any] = runpy.run_path(str(ROOT / "docs/make.py"))
MADE: dict[Path, str] = MAKE["made"]()
PAGES = sorted((ROOT / "docs/man").iterdir())


@pytest.mark.parametrize("path", MADE, ids=lambda path: path.name)
def test_a_page_is_up_to_date(path: Path) -> None:
    """Else ``make manual`` makes it."""
    assert path.read_text(encoding="utf-8") == MADE[path]


def test_every_command_and_option_is_there() -> None:
    """By what the help of the command line lists, in both forms."""
    reference = MADE[ROOT / "docs/reference/commands.md"]
    manual = MADE[ROOT / "docs/man/statekeep.1"]
    found = list(MAKE["commands"](MAKE["build"]()))
    assert {"deploy", "send", "key rotate", "config show", "doctor", "import"} <= {command.name for command in found}
    for command in found:
        assert f"\n## {command.name}\n" in reference
        assert f'.SS "{command.name}"'.replace("-", r"\-") in manual
        assert command.text


def test_every_argument_is_explained() -> None:
    """But for those whose name says it all."""
    silent = {
        f"{command.name} {argument.name}"
        for command in MAKE["commands"](MAKE["build"]())
        for argument in command.arguments
        if not argument.help and argument.name not in {"VERSION", "{bash|zsh|fish}"}
    }
    assert silent == set()


def test_every_setting_is_there() -> None:
    """With its default and its variable."""
    reference = MADE[ROOT / "docs/reference/configuration.md"]
    for setting in settings():
        assert f"| `{setting.key}` |" in reference
        assert f"| `{setting.variable}` |" in reference


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_roff_has_nothing_to_complain_of(page: Path) -> None:
    """And what comes out has the whole text of the options."""
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("groff is not installed. Debian: apt-get install groff")
    done = subprocess.run([groff, "-man", "-Tascii", "-ww", str(page)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    shown = re.sub(r".\x08", "", done.stdout)
    assert "SYNOPSIS" in shown or page.suffix == ".5"


def test_the_errors_are_one_page() -> None:
    """The reference is the page that ``explain`` reads."""
    assert (ROOT / "docs/reference/errors.md").resolve() == ROOT / "tui/cli/errors.md"
