"""The rooms keep to their arrows: by the contracts of pyproject.toml, and by what an import really loads."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

OUTER = "tui -> protocol <- daemon"
INNER = "server -> engine -> store, routing, statecharts"

TRESPASSES = [
    (OUTER, "tui.trespass", "statekeep.daemon.engine"),
    (OUTER, "tui.trespass", "statekeep.daemon.routing.rule"),
    (OUTER, "protocol.trespass", "statekeep.daemon"),
    (OUTER, "daemon.config", "statekeep.tui"),
    (OUTER, "trespass", "os"),
    (INNER, "daemon.engine.trespass", "statekeep.daemon.server"),
    (INNER, "daemon.config", "statekeep.daemon.server"),
    (INNER, "daemon.routing.trespass", "statekeep.daemon.statecharts"),
    (INNER, "daemon.statecharts.trespass", "statekeep.daemon.routing"),
    (INNER, "daemon.store.trespass", "statekeep.daemon.engine"),
    (INNER, "daemon.trespass", "os"),
    ("the protocol asks little of a client", "protocol.trespass", "trio"),
    ("only the store knows SQL and keys", "daemon.engine.trespass", "sqlite3"),
    ("only the server waits", "daemon.engine.trespass", "trio"),
    ("the daemon has no screen", "daemon.config", "rich"),
    ("the command line starts without a screen or an event loop", "tui.cli.trespass", "textual"),
]
"""For each contract: a module that would break it, and what that module would import. ``os`` stands for anything."""

ALLOWED = [
    ("tui.cli.newcomer", "statekeep.daemon.statecharts"),
    ("tui.cli.newcomer", "statekeep.daemon.routing.rehearsal"),
    ("daemon.server", "statekeep.daemon.engine"),
    ("daemon.store.newcomer", "cryptography"),
    ("daemon.server", "trio"),
    ("tui.app", "textual"),
]


def broken_contracts(folder: Path) -> set[str]:
    """The names of the contracts that the package ``statekeep`` in ``folder`` breaks."""
    run = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--config", ROOT / "pyproject.toml", "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert re.search(r"Contracts: \d+ kept, \d+ broken", run.stdout), run.stdout + run.stderr
    broken = {match[1].strip() for match in re.finditer(r"^(.+) BROKEN", run.stdout, re.MULTILINE)}
    assert bool(broken) == bool(run.returncode), run.stdout
    return broken


def with_import(folder: Path, importer: str, imported: str) -> Path:
    """Copy the package into ``folder`` and let ``importer`` import ``imported``; a module that is missing is made."""
    package = folder / "statekeep"
    shutil.copytree(ROOT / "src/statekeep", package, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    for name in (f"statekeep.{importer}", imported):
        path = folder.joinpath(*name.split("."))
        if name.startswith("statekeep.") and not path.is_dir():
            path.with_suffix(".py").touch()
    with package.joinpath(*importer.split(".")).with_suffix(".py").open("a") as module:
        module.write(f"\nimport {imported}\n")
    return folder


def test_the_rooms_keep_their_contracts() -> None:
    """No module imports what its room must not know."""
    assert broken_contracts(ROOT / "src") == set()


@pytest.mark.parametrize(("contract", "importer", "imported"), TRESPASSES)
def test_a_trespass_is_noticed(tmp_path: Path, contract: str, importer: str, imported: str) -> None:
    """One wrong import breaks the contract that is about it."""
    assert contract in broken_contracts(with_import(tmp_path, importer, imported))


@pytest.mark.parametrize(("importer", "imported"), ALLOWED)
def test_the_arrows_that_are_drawn_are_free(tmp_path: Path, importer: str, imported: str) -> None:
    """What the design allows breaks no contract, also where the module that will need it is still to come."""
    assert broken_contracts(with_import(tmp_path, importer, imported)) <= broken_contracts(ROOT / "src")


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("statekeep.protocol", {"anyio", "cryptography", "sqlite3", "textual", "trio"}),
        ("statekeep.daemon.statecharts", {"anyio", "cryptography", "sqlite3", "textual", "trio"}),
        ("statekeep.tui.cli", {"cryptography", "sqlite3", "textual", "trio"}),
    ],
)
def test_an_import_loads_no_more_than_it_needs(module: str, absent: set[str]) -> None:
    """A client does not pay for the daemon's libraries, nor the command line for the screen's."""
    listing = f"import sys, {module}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)
    assert absent.isdisjoint(run.stdout.split())


def test_the_page_shows_the_layers_of_the_contract() -> None:
    """ARCHITECTURE.md lists the modules of the daemon in the order in which the contract has them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (inner,) = [contract for contract in contracts if contract["name"] == INNER]
    page = (ROOT / "ARCHITECTURE.md").read_text()
    drawn = re.findall(
        r"^\d+\. ([`\w, ]+?)(?::.*)?$", page.partition("Inside the daemon")[2].partition("##")[0], re.MULTILINE
    )
    assert [set(re.findall(r"\w+", layer)) for layer in drawn] == [
        set(re.findall(r"\w+", layer)) for layer in inner["layers"]
    ]


def test_the_page_shows_every_room() -> None:
    """Each folder that holds code is in the table of ARCHITECTURE.md, and no other."""
    page = (ROOT / "ARCHITECTURE.md").read_text()
    shown = re.findall(r"^\| `([\w/]+)/`", page, re.MULTILINE)
    inside = {f"daemon/{folder.name}" for folder in (ROOT / "daemon").iterdir() if (folder / "__init__.py").exists()}
    outside = {"protocol", "daemon", "csrc", "tui", "systemd", "src/statekeep", "examples", "tests"}
    assert set(shown) == inside | outside
    assert len(shown) == len(set(shown))
