"""A store for each test, in memory unless the test says otherwise."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.worlds import MEMORY


@pytest.fixture
def path() -> Iterator[Path]:
    """Where a store can be made that need not outlive the machine."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        yield Path(name) / "store.db"
