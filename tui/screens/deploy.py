"""See before you deploy: while a version is being written down, who would move, where to, and who would not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget

from statekeep.protocol.errors import NotAnswered, StatekeepError
from statekeep.protocol.messages import Deploy
from statekeep.protocol.records import Deployed, Deployment, Notice, Plan
from statekeep.tui import drafts, messages, previews
from statekeep.tui.cli import plans
from statekeep.tui.cli.blocks import line
from statekeep.tui.drafts import Draft, Unready
from statekeep.tui.feed import World
from statekeep.tui.screens.dialogs import Confirm
from statekeep.tui.screens.room import Room
from statekeep.tui.widgets.plan_view import PlanView
from statekeep.tui.widgets.text import blocks
from statekeep.tui.widgets.version_form import VersionForm


class DeployRoom(Room):
    """The form on the left, the plan on the right."""

    CRUMB = "Deploy"
    HELP = """Write a version down: its file, name, parent and path. The preview is the daemon's own plan,
made anew at every key; nothing happens until ctrl+s and the typed name.
A path holds event types with commas; * is any one event, ** any run of events. Tab completes from real histories.
The landing: replay skips events that the new version does not handle, strict moves nobody who has one;
a map such as draft=new, paid.late=overdue, odd= goes from state to state, and odd stays where it is.
Enter on a line of the plan shows its actors; o opens the file in your editor."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "deploy", "Deploy this", priority=True, id="deploy-this")
    ]

    def __init__(self, parent: str | None = None, path: str = "") -> None:
        super().__init__()
        self._draft = Draft(parent=parent or "", path=path)
        self._plan: Plan | None = None
        self._carried_out = False
        """The plan is deployed, or is about to be: what is shown is no preview any more."""
        self._position: int | None = None
        """Of the deploy that was carried out."""

    def body(self) -> ComposeResult:
        find = {"file": self._files, "parent": self._parents, "path": self._ways, "landing": self._landings}
        with Horizontal(classes="sides"):
            yield VersionForm(self._draft, find)
            yield PlanView()

    @property
    def _view(self) -> PlanView:
        return self.query_one(PlanView)

    @property
    def place(self) -> Widget:
        return self.query_one("#rows")

    @property
    def first(self) -> Widget:
        return self.query_one("#file")

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
    def document(self) -> Path | None:
        file = Path(self._draft.file).expanduser()
        return file if file.is_file() else None

    def action_open_document(self) -> None:
        super().action_open_document()
        self._preview()  # the file may be another one now

    async def _files(self, text: str) -> Sequence[str]:
        return drafts.complete_file(text)

    async def _parents(self, text: str) -> Sequence[str]:
        return drafts.complete_name([version.version for version in self.keeper.versions], text)

    async def _ways(self, text: str) -> Sequence[str]:
        return await drafts.complete_path(self.keeper.client, self._draft.parent, text)

    async def _landings(self, text: str) -> Sequence[str]:
        old = drafts.state_names(self.keeper.versions, self._draft.parent)
        return drafts.complete_landing(text, old, self._draft.landings())

    def see(self, world: World) -> None:
        if self._position is not None:
            self._look_at_sweep(world)
        elif world.changed and not self._carried_out:
            self._preview()

    def on_draft_changed(self, message: messages.DraftChanged) -> None:
        self._draft = message.draft
        self._preview()

    def _preview(self) -> None:
        """Ask what the draft would do; an answer that is no longer wanted is dropped."""
        self._carried_out, self._position = False, None
        self._view.hide_progress()
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
            self.query_one(VersionForm).tell_next(blocks([previews.next_events(message.value, self._draft)]))
        elif isinstance(message.value, Notice):
            self._swept(message.value)
        elif isinstance(message.value, Deployed):
            self._deployed(message.value)
        elif message.what == "plan" and not self._carried_out:
            self._plan = message.value if isinstance(message.value, Plan) else None
            self._view.show(message.value)
        elif message.what == "deployed":
            self.post_message(messages.Refused(message.value))
            self._preview()

    def on_row_chosen(self, message: messages.RowChosen) -> None:
        from statekeep.tui.screens.planned import Planned  # noqa: PLC0415 - when it is wanted

        self.app.push_screen(Planned(self._draft, message.item))

    def action_deploy(self) -> None:
        if not self.keeper.allowed("Deploying", Deploy.role):
            return
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
        self._view.show_result(done, self._plan)
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
        if change.position == self._position:
            self._view.show_progress(change.swept or 0, change.cohorts or 0)
