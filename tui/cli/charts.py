"""``check``, ``simulate``: try a definition without a daemon."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from statekeep.protocol.records import Finding, Guards
from statekeep.tui.cli.arguments import add_local, read_definition
from statekeep.tui.cli.failures import Exit, UnusableInput, line
from statekeep.tui.cli.parser import CommandLine, Subparsers
from statekeep.tui.cli.wording import printable, state

GUARDS: Final[Mapping[str, Guards]] = {"ignore": "ignore", "block": "block", "fire": "ignore", "never": "block"}
"""What a case of a batch may say. Traces of XState say ``fire`` where all guards held, ``never`` where none did."""

_ONE_CASE: Final = 'A line is {"machine": {...}, "events": [...], "guards": "fire" or "never"}.'
_START: Final = "(start)"

# The room of the statecharts is imported by the commands that use it: it is a good part of a start-up.


def add_commands(subparsers: Subparsers) -> None:
    """Add the commands that need a definition and nothing else."""
    parser = _add(
        subparsers,
        "check",
        check_definition,
        "  statekeep check loan-v2.json\n  statekeep check loan-v2.json --guards block",
    )
    parser.add_argument("file", metavar="FILE", help="a definition as JSON, or - for stdin")
    parser = _add(
        subparsers,
        "simulate",
        simulate,
        "  statekeep simulate loan-v2.json SUBMIT_INFO PAY_FEE\n  statekeep simulate --batch traces.jsonl",
    )
    parser.add_argument("--batch", action="store_true", help="FILE holds cases, one a line; print a trace a line")
    parser.add_argument("file", metavar="FILE", help="a definition as JSON, or - for stdin")
    parser.add_argument("events", metavar="EVENT", help="what it is sent, in this order", nargs="*")


def _add(subparsers: Subparsers, name: str, run: Callable[[argparse.Namespace], int], examples: str) -> CommandLine:
    parser = add_local(subparsers, name, run, examples)
    parser.add_argument(
        "--guards", choices=get_args(Guards), default="ignore", help="what becomes of guarded transitions (%(default)s)"
    )
    return parser


def check_definition(args: argparse.Namespace) -> int:
    """Print the findings, and the outline unless there are errors."""
    from statekeep.daemon.statecharts import check, load, outline  # noqa: PLC0415

    definition = read_definition(args.file)
    findings = check(definition, guards=args.guards)
    failed = any(finding.level == "error" for finding in findings)
    if args.json:
        _print_json({"findings": findings})
    else:
        _print_findings(findings)
        if not failed:
            print(outline(load(definition, guards=args.guards)))
    return Exit.REFUSED if failed else Exit.DONE


def simulate(args: argparse.Namespace) -> int:
    """Print where each event leads, or a trace for each case of a batch."""
    if args.batch:
        return _run_batch(_read_lines(args.file))
    definition = read_definition(args.file)
    result = _run_case({"machine": definition, "events": args.events, "guards": args.guards})
    if args.json:
        _print_json(result)
    elif "error" in result:
        print(f"statekeep: {printable(result['error']['message'])}", file=sys.stderr)
    else:
        _print_trace([_START, *args.events], result["trace"])
    return Exit.REFUSED if "error" in result else Exit.DONE


def _run_batch(lines: Iterable[bytes]) -> int:
    """Answer each case; one that fails does not end the batch."""
    failed = False
    for case in lines:
        try:
            result = _run_case(json.loads(case))
        except (ValueError, RecursionError) as problem:
            result = _error("malformed", f"not usable as JSON: {problem}")
        failed |= "error" in result
        _print_json(result)
    return Exit.REFUSED if failed else Exit.DONE


def _run_case(case: Any) -> dict[str, Any]:
    """``{"trace": [...]}``, or ``{"error": {"code", "message"}}``."""
    from statekeep.daemon.statecharts import InvalidDefinition, Unending, load, trace  # noqa: PLC0415

    if not isinstance(case, dict) or "machine" not in case:
        return _error("malformed", _ONE_CASE)
    guards, events = case.get("guards", "ignore"), case.get("events", [])
    if not isinstance(guards, str) or guards not in GUARDS or not isinstance(events, list):
        return _error("malformed", _ONE_CASE)
    try:
        return {"trace": trace(load(case["machine"], guards=GUARDS[guards]), events)}
    except InvalidDefinition as error:
        return _error("invalid_definition", str(error))
    except Unending as error:
        return _error("unending", str(error))
    except ValueError as error:
        return _error("bad_event", str(error))


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def _read_lines(file: str) -> list[bytes]:
    try:
        text = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as problem:
        advice = "Name a file of cases, or - for stdin."
        raise UnusableInput(f"{file} can't be read: {problem.strerror}.", f"read {file}", advice) from problem
    return [case for case in text.splitlines() if case.strip()]


def _print_findings(findings: Iterable[Finding]) -> None:
    for finding in findings:
        print(printable(line(finding)))


def _print_trace(events: list[str], steps: list[dict[str, Any]]) -> None:
    width = max(map(len, events))
    for event, step in zip(events, steps, strict=True):
        notes = [] if step["status"] == "active" else [step["status"]]
        if not step["handled"] and event is not _START:
            notes.append("not handled")
        text = f"{event:{width}}  {state(step['value'])}" + (f"  ({', '.join(notes)})" if notes else "")
        print(printable(text))


def _print_json(value: object) -> None:
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
