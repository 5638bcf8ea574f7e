"""Events per second on the loan machine: interpreter, warm table, and XState itself if node has it.

python -m tests.bench.bench_statecharts [path of an installed xstate package]
"""

import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from statekeep.daemon.statecharts import Table, load

ROUNDS = 7
LOAN = {
    "id": "loan",
    "initial": "submitted",
    "states": {
        "submitted": {"on": {"SUBMIT_INFO": "under_review"}},
        "under_review": {"on": {"PAY_FEE": "awaiting_docs", "WAIVE_FEE": "awaiting_docs"}},
        "awaiting_docs": {"on": {"APPROVE": "approved", "REJECT": "submitted"}},
        "approved": {"on": {"REOPEN": "submitted"}},
    },
}
EVENTS = ("SUBMIT_INFO", "PAY_FEE", "APPROVE", "REOPEN")

XSTATE = """
const [main, machine, events, rounds] = JSON.parse(process.argv[1]);
const { createActor, createMachine, initialTransition, transition } = require(main);
const logic = createMachine(machine);
const sent = events.map((type) => ({ type }));
const rate = (count, run) => {
  const begin = process.hrtime.bigint();
  run(count);
  return (count * 1e9) / Number(process.hrtime.bigint() - begin);
};
const pure = (count) => {
  let [snapshot] = initialTransition(logic);
  for (let i = 0; i < count; i++) [snapshot] = transition(logic, snapshot, sent[i & 3]);
};
const actor = (count) => {
  const running = createActor(logic).start();
  for (let i = 0; i < count; i++) running.send(sent[i & 3]);
};
const rates = [];
for (let i = 0; i < rounds; i++) rates.push([rate(40000, pure), rate(100000, actor)]);
console.log(JSON.stringify(rates));
"""


def interpreted(count: int) -> None:
    """Each step anew, as in a cell that has not been filled."""
    chart = load(LOAN)
    configuration = chart.initial().configuration
    for number in range(count):
        configuration = chart.step(configuration, EVENTS[number & 3]).configuration


def looked_up(count: int) -> None:
    """Each step out of the table, which four steps have filled."""
    table = Table(load(LOAN), EVENTS.__getitem__)
    configuration, following = table.initial, table.next
    for number in range(count):
        configuration = following(configuration, number & 3) >> 1


def rate(run: Callable[[int], None], count: int) -> float:
    """Events per second."""
    begin = time.perf_counter()
    run(count)
    return count / (time.perf_counter() - begin)


def xstate(package: str) -> list[tuple[str, float]]:
    """Medians of XState in the same minute, or nothing."""
    main = Path(package, "dist", "xstate.cjs.js")
    if shutil.which("node") is None or not main.exists():
        print("XState is missing: npm install --prefix /tmp/xstate xstate@5.33.3, then name the folder of the package")
        return []
    given = json.dumps([str(main), LOAN, EVENTS, ROUNDS])
    done = subprocess.run(["node", "-e", XSTATE, given], capture_output=True, text=True, check=True)
    pure, actor = zip(*json.loads(done.stdout), strict=True)
    return [("XState, transition", statistics.median(pure)), ("XState, actor send", statistics.median(actor))]


def main() -> None:
    """Print the table."""
    rows = [
        ("interpreter, cold", statistics.median(rate(interpreted, 20_000) for _ in range(ROUNDS))),
        ("table, warm", statistics.median(rate(looked_up, 300_000) for _ in range(ROUNDS))),
        *xstate(sys.argv[1] if len(sys.argv) > 1 else ""),
    ]
    print(f"events per second, medians of {ROUNDS} rounds")
    for name, events in rows:
        print(f"  {name:20} {events:12,.0f}")


if __name__ == "__main__":
    main()
