"""The proofs hold: the routing rule in Coq, the evaluator in C under Frama-C, the daemon's interleavings in Spin."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.proofs

HERE = Path(__file__).parent
EVALUATOR = HERE.parents[1] / "csrc" / "evaluator.c"


def run(*command: str | Path, cwd: Path, seconds: int) -> str:
    """Both outputs of a command that must succeed; skips by name if its program is missing."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"needs {command[0]}; Debian has it (coq, spin, frama-c-base, why3, z3, cvc4)")
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=seconds)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_rule_is_proved(tmp_path: Path) -> None:
    """Every theorem of the routing rule and of its paths is accepted by Coq, and rests on no axiom."""
    for name in ("Routing.v", "Patterns.v", "Claim.v"):
        source = (HERE / name).read_text()
        assert "Admitted" not in source
        (tmp_path / name).write_text(source)
        output = run("coqc", "-q", name, cwd=tmp_path, seconds=100)
        theorems = source.count("Print Assumptions")
        assert output.count("Closed under the global context") == theorems > 0, output


MODEL = {
    "": 0,
    "SPLIT": 1,
    "EARLY": 1,
    "OVERTAKE": 1,
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("mutant", "errors"), MODEL.items(), ids=["as it is", *list(MODEL)[1:]])
def test_the_daemon_in_every_interleaving(mutant: str, errors: int, tmp_path: Path) -> None:
    """Batches, sweep, crash, deploys and a close keep the specification; a model of a daemon with a fault does not."""
    defines = [f"-D{mutant}"] if mutant else []
    run("spin", *defines, "-a", HERE / "daemon.pml", cwd=tmp_path, seconds=60)
    run("cc", "-O2", "-w", "-DSAFETY", "-DCOLLAPSE", "-o", "pan", "pan.c", cwd=tmp_path, seconds=60)
    output = run(tmp_path / "pan", "-m200000", cwd=tmp_path, seconds=240)
    assert "Search not completed" not in output or errors
    assert f"errors: {errors}" in output, output
    assert "max search depth too small" not in output


@pytest.mark.timeout(1200)
def test_the_evaluator_is_proved(tmp_path: Path) -> None:
    """For tries and paths of any size: nothing outside the buffers is touched, and the status says what was found.

    For paths of one word, up to 63 tokens that take an event, every relation is that of the specification, too.
    """
    run("why3", "config", "detect", cwd=tmp_path, seconds=60)
    proved = "sk_relate,relate,judge,class_of,advance,check_path,stop,ordered"
    options = ("-wp-rte", "-wp-prover", "cvc4,z3", "-wp-timeout", "60", "-wp-par", "2", "-machdep", "gcc_x86_64")
    output = run("frama-c", "-wp", *options, "-wp-fct", proved, EVALUATOR, cwd=tmp_path, seconds=1100)
    goals = re.search(r"Proved goals:\s+(\d+) / (\d+)", output)
    assert goals is not None, output
    assert goals[1] == goals[2], output
