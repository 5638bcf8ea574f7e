"""What the tests of faults share: the disk that is watched, and room for what is left of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.worlds import MEMORY
from tests.faults.disk import library


@pytest.fixture(scope="session")
def preloaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled ``disk.c``."""
    return library(tmp_path_factory.mktemp("disk"))


@pytest.fixture
def room() -> Iterator[Path]:
    """A directory for many short-lived stores."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        yield Path(name)
