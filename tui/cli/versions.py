"""``deploy``, ``preview``, ``versions``: what there is, and what there is to be."""

from __future__ import annotations

import argparse
import operator
import time
from collections.abc import Iterator
from typing import Any, Final, get_args

from statekeep.protocol import Client
from statekeep.protocol.errors import PreviewOutdated
from statekeep.protocol.messages import Deploy, Preview, PreviewActors, Versions
from statekeep.protocol.records import Deployed, Guards, Outcome, Plan
from statekeep.tui.cli import plans
from statekeep.tui.cli.arguments import (
    add_command,
    add_paging,
    event_path,
    named,
    page_limit,
    path_text,
    read_definition,
)
from statekeep.tui.cli.blocks import Block, Command, Line, line
from statekeep.tui.cli.failures import explain
from statekeep.tui.cli.landings import add_landing, landing, options
from statekeep.tui.cli.output import print_json, print_pages, show
from statekeep.tui.cli.parser import Subparsers
from statekeep.tui.cli.routes import add_no_wait, follow
from statekeep.tui.cli.wording import count, duration

_EXAMPLE: Final = "loan-v2.json --id loan-v2 --parent loan-v1 --path SUBMIT_INFO,PAY_FEE"


def add_commands(subparsers: Subparsers) -> None:
    """Add the commands about versions."""
    parser = add_command(
        subparsers,
        "deploy",
        deploy,
        f"  statekeep deploy loan-v1.json --id loan-v1\n  statekeep deploy {_EXAMPLE}\n"
        "  statekeep deploy hotfix.json --id loan-v1-fix --parent loan-v1 --path '**,PAY_FEE' --once\n"
        "  statekeep deploy loan-v3.json --id loan-v3 --parent loan-v2 --map awaiting_docs=documents.waiting,rejected=",
    )
    _add_plannable(parser)
    parser.add_argument("--digest", metavar="D", help="refuse if the plan is not the one that was previewed")
    parser.add_argument("--once", action="store_true", help="take over who matches now, and nobody later")
    add_no_wait(parser)
    parser = add_command(
        subparsers,
        "preview",
        preview,
        f"  statekeep preview {_EXAMPLE}\n  statekeep preview {_EXAMPLE} --actors pending",
    )
    _add_plannable(parser)
    parser.add_argument(
        "--actors",
        choices=get_args(Outcome),
        metavar="O",
        help=f"list those with one outcome: {', '.join(get_args(Outcome))}",
    )
    add_paging(parser)
    add_command(subparsers, "versions", versions)


def _add_plannable(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the definition, an XState 5 machine as JSON; - for stdin")
    parser.add_argument("--id", type=named, required=True, metavar="NAME", help="the name of the new version")
    parser.add_argument("--parent", type=named, metavar="P", help="the version whose actors it takes over")
    parser.add_argument(
        "--path",
        type=event_path,
        default=[],
        metavar="A,B",
        help="which of them: those whose history begins with these events. '*' is any one event, '**' any run of "
        "events, so '**,PAY_FEE' is who paid at some time (or a JSON array; default: all)",
    )
    add_landing(parser)
    parser.add_argument(
        "--guards",
        choices=get_args(Guards),
        default="ignore",
        help="a guarded transition fires as if its guard held, or never (default: %(default)s)",
    )


def _planned(args: argparse.Namespace) -> dict[str, Any]:
    return {
        "version": args.id,
        "definition": read_definition(args.file),
        "parent": args.parent,
        "path": args.path,
        "landing": landing(args),
        "guards": args.guards,
    }


def deploy(client: Client, args: argparse.Namespace) -> int:
    """Deploy a version, and wait until it has all actors that it takes over now."""
    planned = _planned(args)
    began = time.monotonic()
    try:
        deployed = client.call(Deploy(**planned, digest=args.digest, once=args.once))
    except PreviewOutdated as outdated:
        if args.json:
            raise
        code = explain(args.command, args.socket, outdated)
        show(_previewed(client.call(Preview(**planned)), args))
        return code
    answered = time.monotonic() - began
    if args.json:
        print_json(deployed)
    elif deployed.plan is None:
        show([line(f"{deployed.version} was deployed before with the same content; nothing was changed.")])
    else:
        show(plans.plan(deployed.plan, done=True))
    if deployed.plan is None:
        return 0
    waits = deployed.plan.parent is not None and not args.no_wait
    waited = waits and follow(client, deployed.position, drawn=not args.json)
    if not args.json:
        show(_measured(deployed, args, answered, time.monotonic() - began if waited else None))
    return 0


def _measured(deployed: Deployed, args: argparse.Namespace, answered: float, moved: float | None) -> Iterator[Block]:
    """What was deployed, and the seconds until it was answered and, if that was later, until all had moved."""
    if args.once and args.parent is not None:
        yield line(f"Its route is closed: {deployed.version} takes nobody over later.")
    text = f"Deployed {deployed.version} at position {count(deployed.position)}: answered after {duration(answered)}"
    if moved is not None:
        text += f", all moved after {duration(moved)}"
    yield line(f"{text}.")


def preview(client: Client, args: argparse.Namespace) -> int:
    """Say what a deploy would do, and how to carry out exactly that; or to whom, for one outcome."""
    planned = _planned(args)
    if args.actors is not None:
        request = PreviewActors(**planned, outcome=args.actors, cursor=args.cursor, limit=page_limit(args))
        print_pages(client, args, request, operator.attrgetter("actors"), plans.planned_actors)
        return 0
    plan = client.call(Preview(**planned))
    if args.json:
        print_json(plan)
    else:
        show(_previewed(plan, args))
    return 0


def _previewed(plan: Plan, args: argparse.Namespace) -> Iterator[Block]:
    """A plan, and the command that carries out exactly this."""
    yield from plans.plan(plan, done=False)
    yield Line()
    yield line("Deploy exactly this with:")
    yield Command(deploy_command(args, plan.digest), indent=2)


def deploy_command(args: argparse.Namespace, digest: str) -> list[str]:
    """The command line that carries out what ``args``, of a preview or of an outdated deploy, ask for."""
    words = ["statekeep", "deploy", args.file, "--id", args.id]
    if args.parent is not None:
        words += ["--parent", args.parent]
    if args.path:
        words += ["--path", path_text(args.path)]
    words += options(args)
    words += ["--guards", args.guards] if args.guards != "ignore" else []
    for option in ("once", "no_wait"):
        words += [f"--{option.replace('_', '-')}"] if getattr(args, option, False) else []
    return [*words, "--digest", digest]


def versions(client: Client, args: argparse.Namespace) -> int:
    """List the versions."""
    found = client.call(Versions())
    if args.json:
        print_json(found)
    else:
        show(plans.versions(found))
    return 0
