"""Where the daemon finds the keys of its store.

In this order: systemd credentials, key files, a passphrase; if there is none of them, the key file beside the store,
which a first start makes. All that are there are taken: a new store gets a slot for each, a store that is there opens
with the first that fits, and ``statekeep key rewrap`` gives the others a slot. No key is ever an argument.
"""

import getpass
import os
import sys
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from statekeep.daemon.logs import KEY_MADE
from statekeep.daemon.store.key_files import InsecureKeyFile, make_master_key, master_key, parse_key
from statekeep.daemon.store.keys import KEY_SIZE
from statekeep.daemon.store.recovery import Mistyped, read_recovery
from statekeep.daemon.store.slots import USUAL, Cost, Kind, Secret

log = structlog.stdlib.get_logger("statekeepd")

CREDENTIAL = "statekeep-key"
PASSPHRASE_CREDENTIAL = "statekeep-passphrase"  # noqa: S105 - the name of a file
"""Names in ``$CREDENTIALS_DIRECTORY``, as in ``LoadCredential=`` of systemd.exec(5)."""

SHORTEST = 12
"""Characters of a passphrase. No slot was ever made of fewer, so fewer open none."""


class UnusableKey(Exception):
    """There is no key, or what was given as one can't be."""


@dataclass(frozen=True)
class KeySources:
    """What was said about keys, on the command line and by the environment."""

    beside: Path
    """The key file of a start without any configuration."""
    files: Sequence[Path]
    passphrase: str | None
    """``prompt``, ``fd:3`` or ``env:NAME``."""
    environ: MutableMapping[str, str]
    ask: Callable[[str], str] = getpass.getpass
    cost: Cost = USUAL
    """Of a new slot for the passphrase."""

    def secrets(self, *, new: bool) -> list[Secret]:
        """All keys that are there; ``new``: for a store that is to be made.

        Raises:
            InsecureKeyFile, OSError: a key file can't be used.
            UnusableKey: there is no key at all, or no passphrase where one was announced.
        """
        found = [*self._credentials(), *self._files(new=new)]
        if self.passphrase is not None:
            found.append(self._typed(self._read_passphrase(new=new), f"the passphrase ({self.passphrase})"))
        if found:
            return found
        if new or self.beside.exists():
            return [self._file(self.beside, new=new)]
        if sys.stdin.isatty():
            return [self._typed(self.ask("Passphrase or recovery key: "), "what was typed")]
        raise UnusableKey(
            f"no key for the store: {self.beside} is not there; put it back, name another with --key, or give a "
            "passphrase or recovery key with --passphrase"
        )

    def _credentials(self) -> Iterator[Secret]:
        # Who may read them is systemd's care: only the service's user can even enter the directory.
        directory = self.environ.get("CREDENTIALS_DIRECTORY")
        if not directory:
            return
        credential = Path(directory) / CREDENTIAL
        if credential.exists():
            content = credential.read_bytes()
            key = content if len(content) == KEY_SIZE else parse_key(content)
            if key is None:
                raise InsecureKeyFile(f"{credential} holds no key: neither {KEY_SIZE} bytes nor a key file")
            yield Secret(Kind.CREDENTIAL, key, f"the credential {CREDENTIAL}")
        phrase = Path(directory) / PASSPHRASE_CREDENTIAL
        if phrase.exists():
            origin = f"the credential {PASSPHRASE_CREDENTIAL}"
            yield self._typed(_line(phrase.read_bytes(), origin), origin)

    def _files(self, *, new: bool) -> Iterator[Secret]:
        for path in self.files:
            yield self._file(path, new=new)

    @staticmethod
    def _file(path: Path, *, new: bool) -> Secret:
        if new and not path.exists():
            key = make_master_key(path)
            log.info(
                "made the master key %s; without it the store can't be read: keep a copy elsewhere",
                path,
                message_id=KEY_MADE,
            )
        else:
            key = master_key(path)
        return Secret(Kind.FILE, key, str(path))

    def _read_passphrase(self, *, new: bool) -> str:
        kind, _, name = (self.passphrase or "").partition(":")
        match kind:
            case "prompt":
                typed = self.ask("Passphrase: " if new else "Passphrase or recovery key: ")
                if new and self.ask("Once more: ") != typed:
                    raise UnusableKey("the two passphrases differ")
                return typed
            case "fd" if name.isdigit():
                with os.fdopen(int(name), "rb") as file:
                    return _line(file.read(4096), f"descriptor {name}")
            case "env" if name:
                # Taken out, so that no child process inherits it.
                typed = self.environ.pop(name, "")
                return _line(typed.encode(errors="surrogateescape"), f"the variable {name}")
        raise UnusableKey("--passphrase takes prompt, fd:NUMBER or env:NAME, and never the passphrase itself")

    def _typed(self, text: str, origin: str) -> Secret:
        """A recovery key if the text looks like one, else a passphrase."""
        try:
            recovery = read_recovery(text)
        except Mistyped as slip:
            raise UnusableKey(str(slip)) from None
        if recovery is not None:
            return Secret(Kind.RECOVERY, recovery, origin)
        if len(text) < SHORTEST:
            raise UnusableKey(f"{origin} is too short: a store's passphrase has {SHORTEST} characters or more")
        return Secret.passphrase(text, origin, self.cost)


def _line(content: bytes, origin: str) -> str:
    """The text of a passphrase, without the line feed that an editor or ``echo`` puts behind it."""
    try:
        text = content.decode().removesuffix("\n")
    except UnicodeDecodeError:
        raise UnusableKey(f"the passphrase in {origin} is not UTF-8") from None
    if not text:
        raise UnusableKey(f"there is no passphrase in {origin}")
    return text
