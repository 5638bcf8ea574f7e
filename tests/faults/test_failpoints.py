"""A kill at each named point: before and after each step by which the store changes its files."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from statekeep.daemon.engine import Engine
from statekeep.daemon.engine.world import World
from statekeep.daemon.store import Store, Vault, gaps, journal
from statekeep.daemon.store.erasure import Erasures
from statekeep.daemon.store.journal import Journal
from statekeep.daemon.store.writing import Writes
from tests.engine.worlds import start
from tests.faults.copier import Copier
from tests.faults.disk import MARKS, environment
from tests.faults.test_power import read_marks
from tests.faults.workload import Story, examine, number_of_actors, tight, told

POINTS: Final[dict[str, tuple[Any, str]]] = {
    "begin": (Writes, "begin"),
    "write": (Writes, "flush"),
    "commit": (Store, "commit"),
    "rollback": (Store, "rollback"),
    "batch": (Engine, "run"),  # after it come the replies
    "sweep chunk": (World, "judge_next"),
    "rotation begun": (Vault, "rotate"),
    "rotation chunk": (Vault, "go_on"),
    "store key replaced": (Vault, "rewrap"),
    "erase": (Writes, "erase_actor"),
    "erasure completed": (Erasures, "finish"),
    "erasure journal": (Journal, "append"),
    "directory synced": (journal, "sync_directory"),
    "checkpoint": (Erasures, "_checkpoint"),
    "gaps blanked": (gaps, "blank"),
}
"""Each point, and the function that is passed there; a kill comes before and after it."""

STEPS = 60


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 22))])
def test_a_kill_at_a_named_point_leaves_a_step_done_or_not_begun(room: Path, seed: int) -> None:
    """Nothing else is possible: the copy tells what was told before the step under way, or what is told after it."""
    directory, story, tells = room / "work", Story(seed), list[str]()
    directory.mkdir()
    copier = Copier(directory, room, POINTS)
    with tight(), copier.everywhere():
        with closing(start(directory, Random(seed).randbytes)) as engine:
            tells.append(told(engine))
            for copier.step in range(1, STEPS + 1):
                batch = story.batch(number_of_actors(engine))
                copier.watching = True
                engine.run(batch)
                copier.watching = False
                tells.append(told(engine))
        assert {point for point, _, _ in copier.made} >= {"before erasure completed", "after rotation chunk"}
        for point, step, copy in copier.made:
            assert examine(copy) in tells[step - 1 : step + 1], f"{point} in step {step}"


@pytest.fixture(scope="module")
def whole(preloaded: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What is told after each step, where nobody is killed."""
    directory = tmp_path_factory.mktemp("whole")
    _work(directory, preloaded, "")
    return [mark.told for mark in read_marks((directory / MARKS).read_bytes())]


def _work(directory: Path, preloaded: Path, fault: str) -> int:
    command = [sys.executable, "-m", "tests.faults.workload", str(directory), "5", "25"]
    given = environment(preloaded, directory, directory.with_name("log"), fault)
    return subprocess.run(command, env=given, check=False).returncode


@pytest.mark.parametrize("moment", ["kill", "written"])
@pytest.mark.parametrize(
    "call", [pytest.param(call, marks=[] if call % 131 == 0 else pytest.mark.slow) for call in range(5, 500, 7)]
)
def test_a_kill_at_a_call_of_the_disk_leaves_a_step_done_or_not_begun(
    room: Path, preloaded: Path, whole: list[str], call: int, moment: str
) -> None:
    """Before and after each write, cut, sync and removal."""
    (room / "work").mkdir()
    assert _work(room / "work", preloaded, f"{moment}:{call}:0") == 137
    marks = read_marks((room / "work" / MARKS).read_bytes()) if (room / "work" / MARKS).exists() else []
    (room / "work" / MARKS).unlink(missing_ok=True)
    with tight():
        assert examine(room / "work") in whole[max(len(marks) - 1, 0) : len(marks) + 1]
