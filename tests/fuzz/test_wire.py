"""Whatever comes over the wire, only our own errors come out: a coverage-guided search for what would break that."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.protocol.test_readme import EXAMPLES

TARGETS = ("framing", "codec", "dispatch")


def seeds(corpus: Path) -> None:
    """Put the examples of the reference page into a corpus, as they are on the wire."""
    corpus.mkdir()
    for number, (kind, _, text) in enumerate(EXAMPLES):
        (corpus / str(number)).write_bytes(bytes.fromhex(text) if kind == "hex" else text.encode())


@pytest.mark.fuzz
@pytest.mark.parametrize("target", TARGETS)
def test_only_our_own_errors_come_out(tmp_path: Path, target: str, pytestconfig: pytest.Config) -> None:
    """Of any bytes, cut in any way, and of any request at an engine. A finding is left in a file that is named."""
    if not importlib.util.find_spec("atheris"):
        pytest.skip("atheris is not installed: pip install atheris (Linux, Python 3.11 to 3.14)")
    total: Any = pytestconfig.getoption("--fuzz-seconds")
    seconds = total / len(TARGETS)
    seeds(tmp_path / "corpus")
    options = [
        f"-max_total_time={seconds:.0f}",
        "-timeout=10",
        "-max_len=2048",
        "-len_control=0",
        f"-artifact_prefix={tmp_path}/",
    ]
    command = [sys.executable, "-m", "tests.fuzz.wire", target, *options, str(tmp_path / "corpus")]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-4_000:]
    (runs,) = re.findall(r"Done (\d+) runs", done.stderr)
    sys.stdout.write(f"{target}: {runs} inputs in {seconds:.0f} s\n")
