"""Power cuts: what was acknowledged is there, nothing is there by half, and what was erased does not come back.

The work of a seed is done once, on record; then the power is cut at many points of the record. A seed that fails does
so again: its number is the test's.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

import msgspec
import pytest

from tests.faults.disk import Change, Disk, environment, read_log
from tests.faults.workload import Mark, examine, tight

STEPS = 40
"""Of one seed's work: some 700 changes of the disk."""

CUTS = 50
"""In the work of one seed."""


def run(room: Path, preloaded: Path, seed: int) -> list[Change]:
    """The log of a seed's work."""
    directory = room / "work"
    directory.mkdir()
    command = [sys.executable, "-m", "tests.faults.workload", str(directory), str(seed), str(STEPS)]
    subprocess.run(command, env=environment(preloaded, directory, room / "log"), check=True)
    return read_log(room / "log")


def read_marks(text: bytes) -> list[Mark]:
    """Those that are whole."""
    return msgspec.json.Decoder(Mark).decode_lines(text[: text.rfind(b"\n") + 1])


def look(image: Path, marks: Sequence[Mark], answered: int) -> None:
    """Compare what is left with what was said in the ``marks``, the first ``answered`` of them before the cut."""
    contents = {file.name: file.read_bytes() for file in image.iterdir()}
    for value in [bytes.fromhex(value) for mark in marks[:answered] for value in mark.gone]:
        assert [name for name, content in contents.items() if value in content] == [], "an erased value came back"
    told = examine(image)
    # The step under way may be there, as a whole; it was not acknowledged.
    allowed = marks[max(answered - 1, 0) : answered + 1]
    found = [mark.step for mark in marks if mark.told == told]
    assert told in [mark.told for mark in allowed], f"it should stand at one of {[m.step for m in allowed]}: {found}"


@pytest.mark.parametrize(
    "seed",
    [*range(3), *(pytest.param(seed, marks=[pytest.mark.slow, pytest.mark.timeout(600)]) for seed in range(3, 43))],
)
def test_a_power_cut_takes_nothing_that_was_acknowledged(room: Path, preloaded: Path, seed: int) -> None:
    """Wherever it comes, and whichever sectors of what was not synced are on the disk.

    What comes up tells exactly what it told after the last step that was answered, or after the one under way then;
    ``verify`` finds nothing, and the work goes on.
    """
    log, random, whole, marked = run(room, preloaded, seed), Random(seed), Disk(), list[int]()
    for number, change in enumerate(log, start=1):
        before = len(whole.marks)
        whole.apply(change)
        marked += [number] * (len(whole.marks) > before)
    marks = read_marks(bytes(whole.marks))
    assert len(marks) == STEPS + 1
    disk, at = Disk(), 0
    # Anywhere, and where it is worst: just after something was answered.
    cuts = [random.randrange(len(log) + 1) for _ in range(CUTS // 2)] + random.choices(marked, k=CUTS - CUTS // 2)
    for cut in sorted(cuts):
        for change in log[at:cut]:
            disk.apply(change)
        at = cut
        disk.image(room / "image", random)
        with tight():
            try:
                look(room / "image", marks, len(read_marks(bytes(disk.marks))))
            except Exception as failure:
                failure.add_note(f"power cut behind change {cut} of {len(log)}")
                raise
        shutil.rmtree(room / "image")
