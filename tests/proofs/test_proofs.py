"""The proofs hold: the routing rule in Coq, the evaluator in C under Frama-C, the daemon's interleavings in Spin."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.proofs

HERE = Path(__file__).parent
RELATE = HERE.parents[1] / "csrc" / "relate.c"


def run(*command: str | Path, cwd: Path, seconds: int) -> str:
    """What a command that must succeed said; a skip names the program if it is missing."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"needs {command[0]}: apt-get install coq spin frama-c-base why3 z3 cvc4")
    environment = {**os.environ, "WHY3CONFIG": str(cwd / "why3.conf")}  # not the one of whoever runs this
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=seconds
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_rule_is_proved(tmp_path: Path) -> None:
    """Coq accepts every theorem about the rule and its paths, and none rests on an axiom or a gap."""
    for name in ("Routing.v", "Patterns.v", "Claim.v"):
        source = (HERE / name).read_text()
        (tmp_path / name).write_text(source)
        output = run("coqc", "-q", name, cwd=tmp_path, seconds=100)
        assert output.count("Closed under the global context") == source.count("Print Assumptions") > 0, output


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("fault", "errors"),
    [("NONE", 0), ("SPLIT", 1), ("EARLY", 1), ("OVERTAKE", 1)],
)
def test_the_daemon_in_every_interleaving(fault: str, errors: int, tmp_path: Path) -> None:
    """Batches, sweep, crash, deploys and a close keep to the specification; with a fault built in, they do not."""
    run("spin", f"-DFAULT_{fault}", "-a", HERE / "daemon.pml", cwd=tmp_path, seconds=60)
    run("cc", "-O2", "-w", "-DSAFETY", "-DCOLLAPSE", "-o", "pan", "pan.c", cwd=tmp_path, seconds=60)
    output = run(tmp_path / "pan", "-m200000", cwd=tmp_path, seconds=300)
    assert f"errors: {errors}\n" in output, output
    assert "max search depth too small" not in output


@pytest.mark.timeout(1200)
def test_the_evaluator_is_proved(tmp_path: Path) -> None:
    """Every contract in relate.c holds, for tries and paths of any size and any content."""
    run("why3", "config", "detect", cwd=tmp_path, seconds=60)
    options = ("-wp-rte", "-wp-prover", "cvc4,z3", "-wp-timeout", "60", "-wp-par", "2", "-machdep", "gcc_x86_64")
    output = run("frama-c", "-wp", *options, RELATE, cwd=tmp_path, seconds=1100)
    goals = re.search(r"Proved goals:\s+(\d+) / (\d+)", output)
    assert goals is not None, output
    assert goals[1] == goals[2] != "0", output
