"""What every test stands on: a user's directories of its own, and random examples that repeat."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

MEMORY = Path("/dev/shm")  # noqa: S108 - each test makes a private directory in it
ROOM = str(MEMORY) if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 4 << 30 else None
"""Where tests keep their files: what survives a kill needs no disk, and a slow one makes them ten times as long."""

# A default run that fails must fail again; a `fuzz` run looks for what nobody has seen yet. Neither has a deadline
# for one example: on a shared machine it would measure the neighbours.
settings.register_profile("repeat", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=2_000, deadline=None, print_blob=True)
settings.load_profile("repeat")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say how long a coverage-guided search may take."""
    parser.addoption("--fuzz-seconds", type=float, default=60.0, help="for tests/fuzz in all; 3600 is an hour")


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A directory with a short name, as the path of a Unix socket has room for 107 bytes; pytest's own grow longer."""
    with tempfile.TemporaryDirectory(dir=ROOM, ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture(scope="session", autouse=True)
def user_directories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Sockets, keys and stores that a test makes by default stay out of the ones of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_STATE_HOME"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        for name in ("STATEKEEP_CONFIG", "STATEKEEP_DATA", "STATEKEEP_SOCKET"):
            patch.delenv(name, raising=False)
        yield
