"""Events per second on the loan machine: interpreter, warm table, and XState itself if node has it.

Usage: python -m tests.bench.bench_statecharts
"""

import json
import subprocess
import time
from collections.abc import Callable

from statekeep.daemon.statecharts import Table, load
from tests.bench import report
from tests.bench.peers import node

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


def rates(run: Callable[[int], None], count: int) -> list[float]:
    """Events a second, several times."""
    found = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        run(count)
        found.append(count / (time.perf_counter() - begin))
    return found


def xstate() -> dict[str, list[float]]:
    """Those of XState in the same minute; nothing where it is missing."""
    if reason := node.missing():
        print(reason)
        return {}
    given = json.dumps([str(node.MODULES / "xstate" / "dist" / "xstate.cjs.js"), LOAN, EVENTS, ROUNDS])
    done = subprocess.run(["node", "-e", XSTATE, given], capture_output=True, text=True, check=True)
    pure, actor = zip(*json.loads(done.stdout), strict=True)
    return {"XState, transition": list(pure), "XState, actor send": list(actor)}


def main() -> None:
    """Print the table."""
    ours = {"interpreter, cold": rates(interpreted, 20_000), "table, warm": rates(looked_up, 300_000)}
    peers: dict[str, list[float]] = xstate() or {"": []}
    rows = [
        report.row("statecharts", name, "ev/s", runs, peer, theirs)
        for name, runs in ours.items()
        for peer, theirs in peers.items()
    ]
    report.publish(f"in process, medians (min - max) of {ROUNDS}", rows)


if __name__ == "__main__":
    main()
