"""Makes the manual pages and the reference from what the programs are made of: ``python docs/make.py``.

The parsers of both commands and the settings of the configuration are the source. Of the parsers their actions are
read, not their help, which looks different from one Python to the next. A test says when a page is out of date.
"""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, get_args, get_origin, get_type_hints

import statekeep
from statekeep.daemon.config import Configuration, Setting, settings
from statekeep.daemon.options import parser as daemon_parser
from statekeep.tui.cli.metrics import METRICS
from statekeep.tui.cli.parser import build

HERE: Final = Path(__file__).parent


class Argument(NamedTuple):
    """One argument or option."""

    name: str
    """As it is typed, with the name of its value."""
    help: str


class Command(NamedTuple):
    """One command, as far as a reader needs it."""

    name: str
    text: str
    usage: str
    arguments: list[Argument]
    examples: list[str]


def commands(parser: argparse.ArgumentParser, name: str = "") -> Iterator[Command]:
    """The commands of a parser, and theirs, in the order of the help."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to its arguments
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for word, below in action.choices.items():
                own = f"{name} {word}".strip()
                below.filled()
                if not _subcommands(below):
                    yield _command(below, own)
                yield from commands(below, own)


def _subcommands(parser: argparse.ArgumentParser) -> bool:
    return any(isinstance(action, argparse._SubParsersAction) for action in parser._actions)  # noqa: SLF001


def _command(parser: argparse.ArgumentParser, name: str) -> Command:
    common = {option for action in shared() for option in action.option_strings}
    own = [action for action in parser._actions if not common & set(action.option_strings)]  # noqa: SLF001
    usage = " ".join(["statekeep", name, *map(_used, _positional_first(own))])
    examples = (parser.epilog or "").removeprefix("examples:\n").splitlines()
    arguments = [_argument(action) for action in _positional_first(own)]
    return Command(name, parser.description or "", usage, arguments, [text.strip() for text in examples])


def shared() -> list[argparse.Action]:
    """The options that every command takes."""
    parser = build()
    return [action for action in parser._actions if action.option_strings and action.dest != "version"]  # noqa: SLF001


def _positional_first(actions: list[argparse.Action]) -> list[argparse.Action]:
    return sorted(actions, key=lambda action: bool(action.option_strings))


def _argument(action: argparse.Action) -> Argument:
    names = ", ".join(action.option_strings)
    value = _value(action)
    help_ = (action.help or "") % {"default": action.default}
    if action.choices and value not in {"", "{" + "|".join(map(str, action.choices)) + "}"}:
        listed = ", ".join(map(str, action.choices))
        help_ += "" if listed in help_ else f" ({listed})"
    return Argument(" ".join(filter(None, [names, value])), help_)


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    if action.metavar:
        return str(action.metavar)
    if action.choices:
        return "{" + "|".join(map(str, action.choices)) + "}"
    return action.dest.upper()


def _used(action: argparse.Action) -> str:
    """How it stands in the line of the usage."""
    either = isinstance(action, argparse.BooleanOptionalAction)
    text = " ".join(
        filter(None, [" | ".join(action.option_strings if either else action.option_strings[-1:]), _value(action)])
    )
    if action.nargs in {"*", "+"}:
        text += "..."
    needed = action.required and action.nargs != "*"
    return text if needed else f"[{text}]"


def reference_of_commands() -> str:
    """``reference/commands.md``."""
    lines = ["# Commands", "", "`statekeep COMMAND --help` says the same. Every command also takes:", ""]
    lines += [f"* `{each.name}`: {each.help}" for each in map(_argument, shared())]
    for command in commands(build()):
        lines += ["", f"## {command.name}", "", command.text, "", f"    {command.usage}"]
        if command.arguments:
            lines += ["", "| | |", "|---|---|"]
            lines += [f"| `{_code(each.name)}` | {_cell(each.help)} |" for each in command.arguments]
        if command.examples:
            lines += ["", "Examples:", "", *(f"    {text}" for text in command.examples)]
    lines += ["", "## Exit codes and environment", "", *_indented(build().epilog or "")]
    lines += ["", "# statekeepd", "", daemon_parser().description or "", "", "| | |", "|---|---|"]
    lines += [f"| `{_code(each.name)}` | {_cell(each.help)} |" for each in _daemon_options()]
    lines += ["", *_indented(daemon_parser().epilog or "")]
    return "\n".join(lines).rstrip() + "\n"


def _daemon_options() -> list[Argument]:
    return [_argument(action) for action in daemon_parser()._actions]  # noqa: SLF001


def _cell(text: str) -> str:
    """Text in a table, in which Markdown would see emphasis."""
    return _code(text).replace("*", "\\*")


def _code(text: str) -> str:
    return text.replace("|", "\\|")


def _indented(text: str) -> Iterator[str]:
    return (f"    {each}".rstrip() for each in text.rstrip().splitlines())


def reference_of_configuration() -> str:
    """``reference/configuration.md``."""
    lines = [
        "# Configuration",
        "",
        "One TOML file. `statekeep config path` says which is read, `statekeep config show` what holds and why,",
        "`statekeep config check` what is wrong in it, `statekeep config example` prints one to start from.",
        "",
        "A setting has its value from the first of: a flag of `statekeepd`, the environment, the file, its default.",
    ]
    for table, found in _tables():
        lines += ["", f"## [{table}]", "", *_paragraphs(table), "", "| setting | type | default | environment | |"]
        lines += ["|---|---|---|---|---|"]
        lines += [
            f"| `{each.key}` | {_code(_type(each.type))} | `{_default(each.default)}` | `{each.variable}` "
            f"| {_cell(each.description)} |"
            for each in found
        ]
    return "\n".join(lines) + "\n"


def _tables() -> Iterator[tuple[str, list[Setting]]]:
    found: dict[str, list[Setting]] = {}
    for setting in settings():
        found.setdefault(setting.table, []).append(setting)
    yield from found.items()


def _paragraphs(table: str) -> list[str]:
    return inspect.cleandoc(get_type_hints(Configuration)[table].__doc__ or "").splitlines()


def _type(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(f'`"{choice}"`' for choice in get_args(kind))
    return {str: "text", int: "integer", float: "number", bool: "true or false"}.get(kind, "list of text")


def _default(value: Any) -> str:
    if isinstance(value, tuple):
        return "[]" if not value else ", ".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def reference_of_metrics() -> str:
    """``reference/metrics.md``."""
    lines = [
        "# Metrics",
        "",
        "`statekeep metrics` writes them in the text format of Prometheus; with `--textfile FILE` into a file, all at",
        "once, for node_exporter's textfile collector. `systemd/system/statekeep-metrics.timer` does so every 15 s.",
        "",
        "| metric | type | |",
        "|---|---|---|",
        *(f"| `{metric.name}` | {metric.kind} | {_cell(metric.help)} |" for metric in METRICS),
    ]
    return "\n".join(lines) + "\n"


def manual_of_commands() -> str:
    """``man/statekeep.1``."""
    lines = _heading("statekeep", 1, "deploy statecharts, spawn actors, send them events, see what was decided")
    lines += [".SH SYNOPSIS", ".B statekeep", r"[\fIoptions\fR] \fIcommand\fR [\fIarguments\fR]", ".SH DESCRIPTION"]
    lines += [_escaped(build().description or ""), ".SH OPTIONS", "Every command takes:"]
    lines += [text for each in map(_argument, shared()) for text in _tagged(each)]
    lines += [".SH COMMANDS"]
    for command in commands(build()):
        lines += [f'.SS "{_escaped(command.name)}"', ".PP", rf"\fB{_escaped(command.usage)}\fR", ".PP"]
        lines += [_escaped(command.text)]
        lines += [text for each in command.arguments for text in _tagged(each)]
        if command.examples:
            lines += [".PP", ".RS 4", ".nf", *map(_escaped, command.examples), ".fi", ".RE"]
    lines += [".SH EXIT STATUS AND ENVIRONMENT", ".nf", *map(_escaped, (build().epilog or "").splitlines()), ".fi"]
    lines += [".SH SEE ALSO", r".BR statekeepd (8),", r".BR statekeep.toml (5)"]
    return "\n".join(lines) + "\n"


def manual_of_daemon() -> str:
    """``man/statekeepd.8``."""
    lines = _heading("statekeepd", 8, "keep statechart actors alive")
    lines += [".SH SYNOPSIS", ".B statekeepd", r"[\fIoptions\fR]", ".SH DESCRIPTION"]
    lines += [_escaped(daemon_parser().description or ""), ".SH OPTIONS"]
    lines += [text for each in _daemon_options() for text in _tagged(each)]
    lines += [".SH EXIT STATUS", ".nf", *map(_escaped, (daemon_parser().epilog or "").splitlines()), ".fi"]
    lines += [".SH SEE ALSO", r".BR statekeep (1),", r".BR statekeep.toml (5)"]
    return "\n".join(lines) + "\n"


def manual_of_configuration() -> str:
    """``man/statekeep.toml.5``."""
    lines = _heading("statekeep.toml", 5, "the configuration of StateKeep")
    lines += [".SH DESCRIPTION"]
    lines += [
        "A setting has its value from the first of: a flag of statekeepd, the environment, the file, its default."
    ]
    for table, found in _tables():
        lines += [f'.SH "[{table}]"', *map(_escaped, _paragraphs(table))]
        for each in found:
            described = f"{each.description} Default: {_default(each.default)}. Environment: {each.variable}."
            lines += _tagged(Argument(each.key, described))
    lines += [".SH SEE ALSO", r".BR statekeep (1),", r".BR statekeepd (8)"]
    return "\n".join(lines) + "\n"


def _heading(name: str, section: int, text: str) -> list[str]:
    title = f'.TH "{name.upper()}" {section} "" "StateKeep {statekeep.__version__}"'
    made = r".\" Made by docs/make.py; a change belongs where it reads."
    return [made, title, ".nh", ".ad l", ".SH NAME", rf"{name} \- {text}"]


def _tagged(argument: Argument) -> list[str]:
    return [".TP", rf"\fB{_escaped(argument.name)}\fR", _escaped(argument.help)]


def _escaped(text: str) -> str:
    """What roff would obey, as text."""
    plain = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq").replace("`", r"\(ga")
    return rf"\&{plain}" if plain.startswith(".") else plain


def made() -> dict[Path, str]:
    """Every page, by its file."""
    return {
        HERE / "reference/commands.md": reference_of_commands(),
        HERE / "reference/configuration.md": reference_of_configuration(),
        HERE / "reference/metrics.md": reference_of_metrics(),
        HERE / "man/statekeep.1": manual_of_commands(),
        HERE / "man/statekeepd.8": manual_of_daemon(),
        HERE / "man/statekeep.toml.5": manual_of_configuration(),
    }


def main() -> None:
    """Write what has changed."""
    for path, text in made().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
