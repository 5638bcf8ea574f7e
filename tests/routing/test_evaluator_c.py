"""The evaluator's own tests in C, under AddressSanitizer and UBSan."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

TEST = Path(__file__).parents[2] / "csrc" / "test.sh"


def test_the_evaluator_holds_under_sanitizers() -> None:
    """No byte outside a buffer is touched, nothing is undefined, no warning stands, and all is as specified."""
    compiler = os.environ.get("CC", "cc")
    if shutil.which(compiler) is None:
        pytest.skip(f"needs a C compiler with sanitizers; there is no {compiler!r} on PATH")
    run = subprocess.run(["sh", TEST], capture_output=True, text=True, check=False, timeout=100)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout == "evaluator: 5000 rounds\nchildren: 5000 rounds\ncohorts: 5000 rounds\nactors: 5000 rounds\n"
