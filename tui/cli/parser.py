"""The command line of ``statekeep``: what every command has in common, and the list of them."""

from __future__ import annotations

import argparse

import statekeep
from statekeep.tui.cli import (
    actors,
    backup,
    bench,
    charts,
    completion,
    config,
    definitions,
    demo,
    dev,
    doctor,
    erase,
    explain,
    init,
    key,
    metrics,
    moving,
    paths,
    protocol,
    records,
    replay,
    routes,
    screen,
    verify,
    versions,
    watching,
    why,
)
from statekeep.tui.cli.arguments import common

_EPILOG = """\
exit codes:
  0    done
  1    the daemon refused, a definition has errors, replay-check lost a landing,
       verify found a difference, import left a line out, doctor has warnings,
       or a claim of the demo is false
  2    the command line is wrong, or its input can't be read; doctor found
       something wrong
  3    no daemon, or trouble on the way to it: what was under way may or may
       not have been carried out
  130  interrupted with Ctrl-C
  141  whoever read the output has left

environment:
  STATEKEEP_SOCKET  the daemon's socket, else the configuration's, else
                    statekeep/statekeep.sock in XDG_RUNTIME_DIR
  STATEKEEP_CONFIG  the configuration; `statekeep config show` lists a variable for
                    each setting
  NO_COLOR          anything: no colours; there are none but on a terminal
  PAGER             what long answers go through on a terminal, else less;
                    cat: nothing

`statekeep COMMAND --help` has the options of a command, and examples.
"""


def build() -> argparse.ArgumentParser:
    """The parser; what it parses has ``run``, which takes the arguments and returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="statekeep",
        parents=[common()],
        description="Deploy definitions, spawn actors, send them events, and see what was decided.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"statekeep {statekeep.__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, title="commands")
    groups = (
        versions,
        routes,
        definitions,
        paths,
        actors,
        watching,
        erase,
        moving,
        records,
        why,
        verify,
        key,
        backup,
        charts,
        replay,
        screen,
        protocol,
        explain,
        config,
        init,
        dev,
        completion,
        doctor,
        metrics,
        bench,
        demo,
    )
    for group in groups:
        group.add_commands(subparsers)
    return parser
