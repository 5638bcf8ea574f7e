"""The screens, each flow by its keys, on a real engine in this process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import TextArea

from statekeep.daemon.engine import Engine, sweeping
from statekeep.protocol.errors import NoDaemon
from statekeep.protocol.messages import Get, Send, Spawn
from statekeep.protocol.records import PathNode, Role
from statekeep.tui.cli import loan
from statekeep.tui.screens.deploy import DeployRoom
from statekeep.tui.screens.versions import undecided
from statekeep.tui.widgets.table import Table
from tests.engine.worlds import ask
from tests.tui.stage import NARROW, WIDE, Stage, loans, play, verified

FILE = "loan-v2.json"


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory of the test's own, with a definition in it; what is exported goes there."""
    monkeypatch.chdir(tmp_path)
    Path(FILE).write_text(json.dumps(loan.definition("loan-v2")))


def lines_of(name: str) -> int:
    """Lines of a file that was written."""
    return len(Path(name).read_text().splitlines())


def first_of(name: str) -> Any:
    """The first record of a file of JSON lines."""
    return json.loads(Path(name).read_text().splitlines()[0])


async def draft(stage: Stage, path: str, name: str = "loan-v2") -> None:
    """Fill in the form of the deploy screen."""
    await stage.press("5")
    for letters in (FILE, None, "loan-v1", path):
        if letters is not None:
            await stage.type(letters)
        if letters is not path:
            await stage.press("enter")
    assert f"Preview of {name}" in stage.text


def test_the_overview_shows_the_forest(engine: Engine) -> None:
    """Each version under its parent, with its route and its population; then the changes of the routes."""
    loans(engine)
    verified(engine)

    async def scene(stage: Stage) -> None:
        text = stage.text
        assert "└─ loan-v2  SUBMIT_INFO, PAY_FEE" in text
        assert "income_verify 6" in text
        assert "→ 6  ≠ 4" in text
        assert "key epoch 1" in text
        assert "awaiting_docs 4" in text
        assert "loan-v1 → loan-v2" in text
        assert "● connected" in text

    play(engine, scene)


@pytest.mark.parametrize("size", [NARROW, WIDE, (200, 60)])
def test_an_empty_daemon_has_a_next_step_on_every_screen(engine: Engine, size: tuple[int, int]) -> None:
    """No screen fails or stays blank where there is nothing to show, however small the terminal is."""

    async def scene(stage: Stage) -> None:
        for key in "123456":
            await stage.press(key)
            assert any(word in stage.text for word in ("statekeep", "Press", "filter", "Choose", "Name", "paths NAME"))
            await stage.press("escape", "escape")

    play(engine, scene, size)


def test_actors_are_filtered_in_the_daemon(engine: Engine) -> None:
    """The filter is completed while it is typed, goes to the daemon, and a wrong one says what would be right."""
    loans(engine)
    verified(engine)

    async def scene(stage: Stage) -> None:
        await stage.press("2", "slash")
        await stage.type("ver")
        await stage.press("tab")
        await stage.type("loan-v2")
        await stage.press("enter")
        assert stage.app.screen.crumb == "Actors version:loan-v2"  # type: ignore[attr-defined]
        assert "1 of 6" in stage.text
        assert "bob" not in stage.text
        await stage.press("slash", "end")
        await stage.type(" colour:red")
        await stage.press("enter")
        assert "There is no filter colour" in stage.said

    play(engine, scene)


def test_a_table_asks_for_what_it_shows(engine: Engine) -> None:
    """Of many actors only the pages that are seen are asked for, also after a jump to the end."""
    loans(engine)
    engine.run([Spawn("loan-v1") for _ in range(2_000)])

    async def scene(stage: Stage) -> None:
        await stage.press("2")
        await stage.press("G")
        assert "2,010 of 2,010" in stage.text
        asked = [request for request in stage.client.asked if type(request).__name__ == "Actors"]
        assert len(asked) <= 4
        await stage.press("k", "k", "enter")
        assert stage.app.crumbs[-1] == "2008"

    play(engine, scene)


def test_an_actor_with_its_chart_its_past_and_its_reasons(engine: Engine) -> None:
    """Where it is, what it takes, each event with its version, the move between them, and why in words."""
    loans(engine)
    verified(engine)

    async def scene(stage: Stage) -> None:
        await stage.press("2", "enter")
        text = stage.text
        assert "● income_verify  here" in text
        assert "takes    INCOME_VERIFIED, REJECT" in text
        assert "→ from loan-v1" in text
        await stage.press("tab")
        assert "alice was spawned on loan-v1" in stage.text
        await stage.press("tab")
        assert 'applicantId: "A-0"' in stage.text
        await stage.press("escape")
        assert stage.app.crumbs == ["Overview", "Actors"]

    play(engine, scene)


def test_an_event_is_sent(engine: Engine) -> None:
    """``s`` offers what the actor takes now; what it did is said, and the screen shows it."""
    loans(engine)

    async def scene(stage: Stage) -> None:
        await stage.press("2", "enter", "s")
        assert "APPROVE" in stage.text
        await stage.press("enter")
        await stage.type("{oops")
        await stage.press("ctrl+s")
        assert "not JSON" in stage.text
        stage.app.screen.query_one(TextArea).clear()
        await stage.press("ctrl+s")
        assert ask(engine, Get("alice")).status == "done"
        assert "■ done" in stage.text

    play(engine, scene)


def test_the_preview_follows_the_path_while_it_is_typed(engine: Engine) -> None:
    """Every key of the path is previewed; tab takes what the actors really did next."""
    loans(engine)

    async def scene(stage: Stage) -> None:
        await draft(stage, "")
        assert "10 would migrate to loan-v2, 0 would stay." in stage.text
        await stage.type("SUBMIT_INFO,")
        assert "next: PAY_FEE 6, WAIVE_FEE 4" in stage.text
        await stage.type("P")
        assert "0 would migrate to loan-v2, 10 would stay." in stage.text
        await stage.press("tab")
        assert "6 would migrate to loan-v2, 4 would stay." in stage.text
        assert "→ migrated  awaiting_docs  income_verify" in stage.text
        assert "+ income_verify" in stage.text
        await stage.press("escape", "enter")
        assert stage.app.crumbs[-1] == "→ migrated"
        assert "income_verify on loan-v2" in stage.text

    play(engine, scene)


def test_a_deploy_wants_its_name_typed(engine: Engine) -> None:
    """Nothing happens before the name stands there; then exactly the preview is carried out."""
    loans(engine)

    async def scene(stage: Stage) -> None:
        await draft(stage, "SUBMIT_INFO,PAY_FEE")
        await stage.press("ctrl+s")
        assert "Type loan-v2 to go on" in stage.text
        await stage.press("enter")
        assert "Type loan-v2 to go on" in stage.text
        await stage.type("loan-v2")
        await stage.press("enter")
        assert "✓ loan-v2 is deployed" in stage.text
        assert "6 migrated to loan-v2, 4 stayed. Just as previewed." in stage.text
        assert ask(engine, Get("alice")).version == "loan-v2"

    play(engine, scene)


def test_a_world_that_changed_is_previewed_again(engine: Engine) -> None:
    """Between preview and deploy somebody else moved on: nothing is deployed, and what changed is said."""
    loans(engine)

    async def scene(stage: Stage) -> None:
        await draft(stage, "SUBMIT_INFO,PAY_FEE")
        await stage.press("ctrl+s")
        ask(engine, Send("alice", "APPROVE"))
        await stage.type("loan-v2")
        await stage.press("enter")
        assert "migrated 6 then, 5 now" in stage.said
        assert "5 would migrate to loan-v2, 5 would stay." in stage.text
        assert ask(engine, Get("alice-1")).version == "loan-v1"

    play(engine, scene)


def test_findings_stand_where_the_plan_would(engine: Engine, tmp_path: Path) -> None:
    """A definition that can't be deployed says what is wrong with it, while it is chosen."""
    loans(engine)
    Path("bad.json").write_text('{"initial": "nowhere", "states": {"a": {}}}')

    async def scene(stage: Stage) -> None:
        await stage.press("5")
        assert "Choose the file of a definition." in stage.text
        await stage.type("bad.json")
        assert "error: $.initial" in stage.text
        await stage.press("ctrl+s")
        assert "There is no plan to deploy yet" in stage.said

    play(engine, scene)


def test_a_map_lands_where_it_says(engine: Engine) -> None:
    """The landing is typed, completed and previewed; what is wrong with it stands where the plan would."""
    loans(engine)

    async def scene(stage: Stage) -> None:
        await draft(stage, "SUBMIT_INFO,PAY_FEE")
        await stage.press("enter")
        await stage.type("awai")
        await stage.press("tab")
        await stage.type("nowhere")
        assert "has no state 'nowhere'" in stage.text
        for _ in "nowhere":
            await stage.pilot.press("backspace")
        await stage.type("under_review")
        assert "→ migrated  awaiting_docs  under_review" in stage.text
        await stage.press("ctrl+s")
        await stage.type("loan-v2")
        await stage.press("enter")
        assert ask(engine, Get("alice")).state == "under_review"
        assert "100%" in stage.text

    play(engine, scene)


def test_what_is_known_of_an_actor_is_not_asked_for_again(engine: Engine) -> None:
    """Others may do what they like: one question tells that nothing became of this one."""
    loans(engine)

    async def scene(stage: Stage) -> None:
        await stage.press("2", "enter")
        ask(engine, Spawn("loan-v1", key="carol"))
        stage.client.asked.clear()
        await stage.press("r")
        asked = [type(request).__name__ for request in stage.client.asked]
        assert "History" not in asked
        verified(engine)
        await stage.press("r")
        assert "→ from loan-v1" in stage.text

    play(engine, scene)


def test_a_sweep_is_followed(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A watch tells how far the deploy is, cohort by cohort if it must, until it is through."""
    monkeypatch.setattr(sweeping, "AT_ONCE", 1)
    monkeypatch.setattr(sweeping, "CHUNK", 1)
    loans(engine)
    ask(engine, Spawn("loan-v1"))
    seen: list[tuple[int | None, int | None]] = []
    monkeypatch.setattr(DeployRoom, "_swept", lambda _, change: seen.append((change.swept, change.cohorts)))
    monkeypatch.setattr(DeployRoom, "_look_at_sweep", lambda *_: None)

    async def scene(stage: Stage) -> None:
        await draft(stage, "SUBMIT_INFO,PAY_FEE")
        await stage.press("ctrl+s")
        await stage.type("loan-v2")
        await stage.press("enter")
        assert seen == sorted(seen)
        assert seen[-1] == (3, 3)

    play(engine, scene)


def test_a_path_is_chosen_from_the_tree(engine: Engine) -> None:
    """On the tree of histories, ``d`` begins a deploy for exactly the path under the cursor."""
    loans(engine)

    async def scene(stage: Stage) -> None:
        await stage.press("4")
        assert "PAY_FEE" in stage.text
        await stage.press("enter")
        assert "PAY_FEE" not in stage.text
        await stage.press("enter", "j", "j", "d")
        assert stage.app.crumbs[-1] == "Deploy"
        assert "SUBMIT_INFO,PAY_FEE" in stage.text
        assert "loan-v1" in stage.text

    play(engine, scene)


def test_versions_show_route_chart_and_changes(engine: Engine) -> None:
    """The chosen version on the right: its route, its chart, what it changes; ``c`` closes its route, by its name."""
    loans(engine)
    verified(engine)

    async def scene(stage: Stage) -> None:
        await stage.press("3", "j")
        assert "● open" in stage.text
        await stage.press("tab", "tab")
        assert "~ under_review: PAY_FEE -> income_verify (was awaiting_docs)" in stage.text
        await stage.press("c")
        assert "Nobody is waiting for it." in stage.text
        await stage.type("loan-v2")
        await stage.press("enter")
        assert "✗ SUBMIT_INFO, PAY_FEE" in stage.text

    play(engine, scene)


def test_a_window_that_grows_has_longer_bars(engine: Engine) -> None:
    """They are drawn anew, and none is cut."""
    loans(engine)

    async def scene(stage: Stage) -> None:
        before = stage.text.count("█")
        await stage.pilot.resize_terminal(160, 50)
        await stage.settle()
        row = next(line for line in stage.text.splitlines() if "loan-v1" in line)
        assert row.count("█") > before
        assert "…" not in row

    play(engine, scene, NARROW)


def test_closing_a_route_says_how_many_wait_for_it(engine: Engine) -> None:
    """Before it is done; the route that is closed is the one that was asked about, wherever the cursor is then."""
    loans(engine)
    verified(engine)
    ask(engine, Spawn("loan-v1", key="new"))
    ask(engine, Send("new", "SUBMIT_INFO"))
    ask(engine, Spawn("loan-v1"))

    async def scene(stage: Stage) -> None:
        await stage.press("3", "j", "c")
        assert "loan-v2 will take nobody over any more. 2 actors of loan-v1" in stage.text
        assert "later siblings will judge them." in stage.text
        stage.app.screen_stack[-2].query_one(Table).cursor = 0
        await stage.type("loan-v2")
        await stage.press("enter")
        assert "2 actors that waited for it are judged by its later siblings now." in stage.said

    play(engine, scene)


@pytest.mark.parametrize(
    ("path", "may"),
    [
        ("", 0),
        ("A", 1),
        ("A,B", 3),
        ("*,B", 7),
        ("A,X,Y", 5),
        ("**,X", 32),
        ("A,**,X", 15),
    ],
)
def test_who_may_still_match_a_path_is_counted(path: str, may: int) -> None:
    """As ``close`` does: those whose histories are on the way to it, and behind a run of events all of them."""
    tree = [
        PathNode(path=[], actors=32, here=1),
        PathNode(path=["A"], actors=14, here=2),
        PathNode(path=["A", "X"], actors=4, here=2),
        PathNode(path=["A", "X", "Y"], actors=2, here=2),
        PathNode(path=["A", "B"], actors=8, here=8),
        PathNode(path=["C"], actors=17, here=4),
        PathNode(path=["C", "B"], actors=13, here=13),
    ]
    assert undecided(path.split(",") if path else [], tree) == may


def test_decisions_are_filtered_and_exported(engine: Engine, tmp_path: Path) -> None:
    """The last route's decisions are there at once; ``e`` writes all that pass the filter."""
    loans(engine)
    verified(engine)

    async def scene(stage: Stage) -> None:
        await stage.press("6")
        assert "route:loan-v2" in stage.text
        assert "≠ diverged" in stage.text
        await stage.press("slash", "end")
        await stage.type(" outcome:migrated")
        await stage.press("enter")
        assert "≠ diverged" not in stage.text
        await stage.press("e", "enter")
        assert lines_of("decisions.csv") == 7
        await stage.press("e", "ctrl+u")
        await stage.type("decisions.jsonl")
        await stage.press("enter")
        assert first_of("decisions.jsonl")["outcome"] == "migrated"
        await stage.press("e", "ctrl+u")
        await stage.type("decisions.xml")
        await stage.press("enter")
        assert "CSV or JSON lines" in stage.said

    play(engine, scene)


def test_no_daemon_says_what_was_tried_and_goes_by_itself(engine: Engine) -> None:
    """The socket, the reason and the fix; when the daemon answers again, the screen that was there is back."""
    loans(engine)

    async def scene(stage: Stage) -> None:
        await stage.press("2")
        stage.client.failure = NoDaemon("/run/statekeep.sock", "there is no such socket")
        await stage.press("r")
        assert "tried   /run/statekeep.sock" in stage.text
        assert "there is no such socket" in stage.text
        await stage.press("2", "escape")
        assert "statekeepd" in stage.text
        stage.client.failure = None
        await stage.press("r")
        assert stage.app.crumbs == ["Overview", "Actors"]
        assert "alice" in stage.text

    play(engine, scene)


def test_escape_goes_back_and_never_quits(engine: Engine) -> None:
    """One screen at a time, and on the first one it says how to leave."""
    loans(engine)

    async def scene(stage: Stage) -> None:
        await stage.press("2", "enter", "escape", "escape", "escape", "escape")
        assert stage.app.is_running
        assert stage.app.crumbs == ["Overview"]
        assert "ctrl+q ends" in stage.said

    play(engine, scene)


def test_the_command_line_goes_anywhere(engine: Engine) -> None:
    """``:actor alice`` opens her; a slip is answered with what was meant."""
    loans(engine)

    async def scene(stage: Stage) -> None:
        await stage.press("colon")
        await stage.type("actor alice")
        await stage.press("enter")
        assert stage.app.crumbs == ["Overview", "alice"]
        await stage.press("colon")
        await stage.type("actrs")
        await stage.press("enter")
        assert "Did you mean actors?" in stage.said

    play(engine, scene)


def test_the_palette_does_what_the_keys_do(engine: Engine) -> None:
    """Every action by its name."""
    loans(engine)

    async def scene(stage: Stage) -> None:
        await stage.press("2", "ctrl+p")
        await stage.type("Copy as a command")
        await stage.press("enter")
        await stage.press("enter")
        assert stage.app.clipboard == "statekeep actors"

    play(engine, scene)


def test_what_others_do_is_seen(engine: Engine) -> None:
    """A look that finds the world changed shows it, on the line where the cursor stays."""
    loans(engine)

    async def scene(stage: Stage) -> None:
        await stage.press("2", "j")
        ask(engine, Send("alice-1", "APPROVE"))
        ask(engine, Spawn("loan-v1", key="carol"))
        await stage.press("r")
        line = next(line for line in stage.text.splitlines() if "▌" in line)
        assert "alice-1" in line
        assert "■ done" in line
        assert "carol" in stage.text
        assert "2 of 11" in stage.text

    play(engine, scene)


def test_help_lists_the_keys_and_searches(engine: Engine) -> None:
    """About the screen and the focused widget, with every key that works there."""
    loans(engine)

    async def scene(stage: Stage) -> None:
        await stage.press("2", "question_mark")
        # Lines are as long as there is room, however long they are in the source.
        assert "and\n" not in stage.text.partition("In a state")[2].partition("The daemon filters")[0]
        assert "The daemon filters" in stage.text
        await stage.type("copy")
        assert "Copy as a command line" in stage.text
        assert "Half a page" not in stage.text
        await stage.press("escape")
        assert stage.app.crumbs == ["Overview", "Actors"]

    play(engine, scene)


def test_what_is_shown_can_be_copied(engine: Engine) -> None:
    """``y`` takes the id, ``Y`` the command line that says the same."""
    loans(engine)

    async def scene(stage: Stage) -> None:
        await stage.press("2", "slash")
        await stage.type("version:loan-v1")
        await stage.press("enter", "y")
        assert stage.app.clipboard == "alice"
        await stage.press("Y")
        assert stage.app.clipboard == "statekeep actors --version loan-v1"

    play(engine, scene)


@pytest.mark.parametrize("keys", [("2", "enter", "s"), ("3", "j", "c")])
def test_read_only_says_so(engine: Engine, keys: tuple[str, ...]) -> None:
    """Nothing is hidden; an act is refused with the reason."""
    loans(engine)
    verified(engine)

    async def scene(stage: Stage) -> None:
        await stage.press(*keys)
        assert "started with --readonly" in stage.said
        assert not any(isinstance(request, Send) for request in stage.client.asked)

    play(engine, scene, readonly=True)


@pytest.mark.parametrize(("role", "keys"), [("viewer", ("2", "enter", "s")), ("operator", ("3", "j", "c"))])
def test_a_role_that_is_too_small_is_named(engine: Engine, role: Role, keys: tuple[str, ...]) -> None:
    """What somebody may not do is not hidden: it says which role it needs, and which they have."""
    loans(engine)
    verified(engine)

    async def scene(stage: Stage) -> None:
        await stage.press(*keys)
        assert f"needs the role {'operator' if role == 'viewer' else 'admin'}; mary is {role} here." in stage.said

    play(engine, scene, role=role)


def test_an_event_for_somebody_who_moved_on_is_refused(engine: Engine) -> None:
    """What is sent was chosen for the state that was seen: if that is no more, nothing is sent."""
    loans(engine)

    async def scene(stage: Stage) -> None:
        await stage.press("2", "enter", "s")
        ask(engine, Send("alice", "REJECT"))
        await stage.press("ctrl+s")
        assert ask(engine, Get("alice")).events == 3
        assert "has processed 3 events; 2 were expected" in stage.said

    play(engine, scene)


def test_an_actor_is_erased_by_its_typed_name(engine: Engine) -> None:
    """What can't be undone wants its word; then the row is empty, and nobody has moved into it."""
    loans(engine)

    async def scene(stage: Stage) -> None:
        await stage.press("2", "enter", "X")
        assert "Type alice to go on" in stage.text
        await stage.type("alice")
        await stage.press("enter")
        assert stage.app.crumbs == ["Overview", "Actors"]
        assert "alice is erased" in stage.said
        assert "alice " not in stage.text
        assert "alice-1" in stage.text
        await stage.press("G", "enter")
        assert stage.app.crumbs[-1] == "bob-3"

    play(engine, scene)


def test_a_refusal_is_shown_with_its_hint(engine: Engine) -> None:
    """What the daemon says is wrong, and what would be right."""
    loans(engine)

    async def scene(stage: Stage) -> None:
        await stage.press("colon")
        await stage.type("actor nobody")
        await stage.press("enter")
        assert "There is no actor with the key 'nobody'" in stage.said

    play(engine, scene)


def test_every_theme_draws_every_screen(engine: Engine) -> None:
    """Colours change, and nothing else."""
    loans(engine)
    verified(engine)

    async def scene(stage: Stage) -> None:
        for key in "123465":
            await stage.press(key)
            drawn = stage.text
            for theme in ("statekeep-light", "ansi-dark", "statekeep"):
                stage.app.theme = theme
                await stage.pilot.pause()
                assert stage.text == drawn
            await stage.press("escape", "escape")

    play(engine, scene, NARROW)
