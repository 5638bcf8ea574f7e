"""The list of all commands: which module has each, and what it does.

The help is made of this list alone, and a command line of the list and one module: none pays for the others.
"""

from __future__ import annotations

from typing import Final

COMMANDS: Final[dict[str, dict[str, str]]] = {
    "versions": {
        "deploy": "make a version of a definition, and route the actors of its parent",
        "preview": "say what deploy would do, and change nothing",
        "versions": "list all versions with their populations",
    },
    "routes": {
        "close": "end the claim of a version's route: it takes nobody over any more, and holds up no later sibling",
        "deployments": "list the changes of the routes, deploys and closes, and how far each has come",
    },
    "definitions": {
        "definition": "print the definition of a version as it was deployed",
        "show": "draw the definition of a version",
        "diff": "say how a version differs from its parent, or from another version",
    },
    "paths": {
        "paths": "draw the tree of the histories of a version's live actors, with their numbers",
        "histories": "print the distinct histories of a version's live actors, with their numbers, as JSON lines for "
        "replay-check",
    },
    "actors": {
        "spawn": "start an actor on a version",
        "send": "send one event to an actor",
        "deliver": "bring an actor the event of a timer or of an invoked service",
        "actor": "show one actor with its context",
        "actors": "list actors",
        "history": "list the events that an actor has processed",
    },
    "watching": {
        "count": "count actors by version, state and status",
        "tail": "show what happens as it happens, also over restarts of the daemon, until Ctrl-C",
        "stats": "show how the daemon fares: latencies, rates, sizes",
    },
    "erase": {
        "erase": "destroy all that is kept of an actor, for good: its keys, its context, its events",
    },
    "moving": {
        "export": "write actors with their events and contexts, in the clear, as JSON lines",
        "import": "make actors of what export wrote, of a table with key, state and context, or of XState's snapshots; "
        "what is there already is not made again",
    },
    "records": {
        "decisions": "show what was decided about an actor, or about a route, and why",
        "status": "show the daemon in figures",
    },
    "why": {
        "why": "tell in sentences why an actor is where it is",
    },
    "verify": {
        "verify": "work out anew what every actor must be, from definitions, events and deploys alone, and compare",
    },
    "key": {
        "key": "the keys of the store: see them, rotate them, make ones for the day when the others are gone",
    },
    "backup": {
        "backup": "copy the store of the running daemon into a file, and try out whether the file can be restored",
        "restore": "put a backup in the place of the store, while no daemon runs",
    },
    "charts": {
        "check": "find what is wrong with a definition, and draw it",
        "simulate": "show what a definition does about events",
    },
    "replay": {
        "replay-check": "try a new definition on exported histories, and fail if a landing is lost",
    },
    "screen": {
        "tui": "open the screens: who is where, who would move, and why; also without any command",
    },
    "protocol": {
        "describe": "list what the daemon can be asked, or show how one op looks on the wire",
    },
    "explain": {
        "explain": "say what an error code means and what to do",
    },
    "config": {
        "config": "show, check and find the configuration",
    },
    "init": {
        "init": "make the configuration, the store, its key, a recovery key and the units of this user's daemon; what"
        " is there already stays as it is",
    },
    "dev": {
        "dev": "run a daemon in this terminal until Ctrl-C, without systemd",
    },
    "completion": {
        "completion": "print what makes a shell complete statekeep's command lines",
    },
    "doctor": {
        "doctor": "look at the daemon and all that it needs, and say how to mend what is wrong; ends with 0 if all is "
        "well, 1 with warnings, 2 if something is wrong",
    },
    "metrics": {
        "metrics": "write the daemon's figures in the text format of Prometheus",
    },
    "bench": {
        "bench": "measure the durable events a second that the daemon takes",
    },
    "demo": {
        "demo": "tell the loan story on a daemon of its own, check every claim and measure every time; ends with 1 if"
        " one is false",
    },
}
"""By the module of this package that has them, in the order of the help: what each command does."""
