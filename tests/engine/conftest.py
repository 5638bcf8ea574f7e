"""An engine for each test, in memory unless the test says otherwise."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from statekeep.daemon.engine import Engine
from tests.engine.worlds import MEMORY, engine_in


@pytest.fixture
def directory() -> Iterator[Path]:
    """Where a store can be made that need not outlive the machine."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        yield Path(name)


@pytest.fixture
def engine(directory: Path) -> Iterator[Engine]:
    """An engine on a new store."""
    with engine_in(directory) as engine:
        yield engine
