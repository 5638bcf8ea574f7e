"""One actor: where it is on its chart, what it has done, what was decided about it and why, what it carries."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widget import Widget
from textual.widgets import Static, TabbedContent, TabPane, Tree
from textual.widgets.tree import TreeNode

from statekeep.protocol.messages import ActorRef, Erase, Send
from statekeep.protocol.records import Decision, Deployment, EventRecord
from statekeep.tui import look, messages
from statekeep.tui.cli import views
from statekeep.tui.cli.blocks import Cell, Column, Line, Span, Style, facts, line
from statekeep.tui.cli.wording import ago, count, moment, printable, state
from statekeep.tui.documents import Document
from statekeep.tui.dossier import Dossier, dossier
from statekeep.tui.feed import World
from statekeep.tui.screens.room import WIDE, Room
from statekeep.tui.widgets.table import Table
from statekeep.tui.widgets.text import blocks, spans

_BANDS: tuple[Style, ...] = ("good", "waiting", "strong", "bad")

TIMELINE = [
    Column("#", number=True),
    Column("event"),
    Column("state"),
    Column("version", whole=True),
    Column("when", whole=True),
    Column("payload", spare=True),
]


class ActorRoom(Room):
    """One actor."""

    HELP = """The chart of its version: ● is active, H remembers.
The tabs say what happened, why it is where it is, and what it carries.
s sends one of the events that it takes now."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "send", "Send", id="send"),
        Binding("X", "erase", "Erase", show=False, id="erase"),
        Binding("left_square_bracket", "tab(-1)", "Tab before", show=False, id="tab-before"),
        Binding("right_square_bracket,tab", "tab(1)", "Next tab", key_display="tab", id="next-tab"),
    ]

    def __init__(self, actor: ActorRef) -> None:
        super().__init__()
        self._reference = actor
        self._found: Dossier | None = None
        self._routes: list[Deployment] = []
        self._event = ""
        self._erasing = False

    def body(self) -> ComposeResult:
        with Horizontal(classes="sides"):
            with VerticalScroll(classes="side box", id="chart-box") as box:
                box.border_title = "Actor"
                yield Static(id="facts")
                yield Static(id="chart")
            with TabbedContent(classes="main", id="tabs"):
                with TabPane("Timeline", id="timeline-tab"):
                    yield Table(TIMELINE, self._step, empty="Nothing has happened to it yet.", id="timeline")
                with TabPane("Chart", id="chart-tab"), VerticalScroll(classes="scroll"):
                    yield Static(id="narrow-chart")
                with TabPane("Why", id="why-tab"), VerticalScroll(classes="scroll"):
                    yield Static(id="why")
                with TabPane("Context", id="context-tab"):
                    yield Tree("context", id="context")
                with TabPane("Decisions", id="decisions-tab"), VerticalScroll(classes="scroll"):
                    yield Static(id="decisions")

    @property
    def crumb(self) -> str:
        return str(self._found.actor.key or self._found.actor.id) if self._found else str(self._reference)

    @property
    def place(self) -> Widget:
        return self.query_one("#timeline")

    @property
    def subject(self) -> str:
        return self.crumb

    @property
    def command(self) -> list[str]:
        return ["actor", self.crumb]

    @property
    def document(self) -> Document | None:
        return Document.of(f"actor-{self._found.actor.id}", self._found.actor) if self._found else None

    def on_resize(self, event: events.Resize) -> None:
        """Where there is one side only, the chart is a tab."""
        tabs = self.query_one("#tabs", TabbedContent)
        if event.size.width < WIDE:
            tabs.show_tab("chart-tab")
        else:
            tabs.hide_tab("chart-tab")

    def see(self, world: World) -> None:
        if world.changed and not self._erasing:
            # A change of the routes decides about it, even where it stays what it was.
            known = self._found if world.deployments == self._routes else None
            self._routes = world.deployments
            self.bring("actor", lambda: dossier(self.keeper.client, self._reference, known))

    def on_refused(self) -> None:
        """Whatever it was, the actor is still there; the application says why."""
        self._erasing = False

    def on_came(self, message: messages.Came) -> None:
        if message.what == "actor":
            self._show(message.value)
        elif message.what == "sent":
            self.notify(spans(*views.sent(message.value, self.crumb, self._event).spans).plain, timeout=6)
            self.keeper.look_again()
        elif message.what == "erased":
            self.notify(f"{self.crumb} is erased: its key and its data are destroyed.")
            self.keeper.go_back()
            self.keeper.look_again()

    def _show(self, found: Dossier) -> None:
        before, self._found = self._found, found
        if found is before:
            return
        self.tell_top_line()
        self.query_one("#chart-box").border_title = printable(views.called(found.actor.id, found.actor.key))
        self.query_one("#facts", Static).update(blocks(_facts(found)))
        self.query_one("#chart", Static).update(blocks([line(), *found.chart]))
        self.query_one("#narrow-chart", Static).update(blocks(found.chart))
        self.query_one("#timeline", Table).show(_timeline(found))
        self.query_one("#why", Static).update(blocks(block for text in found.why for block in (line(text), line())))
        self.query_one("#decisions", Static).update(blocks(_decisions(found.decisions)))
        if before is None:
            timeline = self.query_one("#timeline", Table)
            timeline.action_jump(-1)
        if before is None or before.actor.context != found.actor.context:
            tree: Tree[Any] = self.query_one("#context", Tree)
            tree.clear()
            _grow(tree.root, found.actor.context)
            tree.root.expand_all()

    def _step(self, item: EventRecord | Decision | Dossier) -> Sequence[Cell | Sequence[Cell]]:
        """A line of the timeline: an event, a migration between events, or the beginning."""
        now = time.time()
        if isinstance(item, Dossier):
            when = ago(now - item.spawned_at / 1000)
            return "", Span("spawned", "quiet"), "", self._band(item.spawned_on), Span(when, "quiet"), ""
        when = ago(now - item.time / 1000)
        if isinstance(item, Decision):
            skipped = f"{count(item.skipped, 'event')} skipped" if item.skipped else ""
            move = f"→ from {item.version_before}"
            assert item.landing is not None
            return "", Span(move, "waiting"), state(item.landing), self._band(item.route), Span(when, "quiet"), skipped
        payload = "" if item.payload is None else json.dumps(item.payload, ensure_ascii=False)
        return (
            count(item.number),
            Span(item.event, "strong"),
            state(item.state),
            self._band(item.version),
            Span(when, "quiet"),
            payload,
        )

    def _band(self, version: str) -> Sequence[Cell]:
        names = [one.version for one in self.keeper.world.versions] if self.keeper.world else []
        style = _BANDS[names.index(version) % len(_BANDS)] if version in names else ""
        return Span("▐ ", style), version

    def action_tab(self, step: int) -> None:
        tabs = self.query_one("#tabs", TabbedContent)
        panes = [pane.id or "" for pane in tabs.query(TabPane) if tabs.get_tab(pane).display]
        tabs.active = panes[(panes.index(tabs.active) + step) % len(panes)]
        pane = tabs.get_pane(tabs.active)
        first = next((widget for widget in pane.query("*") if widget.focusable), None)
        if first:
            first.focus()

    def action_send(self) -> None:
        from statekeep.tui.screens.sending import Compose  # noqa: PLC0415 - when it is wanted

        if self._found is None or not self.keeper.allowed("Sending", Send.role):
            return
        if not self._found.accepts:
            self.notify(f"It is {self._found.actor.status} and takes no event.", severity="warning")
            return
        self.app.push_screen(Compose(self.crumb, self._found.accepts), self._send)

    def _send(self, wanted: tuple[str, Any] | None) -> None:
        if wanted is None or self._found is None:
            return
        self._event, payload = wanted
        actor = self._found.actor
        self.ask("sent", Send(actor.id, self._event, payload, expect=actor.events))

    def action_erase(self) -> None:
        from statekeep.tui.screens.dialogs import Confirm  # noqa: PLC0415 - when it is wanted

        if self._found is None or not self.keeper.allowed("Erasing", Erase.role):
            return
        told = f"Destroys the data key of {self.crumb}: its context, payloads and key can never be read again."
        self.app.push_screen(Confirm("Erase an actor", spans(told), "Erase", word=self.crumb), self._erase)

    def _erase(self, sure: bool | None) -> None:
        if sure and self._found is not None:
            self._erasing = True
            self.ask("erased", Erase(self._found.actor.id))


def _facts(found: Dossier) -> Iterator[Any]:
    actor = found.actor
    sign, style = look.STATUSES[actor.status]
    yield facts(
        ("state", Span(state(actor.state), "strong")),
        ("version", actor.version),
        ("status", Span("! needs rescue", "bad") if actor.needs_rescue else Span(f"{sign} {actor.status}", style)),
        ("history", f"{count(actor.events, 'event')}, {actor.fingerprint}"),
        ("spawned", moment(found.spawned_at)),
        ("takes", ", ".join(found.accepts) or "nothing"),
        indent=0,
    )


def _timeline(found: Dossier) -> list[EventRecord | Decision | Dossier]:
    moves = [made for made in found.decisions if made.outcome == "migrated"]
    # An event and the move that it completed share a position: the event comes first.
    steps: list[EventRecord | Decision] = sorted(
        [*found.events, *moves], key=lambda step: (step.position, isinstance(step, Decision))
    )
    return [found, *steps]


def _decisions(made: Sequence[Decision]) -> Iterator[Any]:
    if not made:
        yield line(Span("No route was ever open for it.", "quiet"))
    for number, one in enumerate(made):
        if number:
            yield Line()
        yield from views.decision(one)


def _grow(node: TreeNode[Any], value: Any) -> None:
    """JSON as foldable nodes."""
    if not isinstance(value, dict | list):
        node.set_label(json.dumps(value, ensure_ascii=False))
        return
    node.set_label(f"context  {_size(value)}")
    _branches(node, value)


def _branches(node: TreeNode[Any], value: dict[str, Any] | list[Any]) -> None:
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for name, child in pairs:
        label = printable(str(name))
        if isinstance(child, dict | list) and child:
            _branches(node.add(f"{label}  {_size(child)}"), child)
        else:
            node.add_leaf(f"{label}: {printable(json.dumps(child, ensure_ascii=False))}")


def _size(value: dict[str, Any] | list[Any]) -> str:
    return f"{{{len(value)}}}" if isinstance(value, dict) else f"({len(value)})"
