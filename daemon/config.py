"""The configuration: one TOML file, and what flags and the environment say over it.

Every setting has a value from the first of: a flag, the environment, the file, its default. A setting ``key`` of the
table ``[table]`` is ``STATEKEEP_TABLE_KEY`` in the environment, one of the table ``[daemon]`` just ``STATEKEEP_KEY``;
lists are separated by commas there. The structures below are the reference: ``example`` writes the documented file
from them.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from statekeep.protocol.location import configuration_file, data_directory, socket_path

Origin = Literal["flag", "environment", "file", "default"]


class BadConfiguration(Exception):
    """The configuration holds something that is no setting, or no value of one."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the tables."""


class Daemon(Table, frozen=True, kw_only=True):
    """Where the daemon keeps things and where it is reached."""

    data: Annotated[
        str,
        Meta(
            description="Directory of the store. Default: STATE_DIRECTORY under systemd, else statekeep in "
            "XDG_DATA_HOME."
        ),
    ] = ""
    socket: Annotated[
        str,
        Meta(
            description="The Unix socket. Clients read it here too. Default: statekeep.sock in RUNTIME_DIRECTORY under "
            "systemd, else in statekeep in XDG_RUNTIME_DIR."
        ),
    ] = ""
    anchor: Annotated[
        str,
        Meta(
            description="Directory of the anchor, the small file that has seen the last commit and tells an older copy "
            "of the store from the newest: best one that is neither copied nor restored with the store. Default: the "
            "data directory."
        ),
    ] = ""
    erasures: Annotated[
        str,
        Meta(
            description="Directory of the erasure journal, best on another disk than the store. Default: beside the "
            "store."
        ),
    ] = ""
    group: Annotated[
        str,
        Meta(
            description="A group whose members may use the socket too, as operators. Empty: this user and root alone. "
            "It does not hold for a socket that systemd hands over: there the unit says who may connect."
        ),
    ] = ""
    log: Annotated[
        Literal["auto", "text", "json"],
        Meta(
            description="How the daemon logs to stderr: sentences, or a line of JSON each. auto: structured fields to "
            "journald where stderr leads there, else sentences."
        ),
    ] = "auto"


class Keys(Table, frozen=True, kw_only=True):
    """Where the keys of the store come from, beside the systemd credentials statekeep-key and statekeep-passphrase."""

    file: Annotated[
        str,
        Meta(
            description="File with a key, mode 0600. If there is no other key either: master.key in the data directory."
        ),
    ] = ""
    passphrase: Annotated[
        str,
        Meta(
            description="Where a passphrase or recovery key comes from, never itself: prompt, fd:NUMBER (a descriptor "
            "to read), or env:NAME (a variable)."
        ),
    ] = ""


class Access(Table, frozen=True, kw_only=True):
    """Who may do what, by users (alice) and groups (@staff).

    The daemon's own user and root are admins in any case; who is named twice has the higher role.
    """

    viewers: Annotated[tuple[str, ...], Meta(description="May read.")] = ()
    operators: Annotated[tuple[str, ...], Meta(description="May also spawn and send.")] = ()
    admins: Annotated[tuple[str, ...], Meta(description="May do everything.")] = ()


class Backup(Table, frozen=True, kw_only=True):
    """Continuous backup: every change is copied, sealed, to a directory, from where anything may take it elsewhere."""

    ship: Annotated[
        str,
        Meta(
            description="The directory that is shipped to, for a restore at any point of the last days; best on "
            "another disk. Empty: none. Not together with Litestream."
        ),
    ] = ""
    keep: Annotated[
        int,
        Meta(ge=1, description="Days for which one can go back. Erased actors are in there as long, and one day more."),
    ] = 7


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """All settings."""

    daemon: Daemon = Daemon()
    access: Access = Access()
    keys: Keys = Keys()
    backup: Backup = Backup()


class Setting(NamedTuple):
    """One setting of the reference."""

    table: str
    key: str
    type: Any
    default: Any
    description: str

    @property
    def name(self) -> str:
        """Table and key, as messages name it: ``daemon.socket``."""
        return f"{self.table}.{self.key}"

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return "STATEKEEP_" + (self.key if self.table == "daemon" else f"{self.table}_{self.key}").upper()


class Loaded(NamedTuple):
    """A configuration, and where each value comes from."""

    configuration: Configuration
    file: Path | None
    """The file that was read, if there was one."""
    origins: dict[str, Origin]
    """By the name of the setting."""


def settings() -> Iterator[Setting]:
    """Every setting, in the order of the reference."""
    for table, kind in get_type_hints(Configuration).items():
        annotated = get_type_hints(kind, include_extras=True)
        for field in msgspec.structs.fields(kind):
            meta = next(each for each in annotated[field.name].__metadata__ if isinstance(each, Meta))
            default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
            kind_of = get_args(annotated[field.name])[0]
            yield Setting(table, field.name, kind_of, default, str(meta.description))


def load(environ: Mapping[str, str], uid: int, flags: Mapping[str, Any], file: Path | None = None) -> Loaded:
    """Work out the configuration of a process.

    ``flags`` holds the values that were given on the command line, by the name of the setting. ``file`` is the file
    that was named there: unlike the usual ones it must exist.

    Raises:
        BadConfiguration: naming the setting, and for one that does not exist the nearest that does; or the file can't
            be read.
    """
    path = file or configuration_file(environ, uid)
    chosen = {} if path is None else _read(path)
    origins: dict[str, Origin] = {f"{table}.{key}": "file" for table in chosen for key in chosen[table]}
    for setting in settings():
        if (text := environ.get(setting.variable)) is not None:
            value = [part.strip() for part in text.split(",")] if isinstance(setting.default, tuple) and text else text
            value = _value(value or setting.default, setting, setting.variable, strict=False)
            chosen.setdefault(setting.table, {})[setting.key] = value
            origins[setting.name] = "environment"
        if setting.name in flags:
            chosen.setdefault(setting.table, {})[setting.key] = flags[setting.name]
            origins[setting.name] = "flag"
    configuration = _convert(chosen, "the configuration")
    daemon = configuration.daemon
    daemon = msgspec.structs.replace(
        daemon,
        data=daemon.data or str(data_directory(environ, uid)),
        socket=daemon.socket or str(socket_path(environ, uid)),
    )
    configuration = msgspec.structs.replace(configuration, daemon=daemon)
    return Loaded(configuration, path, {s.name: origins.get(s.name, "default") for s in settings()})


def example(chosen: Mapping[str, Any]) -> str:
    """The documented file: every setting, with what is ``chosen`` by name, the others' defaults commented out."""
    lines = ["# StateKeep's configuration. Every setting, with its default; `statekeep config show` says what holds."]
    table = None
    for setting in settings():
        if setting.table != table:
            table = setting.table
            lines += ["", *_comment(str(get_type_hints(Configuration)[table].__doc__)), f"[{table}]"]
        lines += ["", *_comment(f"{setting.description} Environment: {setting.variable}.")]
        # What settings hold is written in TOML as in JSON.
        value = msgspec.json.encode(chosen.get(setting.name, setting.default)).decode()
        lines.append(f"{'' if setting.name in chosen else '#'}{setting.key} = {value}")
    return "\n".join(lines) + "\n"


def check(text: str, name: str) -> Configuration:
    """The configuration in the text of a file called ``name``. Raises ``BadConfiguration``."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise BadConfiguration(f"{name} is not TOML: {problem}") from None
    return _convert(found, name)


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise BadConfiguration(f"{path} can't be read: {getattr(problem, 'strerror', None) or problem}") from None
    check(text, str(path))
    return tomllib.loads(text)


def _convert(found: Mapping[str, Any], name: str) -> Configuration:
    known: dict[str, list[str]] = {}
    for setting in settings():
        known.setdefault(setting.table, []).append(setting.key)
    for table, values in found.items():
        if table not in known:
            raise BadConfiguration(f"{name} has {_unknown(table, '[{}]', known)}")
        if not isinstance(values, dict):
            raise BadConfiguration(f"{name}: {table} is a table, [{table}], not a value")
        for key in values:
            if key not in known[table]:
                raise BadConfiguration(f"{name} has {_unknown(key, f'{table}.{{}}', known[table])}")
    for setting in settings():
        value = found.get(setting.table, {}).get(setting.key, setting.default)
        try:
            msgspec.convert(value, setting.type)
        except msgspec.ValidationError as problem:
            choices = (
                f"; choose one of {', '.join(get_args(setting.type))}" if get_origin(setting.type) is Literal else ""
            )
            raise BadConfiguration(f"{name}: {setting.name}: {problem}{choices}") from None
    return msgspec.convert(found, Configuration)


def _unknown(word: str, pattern: str, known: Mapping[str, Any] | list[str]) -> str:
    near = difflib.get_close_matches(word, known, 1, 0.5)
    advice = (
        f"did you mean {pattern.format(near[0])}?" if near else f"there are {', '.join(map(pattern.format, known))}"
    )
    return f"{pattern.format(word)}, which is no setting; {advice}"


def _value(value: Any, setting: Setting, place: str, *, strict: bool) -> Any:
    try:
        return msgspec.convert(value, setting.type, strict=strict)
    except msgspec.ValidationError as problem:
        choices = f"; choose one of {', '.join(get_args(setting.type))}" if get_origin(setting.type) is Literal else ""
        raise BadConfiguration(f"{place}: {problem}{choices}") from None


def _comment(text: str) -> Iterator[str]:
    words, line = text.split(), "#"
    for word in words:
        if len(line) + len(word) > 98:
            yield line
            line = "#"
        line += " " + word
    yield line
