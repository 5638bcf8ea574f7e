"""Events a second in one process on the loan machine: the warm table beside the state machine libraries of Python.

Usage: python -m tests.bench.bench_machines

XState is measured by ``bench_statecharts``. What a library does with an event differs; all of them keep the state.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, cast

from statekeep.daemon.statecharts import Table, load
from tests.bench import report
from tests.bench.bench_statecharts import EVENTS, LOAN

RUNS = 5
STATES: dict[str, dict[str, dict[str, str]]] = cast(Any, LOAN["states"])
EDGES = [(event, source, target) for source, state in STATES.items() for event, target in state["on"].items()]
ROUND = ("SUBMIT_INFO", "PAY_FEE", "APPROVE", "REOPEN")
Run = Callable[[int], None]


def table() -> Run:
    """StateKeep's own."""
    made = Table(load(LOAN), EVENTS.__getitem__)

    def work(count: int) -> None:
        configuration, following = made.initial, made.next
        for number in range(count):
            configuration = following(configuration, number & 3) >> 1

    return work


def transitions() -> Run:
    """``transitions.Machine``."""
    library = import_module("transitions")

    class Model:
        pass

    model: Any = Model()
    rows = [{"trigger": event, "source": source, "dest": target} for event, source, target in EDGES]
    library.Machine(model, states=list(STATES), transitions=rows, initial=LOAN["initial"])

    def work(count: int) -> None:
        for number in range(count):
            model.trigger(ROUND[number & 3])

    return work


def statemachine() -> Run:
    """``statemachine.StateMachine``."""
    library = import_module("statemachine")
    states = {name: library.State(initial=name == LOAN["initial"]) for name in STATES}
    body: dict[str, Any] = dict(states)
    for event, source, target in EDGES:
        made = states[source].to(states[target])
        body[event.lower()] = body[event.lower()] | made if event.lower() in body else made
    machine = type("Loan", (library.StateMachine,), body)()

    def work(count: int) -> None:
        for number in range(count):
            machine.send(ROUND[number & 3].lower())

    return work


def sismic() -> Run:
    """``sismic.interpreter.Interpreter``."""
    model = import_module("sismic.model")
    chart = model.Statechart("loan")
    chart.add_state(model.CompoundState("root", initial=str(LOAN["initial"])), None)
    for name in STATES:
        chart.add_state(model.BasicState(name), "root")
    for event, source, target in EDGES:
        chart.add_transition(model.Transition(source, target, event=event))
    interpreter = import_module("sismic.interpreter").Interpreter(chart)
    interpreter.execute()

    def work(count: int) -> None:
        for number in range(count):
            interpreter.queue(ROUND[number & 3])
            interpreter.execute_once()

    return work


def available() -> Iterator[tuple[str, Run]]:
    """The peers that are installed; one that is not is named, with how to get it."""
    for package, make in (("transitions", transitions), ("python-statemachine", statemachine), ("sismic", sismic)):
        try:
            yield package, make()
        except ModuleNotFoundError:
            print(f"{package} is left out: pip install {package}")


def rates(work: Run, count: int) -> list[float]:
    """Events a second, several times."""
    work(count // 10)
    found = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        work(count)
        found.append(count / (time.perf_counter() - begin))
    return found


def main() -> None:
    """Print the table."""
    ours = rates(table(), 400_000)
    rows = [report.row("machines", "warm table", "ev/s", ours, name, rates(work, 8_000)) for name, work in available()]
    if rows:
        report.publish(f"in process, medians (min - max) of {RUNS}", rows)


if __name__ == "__main__":
    main()
