"""What is shipped is what stands in the tree, and it runs where nothing else of the project is."""

import email
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import statekeep

ROOT = Path(__file__).parent.parent
ROOMS = ("daemon", "protocol", "tui")
SHIPPED = {".py", ".pyi", ".json", ".tcss", ".html", ".md"}
EXTENSION = "statekeep/daemon/routing/_evaluator.abi3.so"


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist of the tree, and the wheel that was made from that sdist alone."""
    folder = tmp_path_factory.mktemp("packages")
    # Of a copy: setuptools would take the list of an earlier build in the tree for what is wanted now.
    clone = folder / "clone"
    left_behind = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "*.so", "__pycache__")
    shutil.copytree(ROOT, clone, symlinks=True, ignore=left_behind)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(clone)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "would be ignored" not in run.stdout + run.stderr  # what setuptools says of data that it takes for packages
    return folder


@pytest.fixture(scope="session")
def wheel(packages: Path) -> Path:
    """The only wheel among them: a second one would mean that its name depends on the Python."""
    (found,) = packages.glob("*.whl")
    return found


def tree() -> set[str]:
    """The names that the files of the rooms have in the package."""
    files = {file for room in ROOMS for file in (ROOT / room).rglob("*") if file.suffix in SHIPPED}
    units = {file.relative_to(ROOT / "systemd") for file in (ROOT / "systemd").glob("*/*")}
    return {f"statekeep/{file.relative_to(ROOT)}" for file in files} | {f"statekeep/tui/cli/units/{u}" for u in units}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_linked_into_the_package(room: str) -> None:
    """Each room is one folder with two names, so that tools and people see the same files."""
    link = ROOT / "src/statekeep" / room
    assert link.is_symlink()
    assert link.readlink() == Path("../..", room)


def test_the_wheel_holds_the_tree(wheel: Path) -> None:
    """Every module and no test is shipped, with the marker of its types and the extension."""
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name for name in archive.namelist() if ".dist-info/" not in name and ".data/" not in name}
        manuals = {name.partition("/share/man/")[2] for name in archive.namelist() if ".data/" in name}
    assert manuals == {f"man{file.suffix[1:]}/{file.name}" for file in (ROOT / "docs/man").iterdir()}
    assert shipped == tree() | {"statekeep/__init__.py", "statekeep/py.typed", "statekeep/testing.py", EXTENSION}


def test_the_sdist_holds_the_sources_of_the_extension(packages: Path) -> None:
    """Whoever has only the sdist can read and build the C."""
    (sdist,) = packages.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    sources = {str(file.relative_to(ROOT)) for file in (ROOT / "csrc").iterdir() if file.suffix in {".c", ".h", ".py"}}
    assert sources | {"setup.py", "LICENSE"} <= names
    assert not [name for name in names if name.startswith("tests")]


def test_one_wheel_serves_every_python_from_the_oldest(wheel: Path) -> None:
    """The tag promises the stable interface of the oldest CPython that the project takes."""
    with zipfile.ZipFile(wheel) as archive:
        metadata = email.message_from_bytes(archive.read(f"statekeep-{statekeep.__version__}.dist-info/METADATA"))
    assert metadata["Version"] == statekeep.__version__
    assert metadata["Requires-Python"] == ">=3.11"
    assert "-cp311-abi3-linux" in wheel.name


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The tree without what tools left in it."""
    left_behind = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "*.so", "__pycache__", "tests")
    return Path(shutil.copytree(ROOT, tmp_path / "clone", symlinks=True, ignore=left_behind))


def installed(clone: Path, *variables: str) -> None:
    """Run ``make install``."""
    command = ["make", "-C", str(clone), "install", f"PYTHON={sys.executable}", *variables]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_it_is_installed_for_a_whole_system(clone: Path, tmp_path: Path) -> None:
    """``make install PREFIX=`` gives commands that run, with an environment of their own, and units that name them."""
    prefix = tmp_path / "usr"
    installed(clone, f"PREFIX={prefix}", f"SYSCONFDIR={tmp_path / 'etc'}")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(prefix / "bin/statekeep"), "demo"]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    service = (prefix / "lib/systemd/system/statekeep.service").read_text()
    assert f"ExecStart={prefix}/bin/statekeepd\n" in service
    assert (tmp_path / "etc/statekeep/statekeep.toml").read_bytes() == (ROOT / "systemd/statekeep.toml").read_bytes()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_package_is_put_together_elsewhere(clone: Path, tmp_path: Path) -> None:
    """With ``DESTDIR`` nothing that is installed says where that was, and a configuration that is there stays."""
    stage = tmp_path / "stage"
    kept = stage / "etc/statekeep/statekeep.toml"
    kept.parent.mkdir(parents=True)
    kept.write_text("# mine\n")
    installed(clone, "PREFIX=/usr", f"DESTDIR={stage}")
    files = [file for file in stage.rglob("*") if file.is_file() and not file.is_symlink()]
    assert [str(file) for file in files if bytes(stage) in file.read_bytes()] == []
    assert kept.read_text() == "# mine\n"
    assert (stage / "usr/lib/sysusers.d/statekeep.conf").exists()
    assert (stage / "usr/share/man/man8/statekeepd.8").exists()
    assert "complete" in (stage / "usr/share/bash-completion/completions/statekeep").read_text()
    assert (stage / "usr/bin/statekeep").readlink() == Path("../lib/statekeep/bin/statekeep")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_wheel_runs_in_a_fresh_environment(wheel: Path, tmp_path: Path) -> None:
    """``pip install statekeep[all]`` is all that a user needs: both commands, the extension, and the whole story."""
    venv.create(tmp_path / "venv", with_pip=True)
    commands = tmp_path / "venv/bin"

    def run(*command: str | Path) -> str:
        # Away from the tree, so that nothing of it is imported by accident.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(commands / "python", "-m", "pip", "install", "--quiet", f"{wheel}[all]")
    assert "deploy" in run(commands / "statekeep", "--help")
    assert "statekeepd" in run(commands / "statekeepd", "--help")
    module = "statekeep.daemon.routing._evaluator"
    assert str(tmp_path) in run(commands / "python", "-c", f"import {module}; print({module}.__file__)")
    run(commands / "statekeep", "demo")
