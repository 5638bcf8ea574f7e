"""The terminal UI: one application over the daemon's protocol. Widgets tell it what happened, and it decides."""

from __future__ import annotations

import importlib
import shlex
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final, get_args

from textual import work
from textual.app import App, SuspendNotSupported, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from statekeep.protocol.errors import NotAnswered, StatekeepError
from statekeep.protocol.records import Role, Version
from statekeep.tui import commands, messages
from statekeep.tui.asking import Daemon
from statekeep.tui.documents import Document, opener
from statekeep.tui.feed import Feed, World
from statekeep.tui.screens.room import WIDE, Room
from statekeep.tui.themes import THEMES

ROOMS: Final = {
    "overview": ("Overview", "statekeep.tui.screens.overview", "Overview"),
    "actors": ("Actors", "statekeep.tui.screens.actors", "ActorsRoom"),
    "versions": ("Versions", "statekeep.tui.screens.versions", "VersionsRoom"),
    "paths": ("Paths", "statekeep.tui.screens.paths", "PathsRoom"),
    "deploy": ("Deploy", "statekeep.tui.screens.deploy", "DeployRoom"),
    "decisions": ("Decisions", "statekeep.tui.screens.decisions", "DecisionsRoom"),
    "actor": ("Actor", "statekeep.tui.screens.actor", "ActorRoom"),
}
"""The screens by the word of the command line; each is imported when it is first shown."""


_SCREENS: Final = Binding.Group("Screens", compact=True)


_ROLES: Final[tuple[Role, ...]] = get_args(Role)
"""From the least to the most."""


class StatekeepApp(App[None]):
    """Overview below, other screens above it."""

    TITLE = "StateKeep"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 - the base's own way to be told
    VERTICAL_BREAKPOINTS = [(0, "-low"), (32, "-high")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "room('overview')", "Overview", group=_SCREENS, id="overview"),
        Binding("2", "room('actors')", "Actors", group=_SCREENS, id="actors"),
        Binding("3", "room('versions')", "Versions", group=_SCREENS, id="versions"),
        Binding("4", "room('paths')", "Paths", group=_SCREENS, id="paths"),
        Binding("5", "room('deploy')", "Deploy", group=_SCREENS, id="deploy"),
        Binding("6", "room('decisions')", "Decisions", group=_SCREENS, id="decisions"),
        Binding("colon", "command_line", "Command", key_display=":", id="command"),
        Binding("question_mark", "help", "Help", key_display="?", id="help"),
        Binding("ctrl+p", "command_palette", "Palette", show=False, id="palette"),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True, id="quit"),
    ]

    def __init__(self, client: Daemon, *, readonly: bool = False, pace: float = 1.0, theme: str | None = None) -> None:
        """``pace`` is the seconds between looks at a daemon where nothing happens; 0 looks only when told to."""
        super().__init__()
        self.client = client
        self.readonly = readonly
        self.pace = pace
        self.world: World | None = None
        self._feed = Feed(client)
        for one in THEMES:
            self.register_theme(one)
        self.theme = theme if theme in self.available_themes else "statekeep"

    def on_mount(self) -> None:
        self.push_screen(self._make("overview"))
        self._watch()

    def on_unmount(self) -> None:
        self.client.close()

    def _make(self, name: str, **about: Any) -> Room:
        _, module, kind = ROOMS[name]
        made: Room = getattr(importlib.import_module(module), kind)(**about)
        return made

    @property
    def versions(self) -> Sequence[Version]:
        """All versions, as far as is known."""
        return self.world.versions if self.world else ()

    @property
    def crumbs(self) -> list[str]:
        """Where one is, from the outermost screen on."""
        return [screen.crumb for screen in self.screen_stack if isinstance(screen, Room)]

    @work(exclusive=True, group="feed")
    async def _watch(self) -> None:
        """Look at the daemon again and again."""
        await self._look(anew=False)
        try:
            while self.pace:
                await self._feed.news(self.pace)
                await self._look(anew=False)
        finally:
            self._feed.close()

    async def _look(self, *, anew: bool) -> None:
        try:
            world = await self._feed.look(anew=anew)
        except StatekeepError as error:
            self.post_message(messages.Unanswered(error))
        else:
            self.post_message(messages.WorldSeen(world))

    @work(exclusive=True, group="look")
    async def look_again(self) -> None:
        """Look at the daemon now."""
        await self._look(anew=True)

    def on_world_seen(self, message: messages.WorldSeen) -> None:
        from statekeep.tui.screens.offline import Offline  # noqa: PLC0415 - most never see it

        self.world = message.world
        if isinstance(self.screen, Offline):
            self.pop_screen()
        for screen in self.screen_stack:
            if isinstance(screen, Room):
                screen.tell_top_line()
                if screen.is_current:
                    screen.see(message.world)

    def on_unanswered(self, message: messages.Unanswered) -> None:
        self._disconnected(message.error)

    def on_refused(self, message: messages.Refused) -> None:
        error = message.error
        if isinstance(error, NotAnswered):
            self._disconnected(error)
        else:
            self.notify(error.hint or "Nothing was changed.", title=error.message, severity="error", timeout=10)

    def _disconnected(self, error: StatekeepError) -> None:
        from statekeep.tui.screens.offline import Offline  # noqa: PLC0415 - most never see it

        self.world = None
        if isinstance(self.screen, Offline):
            self.screen.tell(error)
        else:
            self.push_screen(Offline(error, self.client.socket))

    def action_room(self, name: str) -> None:
        self.show(name)

    def show(self, name: str, **about: Any) -> None:
        """Go to one of the main screens; what was open above the overview is closed."""
        if self.world is None:
            return  # without a daemon there is nothing to show
        while len(self.screen_stack) > 2:
            self.pop_screen()
        if name != "overview":
            self.push_screen(self._make(name, **about))

    def open(self, name: str, **about: Any) -> None:
        """Open a screen above the present one."""
        self.push_screen(self._make(name, **about))

    def go_back(self) -> None:
        """One screen back; the overview is where it ends, and the application with ctrl+q."""
        if len(self.screen_stack) > 2:
            self.pop_screen()
        else:
            self.notify("This is the outermost screen; ctrl+q ends.", timeout=2)

    def denied(self, act: str, needed: Role) -> str | None:
        """Why something may not be changed from here; None if it may."""
        if self.readonly:
            return f"{act} is not possible: this was started with --readonly."
        you = self.world.you if self.world else None
        if you is not None and (you.role is None or _ROLES.index(you.role) < _ROLES.index(needed)):
            return f"{act} needs the role {needed}; {you.user} is {you.role or 'nothing'} here."
        return None

    def allowed(self, act: str, needed: Role) -> bool:
        """Whether something may be changed; if not, the reason is shown."""
        reason = self.denied(act, needed)
        if reason:
            self.notify(reason, severity="warning")
        return reason is None

    def action_command_line(self) -> None:
        from statekeep.tui.screens.dialogs import CommandLine  # noqa: PLC0415 - shown when it is asked for

        self.push_screen(CommandLine(), self._run_command)

    def _run_command(self, text: str | None) -> None:
        if not text:
            return
        try:
            command = commands.parse(text)
        except ValueError as problem:
            self.notify(str(problem), severity="error")
            return
        if command.name == "quit":
            self.exit()
        elif command.name == "theme":
            self.theme = command.about["theme"]
        elif command.name == "help":
            self.action_help()
        else:
            self.show(command.name, **command.about)

    def action_help(self) -> None:
        from statekeep.tui.screens.help import Help  # noqa: PLC0415 - shown when it is asked for

        self.push_screen(Help(self.screen, self.screen.focused))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        yield from self._actions(screen)
        for command in super().get_system_commands(screen):
            if command.title not in ("Keys", "Screenshot"):
                yield command

    def _actions(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        seen: set[str] = set()
        for node, binding, _, _ in screen.active_bindings.values():
            title = binding.description
            if title and title not in seen and binding.action not in ("command_palette", "quit"):
                seen.add(title)
                yield SystemCommand(
                    title, f"key {self.get_key_display(binding)}", partial(self.run_action, binding.action, node)
                )

    def copy(self, text: str | None, otherwise: str) -> None:
        """Put a text on the clipboard, and say so."""
        if text is None:
            self.notify(otherwise, severity="warning")
            return
        self.copy_to_clipboard(text)
        self.notify(text, title="Copied", timeout=3)

    def copy_command(self, words: list[str] | None) -> None:
        """Put a command line on the clipboard."""
        line = None if words is None else shlex.join(["statekeep", *words])
        self.copy(line, "No single command shows this.")

    def open_document(self, opened: Document | Path | None) -> None:
        """Open a text, or a file that may be changed, in what the user set for that, and come back."""
        if opened is None:
            self.notify("There is nothing here to open.", severity="warning")
        elif isinstance(opened, Path):
            self._run_outside(opener(opened), opened)
        else:
            with tempfile.TemporaryDirectory(prefix="statekeep-") as directory:
                file = Path(directory, opened.name.replace("/", "_"))
                file.write_text(opened.text, encoding="utf-8")
                self._run_outside(opener(opened), file)

    def _run_outside(self, words: list[str], file: Path) -> None:
        try:
            with self.suspend():
                subprocess.run([*words, str(file)], check=False)
        except SuspendNotSupported:
            self.notify("Nothing else can be opened on this terminal.", severity="warning")
        except OSError as problem:
            self.notify(f"{words[0]} can't be started: {problem.strerror}. Set EDITOR or PAGER.", severity="error")
