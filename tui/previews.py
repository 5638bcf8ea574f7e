"""How a plan looks while it is made: bars, its table, what differs, and what stands in its way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from statekeep.protocol.errors import StatekeepError
from statekeep.protocol.records import Outcome, PathNode, Plan, PlanRow
from statekeep.tui import drafts, look
from statekeep.tui.cli import failures, plans
from statekeep.tui.cli.blocks import Block, Cell, Column, Line, Span, line
from statekeep.tui.cli.wording import count, path, state
from statekeep.tui.drafts import Draft, Unready

ROWS: Final = [
    Column("outcome", whole=True),
    Column("state"),
    Column("→ landing"),
    Column("actors", number=True),
    Column("skipped", number=True),
]


def outcome_bars(counts: dict[Outcome, int], width: int) -> list[Line]:
    """A bar for each outcome that occurs."""
    whole = sum(counts.values())
    lines = []
    for name in look.in_order(counts):
        if counts[name]:
            shown = look.outcome(name)
            bar = f"{look.bar(counts[name], whole, width):<{width}}"
            share = Span(f" {look.percent(counts[name], whole):>5}", "quiet")
            lines.append(
                line(Span(f"{shown.text:<11} {bar} ", shown.style), Span(f"{count(counts[name]):>9}", "strong"), share)
            )
    return lines


def plan_row(row: PlanRow) -> Sequence[Cell]:
    """A line of the plan."""
    return (
        look.outcome(row.outcome),
        state(row.state),
        Span("stays", "quiet") if row.landing is None else state(row.landing),
        count(row.actors),
        count(row.skipped) if row.landing is not None and row.skipped else Span("-", "quiet"),
    )


def ordered(rows: Sequence[PlanRow]) -> list[PlanRow]:
    """Those who move first."""
    order = look.in_order({row.outcome for row in rows})
    return sorted(rows, key=lambda row: (order.index(row.outcome), -row.actors))


def details(plan: Plan) -> Iterator[Block]:
    """Warnings, how the definitions differ, and the digest."""
    for warning in plan.warnings:
        yield line(Span("! ", "waiting"), Span(failures.line(warning), "waiting"))
    if plan.changes:
        yield line(Span(f"The definition differs from that of {plan.parent}:", "quiet"))
        yield from (plans.change_line(change)._replace(indent=2) for change in plan.changes)
    yield line(Span(f"digest {plan.digest}, {count(plan.histories, 'distinct history')} judged", "quiet"))


def problem_lines(problem: Unready | StatekeepError) -> Iterator[Block]:
    """Why there is no plan, with every finding of the check."""
    if isinstance(problem, StatekeepError):
        yield line(Span(problem.message, "bad"))
        yield from (plans.finding(finding) for finding in problem.findings)
        yield line(Span(problem.hint, "quiet"))
    else:
        yield line(Span(str(problem), "waiting"))


def next_events(nodes: Sequence[PathNode], draft: Draft) -> Line:
    """What the actors did next, under the path."""
    _, word = drafts.split(draft.path)
    fitting = [node for node in nodes if node.path[-1].startswith(word)]
    if not draft.parent or not fitting:
        return line("")
    return line(Span("next: ", "quiet"), ", ".join(f"{node.path[-1]} {count(node.actors)}" for node in fitting[:6]))


def whom(draft: Draft) -> Iterator[Block]:
    """Whose histories it is for, now and later."""
    if draft.parent:
        yield Line()
        later = "nobody later" if draft.once else "later ones too, as soon as their history matches"
        yield line(Span(f"from {draft.parent}: {path(drafts.events(draft.path))}; {later}", "quiet"))
