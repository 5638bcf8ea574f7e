"""``deploy``, ``preview``, ``versions``: what there is, and what there is to be."""

from __future__ import annotations

import argparse
from typing import Any, get_args

from statekeep.protocol import Client
from statekeep.protocol.messages import Deploy, Guards, Landing, Preview, Versions
from statekeep.tui.cli import views
from statekeep.tui.cli.arguments import Subparsers, add_command, event_path, path_text, read_definition
from statekeep.tui.cli.blocks import Command, Line, line
from statekeep.tui.cli.output import print_json, show
from statekeep.tui.cli.wording import count


def add_commands(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the commands about versions."""
    example = "loan-v2.json --id loan-v2 --parent loan-v1 --path SUBMIT_INFO,PAY_FEE"
    parser = add_command(
        subparsers,
        "deploy",
        deploy,
        "make a version of a definition, and route the actors of its parent",
        f"  statekeep deploy loan-v1.json --id loan-v1\n  statekeep deploy {example}",
    )
    _add_plannable(parser)
    parser.add_argument("--digest", metavar="D", help="refuse if the plan is not the one that was previewed")
    parser = add_command(
        subparsers, "preview", preview, "say what deploy would do, and change nothing", f"  statekeep preview {example}"
    )
    _add_plannable(parser)
    add_command(subparsers, "versions", versions, "list all versions with their populations")


def _add_plannable(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the definition, an XState 5 machine as JSON; - for stdin")
    parser.add_argument("--id", required=True, metavar="NAME", help="the name of the new version")
    parser.add_argument("--parent", metavar="P", help="the version whose actors it takes over")
    parser.add_argument(
        "--path",
        type=event_path,
        default=[],
        metavar="A,B",
        help="which of them: those whose history begins with these events (or a JSON array; default: all)",
    )
    parser.add_argument(
        "--landing",
        choices=get_args(Landing),
        default="replay",
        help="an event of the history that the new version does not handle is skipped, or keeps the actor where it is "
        "(default: %(default)s)",
    )
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
        "landing": args.landing,
        "guards": args.guards,
    }


def deploy(client: Client, args: argparse.Namespace) -> int:
    """Deploy a version."""
    deployed = client.call(Deploy(**_planned(args), digest=args.digest))
    if args.json:
        print_json(deployed)
    elif deployed.plan is None:
        show([line(f"{deployed.version} was deployed before with the same content; nothing was changed.")])
    else:
        show(views.plan(deployed.plan, done=True))
        show([line(f"Deployed {deployed.version} at position {count(deployed.position)}.")])
    return 0


def preview(client: Client, args: argparse.Namespace) -> int:
    """Say what a deploy would do, and how to carry out exactly that."""
    plan = client.call(Preview(**_planned(args)))
    if args.json:
        print_json(plan)
        return 0
    command = deploy_command(args, plan.digest)
    show([*views.plan(plan, done=False), Line(), line("Deploy exactly this with:"), Command(command, indent=2)])
    return 0


def deploy_command(args: argparse.Namespace, digest: str) -> list[str]:
    """The command line that carries out what ``args`` previewed."""
    words = ["statekeep", "deploy", args.file, "--id", args.id]
    if args.parent is not None:
        words += ["--parent", args.parent]
    if args.path:
        words += ["--path", path_text(args.path)]
    for option, value, default in (("--landing", args.landing, "replay"), ("--guards", args.guards, "ignore")):
        words += [option, value] if value != default else []
    return [*words, "--digest", digest]


def versions(client: Client, args: argparse.Namespace) -> int:
    """List the versions."""
    found = client.call(Versions())
    if args.json:
        print_json(found)
    else:
        show(views.versions(found))
    return 0
