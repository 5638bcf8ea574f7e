"""A plan as it is shown: what it would do in bars and line by line, why there is none, or what came of it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widgets import ProgressBar, Static

from statekeep.protocol.errors import StatekeepError
from statekeep.protocol.records import Deployed, Plan
from statekeep.tui import previews
from statekeep.tui.cli import plans
from statekeep.tui.cli.blocks import Block, Span, line
from statekeep.tui.cli.wording import count
from statekeep.tui.drafts import Unready
from statekeep.tui.widgets.table import Table
from statekeep.tui.widgets.text import blocks


class PlanView(Vertical):
    """The right side of the deploy screen."""

    def __init__(self) -> None:
        super().__init__(id="preview", classes="box")
        self.border_title = "Preview"

    def compose(self) -> ComposeResult:
        yield Static(id="summary")
        yield ProgressBar(id="progress", show_eta=False)
        yield Table(previews.ROWS, previews.plan_row, empty="", id="rows")
        with VerticalScroll(id="details"):
            yield Static(id="changes")

    def on_mount(self) -> None:
        self.hide_progress()

    def show(self, found: Plan | StatekeepError | Unready) -> None:
        """Show what would happen, or why that can't be said."""
        rows, summary = self.query_one(Table), self.query_one("#summary", Static)
        changes = self.query_one("#changes", Static)
        if isinstance(found, Plan):
            self.border_title = f"Preview of {found.version}"
            summary.update(
                blocks([line(plans.summary(found, done=False)), *previews.outcome_bars(found.counts, self._bar)])
            )
            rows.show(previews.ordered(found.rows))
            changes.update(blocks(previews.details(found)))
        else:
            self.border_title = "Preview"
            summary.update(blocks(previews.problem_lines(found)))
            rows.show([])
            changes.update("")

    def show_result(self, done: Deployed, previewed: Plan | None) -> None:
        """Show what came of it beside what was previewed."""
        self.border_title = f"Deployed {done.version}"
        result: list[Block] = [line(Span(f"✓ {done.version} is deployed, at position {count(done.position)}.", "good"))]
        if done.plan is not None:
            counts = previewed.counts if previewed else {}
            same = "Just as previewed." if done.plan.counts == counts else "That is not as previewed."
            result += [line(plans.summary(done.plan, done=True), Span(f" {same}", "quiet"))]
            result += previews.outcome_bars(done.plan.counts, self._bar)
            self.query_one(Table).show(previews.ordered(done.plan.rows))
        self.query_one("#summary", Static).update(blocks(result))

    @property
    def _bar(self) -> int:
        return max(8, self.query_one("#summary").content_size.width - 34)

    def show_progress(self, swept: int, cohorts: int) -> None:
        """Show how many of the cohorts a deploy has reached."""
        bar = self.query_one("#progress", ProgressBar)
        bar.display = True
        bar.update(total=max(1, cohorts), progress=swept if cohorts else 1)

    def hide_progress(self) -> None:
        """Show none, where nothing is under way."""
        self.query_one("#progress").display = False
