"""``replay-check``: try a definition on histories that were exported, without a daemon."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

import msgspec

from statekeep.protocol.records import Finding, Guards, HistoryCount, MapLanding, Outcome, PlanRow, Record, StateValue
from statekeep.tui.cli import failures, wording
from statekeep.tui.cli.arguments import add_local, event_path, read_definition
from statekeep.tui.cli.blocks import Block, Line, Span, facts, line
from statekeep.tui.cli.failures import Exit, UnusableInput
from statekeep.tui.cli.landings import add_landing, landing
from statekeep.tui.cli.output import print_json, show
from statekeep.tui.cli.parser import Subparsers
from statekeep.tui.cli.plans import plan_rows
from statekeep.tui.cli.wording import count

if TYPE_CHECKING:
    from statekeep.daemon.routing.rehearsal import Rehearsed

SHOWN: Final = 10
"""Lost histories that are named on a terminal, those with the most actors; ``--json`` names all."""

_EXAMPLES: Final = """\
  statekeep histories loan-v1 > histories.jsonl
  statekeep replay-check loan-v2.json --histories histories.jsonl --path SUBMIT_INFO,PAY_FEE --landing strict"""

_ABOUT: Final = """\
Try a new definition on the histories that `statekeep histories` printed, without a daemon: who would migrate, where
they would land, and which of their events would be skipped. The exit code is 1 if a landing is lost: if the path
matches and the landing policy refuses (with --landing strict, for any skipped event; with --map, for a state that it
does not name; else only for a replay that does not end). A map lands actors from the states that stand beside the
histories. Earlier siblings of the route are not known here: preview shows who is blocked."""

# The rooms of the statecharts and of the routing rule are imported by the commands that use them.


class Lost(Record, frozen=True, kw_only=True):
    """A history whose actors the path claims, but the landing policy refuses to land."""

    history: list[str]
    actors: int
    skipped: list[str]
    """Its events that the new definition does not handle."""
    ends: bool = True
    """False: its replay has a step that does not end, or the state map has no landing."""
    reason: str = ""
    """Why the state map has none."""


class Checked(Record, frozen=True, kw_only=True):
    """What a deploy would do to the actors with these histories."""

    histories: int
    actors: int
    counts: dict[Outcome, int]
    """Actors by outcome."""
    rows: list[PlanRow]
    skipped: dict[str, int]
    """Event types that are skipped, and for how many actors."""
    lost: list[Lost]
    findings: list[Finding]


def add_commands(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_local(subparsers, "replay-check", check_replay, _EXAMPLES)
    parser.description = _ABOUT
    parser.add_argument("file", metavar="FILE", help="the new definition as JSON, or - for stdin")
    parser.add_argument(
        "--histories", required=True, metavar="H", help="what `statekeep histories` printed; - for stdin"
    )
    parser.add_argument("--path", type=event_path, default=[], metavar="A,B", help="as for deploy (default: all)")
    parser.add_argument("--parent", metavar="P", help="the version of the histories; only said again")
    add_landing(parser)
    parser.add_argument("--guards", choices=get_args(Guards), default="ignore", help="default: %(default)s")


def check_replay(args: argparse.Namespace) -> int:
    """Try the definition, and say what came of it."""
    from statekeep.daemon.statecharts import StateMap, check, load  # noqa: PLC0415

    definition, made = read_definition(args.file), landing(args)
    findings = check(definition, guards=args.guards)
    if isinstance(made, MapLanding) and not any(finding.level == "error" for finding in findings):
        findings += StateMap(load(definition, guards=args.guards), made.map).check(None)
    if any(finding.level == "error" for finding in findings):
        for finding in findings:
            print(wording.printable(failures.line(finding)), file=sys.stderr)
        return Exit.REFUSED
    checked = rehearse(args, definition, findings, _read(args.histories))
    if args.json:
        print_json(checked)
    else:
        show(_view(args, checked))
    return Exit.REFUSED if checked.lost else Exit.DONE


def _read(file: str) -> Iterator[HistoryCount]:
    """The histories of an export, one at a time."""
    try:
        text = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as problem:
        advice = "Name the file that `statekeep histories VERSION` was printed to."
        raise UnusableInput(f"{file} can't be read: {problem.strerror}.", f"read {file}", advice) from problem
    decode = msgspec.json.Decoder(HistoryCount).decode
    for number, one in enumerate(text.splitlines(), start=1):
        try:
            found = decode(one)
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            advice = "Each line is one history, as `statekeep histories VERSION` prints it."
            raise UnusableInput(f"Line {number} of {file}: {problem}.", f"parse {file}", advice) from problem
        yield found


def rehearse(
    args: argparse.Namespace, definition: dict[str, Any], findings: list[Finding], histories: Iterable[HistoryCount]
) -> Checked:
    """Judge histories by the route and the landing policy of ``args``."""
    trial = _Trial(args, definition)
    counts: Counter[Outcome] = Counter()
    skipped: Counter[str] = Counter()
    rows: Counter[bytes] = Counter()
    lost: list[Lost] = []
    judged = 0
    for found in histories:
        judged += 1
        made = trial.judge(found)
        counts[made.outcome] += found.actors
        after = None if made.landing is None else trial.table.configurations[made.landing].value
        row = PlanRow(outcome=made.outcome, state=found.state, landing=after, skipped=len(made.skipped), actors=0)
        rows[msgspec.json.encode(row)] += found.actors
        skipped.update(dict.fromkeys(made.skipped, found.actors))
        if made.outcome == "rescue":
            lost.append(trial.lost(found, made))
    return Checked(
        histories=judged,
        actors=counts.total(),
        counts=dict(counts),
        rows=[
            msgspec.structs.replace(msgspec.json.decode(row, type=PlanRow), actors=actors)
            for row, actors in rows.most_common()
        ],
        skipped=dict(skipped.most_common()),
        lost=sorted(lost, key=lambda one: -one.actors),
        findings=findings,
    )


class _Trial:
    """The route that ``args`` describe, to be asked about the histories of an export."""

    def __init__(self, args: argparse.Namespace, definition: dict[str, Any]) -> None:
        from statekeep.daemon.routing.rehearsal import PathTooLong, Rehearsal  # noqa: PLC0415
        from statekeep.daemon.statecharts import Jumps, Table, Unending, load  # noqa: PLC0415

        made, jumps = landing(args), None
        self._states: list[StateValue] = []
        self._numbers: dict[bytes, int] = {}
        if isinstance(made, MapLanding):
            jumps = Jumps(self._states.__getitem__, lambda: self.table, made.map)
        try:
            self._rehearsal = Rehearsal(args.path, strict=made == "strict", jumps=jumps)
            self.table = Table(load(definition, guards=args.guards), self._rehearsal.event_type)
        except (PathTooLong, Unending) as problem:
            raise UnusableInput(f"{problem}.", f"try {args.file}", "No version could be deployed so.") from problem
        self._state_map = None if jumps is None else jumps.state_map

    def judge(self, found: HistoryCount) -> Rehearsed:
        """What the route does about a history."""
        number = self._numbers.setdefault(msgspec.json.encode(found.state), len(self._states))
        if number == len(self._states):
            self._states.append(found.state)
        return self._rehearsal.judge(found.history, self.table, number)

    def lost(self, found: HistoryCount, made: Rehearsed) -> Lost:
        """A history whose landing is refused, and why."""
        from statekeep.daemon.statecharts import NoLanding  # noqa: PLC0415

        reason = ""
        if self._state_map is not None:
            try:
                self._state_map.land(found.state)
            except NoLanding as problem:
                reason = problem.reason
        return Lost(history=found.history, actors=found.actors, skipped=made.skipped, ends=made.ends, reason=reason)


def _view(args: argparse.Namespace, checked: Checked) -> Iterator[Block]:
    source = f" of {args.parent}" if args.parent else ""
    yield line(
        Span(f"{count(checked.actors, 'actor')}{source}", "strong"),
        f" with {count(checked.histories, 'distinct history')}, tried on {args.file}; path: {wording.path(args.path)}",
    )
    yield Line()
    yield plan_rows(checked.rows)
    yield Line()
    yield facts(*((event, f"skipped for {count(actors, 'actor')}") for event, actors in checked.skipped.items()))
    for finding in checked.findings:
        yield line(Span(failures.line(finding), "waiting"), indent=2)
    for one in checked.lost[:SHOWN]:
        why = f"skips {', '.join(one.skipped)}" if one.ends else "its replay does not end"
        yield line(f"{count(one.actors, 'actor')} with {', '.join(one.history)}: {one.reason or why}", indent=2)
    if checked.lost:
        actors = sum(one.actors for one in checked.lost)
        yield line(Span(f"Lost: the landings of {count(actors, 'actor')}.", "bad"))
    else:
        yield line(Span("No landing is lost.", "good"))
