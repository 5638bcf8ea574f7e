"""See before you deploy: while a version is being written down, who would move, where to, and who would not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Label, ProgressBar, Static

from statekeep.protocol.errors import NotAnswered, StatekeepError
from statekeep.protocol.messages import Deploy
from statekeep.protocol.records import Deployed, Deployment, Notice, Plan
from statekeep.tui import drafts, messages, previews
from statekeep.tui.cli import plans
from statekeep.tui.cli.blocks import Block, Span, line
from statekeep.tui.cli.wording import count
from statekeep.tui.drafts import Draft, Unready
from statekeep.tui.feed import World
from statekeep.tui.screens.dialogs import Confirm
from statekeep.tui.screens.room import Room
from statekeep.tui.widgets.chrome import Field, Tick
from statekeep.tui.widgets.table import Table
from statekeep.tui.widgets.text import blocks

EXPLAINED: Final = {
    "file": "the definition; tab completes",
    "version": "a name that no version has yet",
    "parent": "the version it takes actors over from",
    "path": "tab takes what they really did next",
    "landing": "replay, strict, or a map of states",
    "once": "space ticks",
}
"""What is wanted in each field."""


class DeployRoom(Room):
    """The form on the left, the plan on the right."""

    CRUMB = "Deploy"
    HELP = """Write a version down: its file, name, parent and path. The preview on the right is the daemon's own plan,
made anew at every key; nothing happens until ctrl+s and the typed name.
A path holds event types with commas; * is any one event, ** any run of events. Tab completes from real histories.
The landing: replay skips events that the new version does not handle, strict moves nobody who has one;
a map such as draft=new, paid.late=overdue, odd= goes from state to state, and odd stays where it is.
Enter on a line of the plan shows its actors."""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "deploy", "Deploy this", priority=True)]

    def __init__(self, parent: str | None = None, path: str = "") -> None:
        super().__init__()
        self._draft = Draft(parent=parent or "", path=path)
        self._named_for_file = ""
        self._plan: Plan | None = None
        self._carried_out = False
        """The plan is deployed, or is about to be: what is shown is no preview any more."""
        self._position: int | None = None
        """Of the deploy that was carried out."""

    def body(self) -> ComposeResult:
        with Horizontal(classes="sides"):
            with VerticalScroll(id="form", classes="box") as form:
                form.border_title = "New version"
                for label, field in self._fields():
                    with Horizontal(classes="line"):
                        yield Label(label, classes="label")
                        yield field
                    if label == "path":
                        yield Static(id="next", classes="note")
                yield Tick("once: nobody who matches later", id="once", compact=True)
            with Vertical(id="preview", classes="box") as preview:
                preview.border_title = "Preview"
                yield Static(id="summary")
                yield ProgressBar(id="progress", show_eta=False)
                yield Table(previews.ROWS, previews.plan_row, empty="", id="rows")
                with VerticalScroll(id="details"):
                    yield Static(id="changes")

    def _fields(self) -> Iterator[tuple[str, Field]]:
        yield "file", Field(self._files, id="file", placeholder="the definition, a JSON file")
        yield "name", Field(id="version", placeholder="of the new version")
        parent, path = self._draft.parent, self._draft.path
        yield "parent", Field(self._parents, id="parent", value=parent, placeholder="whose actors it takes over")
        yield "path", Field(self._ways, id="path", value=path, placeholder="how their histories begin")
        yield "landing", Field(self._landings, id="landing", placeholder="replay, strict or old=new")

    @property
    def place(self) -> Widget:
        return self.query_one("#rows")

    @property
    def subject(self) -> str | None:
        return self._plan.digest if self._plan else None

    @property
    def command(self) -> list[str] | None:
        try:
            self._draft.fields()
        except Unready:
            return None
        return self._draft.command(self._plan.digest if self._plan else None)

    @property
    def document(self) -> tuple[str, str] | None:
        file = Path(self._draft.file).expanduser()
        return (file.name, file.read_text(encoding="utf-8", errors="replace")) if file.is_file() else None

    @property
    def first(self) -> Widget:
        return self.query_one("#file")

    def on_mount(self) -> None:
        self.query_one("#progress").display = False

    def see(self, world: World) -> None:
        if self._position is not None:
            self._look_at_sweep(world)
        elif world.changed and not self._carried_out:
            self._preview()

    async def _files(self, text: str) -> Sequence[str]:
        return drafts.complete_file(text)

    async def _parents(self, text: str) -> Sequence[str]:
        names = [version.version for version in self.keeper.world.versions] if self.keeper.world else []
        return drafts.complete_name(names, text)

    async def _ways(self, text: str) -> Sequence[str]:
        return await drafts.complete_path(self.keeper.client, self._draft.parent, text)

    async def _landings(self, text: str) -> Sequence[str]:
        versions = self.keeper.world.versions if self.keeper.world else []
        old = drafts.state_names(versions, self._draft.parent)
        return drafts.complete_landing(text, old, self._draft.landings())

    @on(events.DescendantFocus)
    def _explain(self) -> None:
        """Say what is wanted where the keys go now."""
        focused = self.focused.id if self.focused else None
        self.query_one("#form").border_subtitle = EXPLAINED.get(focused or "", "")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._draft = self._draft._replace(**cast("Any", {event.input.id: event.value}))
        # The name follows the file until somebody chooses another one.
        name = self.query_one("#version", Input)
        if event.input.id == "file" and name.value == self._named_for_file:
            self._named_for_file = name.value = Path(event.value).stem
        self._preview()

    @on(Checkbox.Changed)
    def _checked(self, event: Checkbox.Changed) -> None:
        self._draft = self._draft._replace(**cast("Any", {event.checkbox.id: event.value}))
        self._preview()

    @on(Input.Submitted)
    def _entered(self) -> None:
        self.focus_next()

    def _preview(self) -> None:
        """Ask what the draft would do; an answer that is no longer wanted is dropped."""
        self._carried_out, self._position = False, None
        self.query_one("#progress").display = False
        self.bring("next", lambda: drafts.continuations(self.keeper.client, self._draft.parent, self._draft.path))
        self.bring("plan", lambda: self._planned(self._draft))

    async def _planned(self, draft: Draft) -> Plan | StatekeepError | Unready:
        """The plan, or why there is none: that is shown in its place."""
        try:
            return await self.keeper.client.call(draft.preview())
        except NotAnswered:
            raise
        except (StatekeepError, Unready) as problem:
            return problem

    def on_came(self, message: messages.Came) -> None:
        if message.what == "next":
            self.query_one("#next", Static).update(blocks([previews.next_events(message.value, self._draft)]))
        elif isinstance(message.value, Notice):
            self._swept(message.value)
        elif isinstance(message.value, Deployed):
            self._deployed(message.value)
        elif message.what == "plan" and not self._carried_out:
            self._show(message.value)
        elif message.what == "deployed":
            self.post_message(messages.Refused(message.value))
            self._preview()

    def _show(self, found: Plan | StatekeepError | Unready) -> None:
        self._plan = found if isinstance(found, Plan) else None
        preview = self.query_one("#preview")
        preview.set_class(self._plan is None, "-none")
        preview.border_title = f"Preview of {found.version}" if isinstance(found, Plan) else "Preview"
        rows, summary, changes = (
            self.query_one(Table),
            self.query_one("#summary", Static),
            self.query_one("#changes", Static),
        )
        if isinstance(found, Plan):
            summary.update(
                blocks([line(plans.summary(found, done=False)), *previews.outcome_bars(found.counts, self._bar)])
            )
            rows.show(previews.ordered(found.rows))
            changes.update(blocks(previews.details(found)))
        else:
            summary.update(blocks(previews.problem_lines(found)))
            rows.show([])
            changes.update("")

    @property
    def _bar(self) -> int:
        return max(8, self.query_one("#summary").content_size.width - 34)

    def on_row_chosen(self, message: messages.RowChosen) -> None:
        from statekeep.tui.screens.planned import Planned  # noqa: PLC0415 - when it is wanted

        self.app.push_screen(Planned(self._draft, message.item))

    def action_deploy(self) -> None:
        if not self.keeper.allowed("Deploying", Deploy.role) or self._plan is None:
            if self._plan is None:
                self.notify("There is no plan to deploy yet; the preview says what is missing.", severity="warning")
            return
        told = blocks(
            [
                line(plans.summary(self._plan, done=False)),
                *previews.outcome_bars(self._plan.counts, 24),
                *previews.whom(self._draft),
            ]
        )
        confirm = Confirm(f"Deploy {self._plan.version}", told, "Deploy", word=self._plan.version)
        self.app.push_screen(confirm, self._deploy)

    def _deploy(self, sure: bool | None) -> None:
        if not sure or self._plan is None:
            return
        request = self._draft.deploy(self._plan.digest)

        async def carried_out() -> Deployed | StatekeepError:
            try:
                return await self.keeper.client.call(request)
            except NotAnswered:
                raise
            except StatekeepError as refused:
                return refused

        self._carried_out = True
        self.bring("deployed", carried_out)

    def _deployed(self, done: Deployed) -> None:
        self._position = done.position
        self.query_one("#preview").border_title = f"Deployed {done.version}"
        previewed = self._plan.counts if self._plan else {}
        result: list[Block] = [line(Span(f"✓ {done.version} is deployed, at position {count(done.position)}.", "good"))]
        if done.plan is not None:
            same = "just as previewed" if done.plan.counts == previewed else "not as previewed"
            result += [line(plans.summary(done.plan, done=True), Span(f" {same}", "quiet"))]
            result += previews.outcome_bars(done.plan.counts, self._bar)
            self.query_one(Table).show(previews.ordered(done.plan.rows))
        self.query_one("#summary", Static).update(blocks(result))
        if done.created and self._draft.parent:
            self.run_worker(self._sweep(done.position), group="sweep", exclusive=True)
        self.keeper.look_again()

    async def _sweep(self, position: int) -> None:
        """Let a watch tell how far the deploy at ``position`` is, until it is through."""
        watching = self.keeper.client.watch(str(position - 1), kinds=["progress"])
        try:
            async for notice in watching:
                if notice.position == position:
                    self.post_message(messages.Came("swept", notice))
                    if notice.swept == notice.cohorts:
                        return
        except StatekeepError:
            return  # the looks at the daemon tell it too, if less often
        finally:
            watching.close()

    def _look_at_sweep(self, world: World) -> None:
        change = next((one for one in world.deployments if one.position == self._position), None)
        if change is not None:
            self._swept(change)

    def _swept(self, change: Deployment | Notice) -> None:
        """Show how far the sweep is."""
        swept, cohorts = change.swept or 0, change.cohorts or 0
        bar = self.query_one("#progress", ProgressBar)
        if change.position == self._position:
            bar.display = True
            bar.update(total=max(1, cohorts), progress=swept if cohorts else 1)
