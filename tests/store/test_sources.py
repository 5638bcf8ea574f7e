"""Where keys come from: what is taken, in which order, and what is refused with a sentence."""

from __future__ import annotations

import io
import logging
import os
from pathlib import Path

import pytest

from statekeep.daemon.store import Cost, InsecureKeyFile, Kind, Secret, UnusableKey, make_master_key
from statekeep.daemon.store.key_files import key_text
from statekeep.daemon.store.recovery import new_recovery
from statekeep.daemon.store.sources import KeySources

CHEAP = Cost(1, 1, 8)
PHRASE = "correct horse battery staple"


def sources(
    directory: Path,
    *files: Path,
    passphrase: str | None = None,
    environ: dict[str, str] | None = None,
    typed: tuple[str, ...] = (),
) -> KeySources:
    """The sources of a daemon on ``directory``, at whose terminal somebody types."""
    lines = list(typed)
    return KeySources(
        directory / "master.key",
        files,
        passphrase,
        {} if environ is None else environ,
        ask=lambda _: lines.pop(0),
        cost=CHEAP,
    )


def kinds(secrets: list[Secret]) -> list[Kind]:
    """What each of them is."""
    return [secret.kind for secret in secrets]


def test_without_any_configuration_a_key_is_made(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The first start makes the file beside the store and says so; later ones read it, and say nothing."""
    with caplog.at_level(logging.INFO):
        (made,) = sources(tmp_path).secrets(new=True)
        assert (tmp_path / "master.key").stat().st_mode & 0o777 == 0o600
        assert [f"made the master key {tmp_path}/master.key" in caplog.text, len(caplog.records)] == [True, 1]
        assert sources(tmp_path).secrets(new=False) == [made]
    assert len(caplog.records) == 1


def test_any_configuration_leaves_the_directory_alone(tmp_path: Path) -> None:
    """No file is made beside the store when there is a credential, or a passphrase; one that lies there isn't read."""
    (tmp_path / "statekeep-key").write_bytes(bytes(32))
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert kinds(sources(tmp_path, environ=environ).secrets(new=True)) == [Kind.CREDENTIAL]
    typed = sources(tmp_path, passphrase="prompt", typed=(PHRASE, PHRASE))
    assert kinds(typed.secrets(new=True)) == [Kind.PASSPHRASE]
    assert not (tmp_path / "master.key").exists()


def test_all_that_is_there_is_taken_in_order(tmp_path: Path) -> None:
    """Credentials, then key files, then the passphrase; so a store may get several ways to be opened at once."""
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "statekeep-key").write_bytes(bytes(32))
    (credentials / "statekeep-passphrase").write_text(PHRASE + "\n")
    make_master_key(tmp_path / "a")
    make_master_key(tmp_path / "b")
    environ = {"CREDENTIALS_DIRECTORY": str(credentials), "PHRASE": "another " + PHRASE}
    found = sources(tmp_path, tmp_path / "a", tmp_path / "b", passphrase="env:PHRASE", environ=environ)
    secrets = found.secrets(new=False)
    assert kinds(secrets) == [Kind.CREDENTIAL, Kind.PASSPHRASE, Kind.FILE, Kind.FILE, Kind.PASSPHRASE]
    assert [secret.material for secret in secrets if secret.kind is Kind.PASSPHRASE] == [
        PHRASE.encode(),
        f"another {PHRASE}".encode(),
    ]


def test_a_credential_is_bytes_or_a_key_file(tmp_path: Path) -> None:
    """Both forms give the same key, whatever mode systemd gave the file; anything else is refused."""
    credential, environ = tmp_path / "statekeep-key", {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    for content in (bytes(range(32)), key_text(bytes(range(32)))):
        credential.write_bytes(content)
        credential.chmod(0o440)
        assert sources(tmp_path, environ=environ).secrets(new=False)[0].material == bytes(range(32))
        credential.chmod(0o600)
    credential.write_bytes(bytes(33))
    with pytest.raises(InsecureKeyFile, match="statekeep-key holds no key"):
        sources(tmp_path, environ=environ).secrets(new=False)


def test_a_key_file_that_is_named_is_made_only_with_the_store(tmp_path: Path) -> None:
    """One that is missing where a store is there was lost, and a new one would open nothing."""
    with pytest.raises(FileNotFoundError):
        sources(tmp_path, tmp_path / "a").secrets(new=False)
    (made,) = sources(tmp_path, tmp_path / "a").secrets(new=True)
    assert made.origin == str(tmp_path / "a")
    assert sources(tmp_path, tmp_path / "a").secrets(new=False) == [made]


def test_a_passphrase_comes_through_a_descriptor(tmp_path: Path) -> None:
    """Without the line feed at its end; the descriptor is closed behind it."""
    reading, writing = os.pipe()
    os.write(writing, PHRASE.encode() + b"\n")
    os.close(writing)
    (secret,) = sources(tmp_path, passphrase=f"fd:{reading}").secrets(new=False)
    assert secret == Secret.passphrase(PHRASE, f"the passphrase (fd:{reading})", CHEAP)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(reading)


def test_a_passphrase_leaves_the_environment(tmp_path: Path) -> None:
    """No child process inherits it."""
    environ = {"PHRASE": PHRASE, "OTHER": "x"}
    assert kinds(sources(tmp_path, passphrase="env:PHRASE", environ=environ).secrets(new=False)) == [Kind.PASSPHRASE]
    assert environ == {"OTHER": "x"}


def test_a_recovery_key_is_known_by_its_form(tmp_path: Path) -> None:
    """Wherever a passphrase is read; a mistyped one is told, and not tried as a passphrase."""
    recovery, text = new_recovery(os.urandom)
    (secret,) = sources(tmp_path, passphrase="prompt", typed=(text.lower(),)).secrets(new=False)
    assert (secret.kind, secret.material) == (Kind.RECOVERY, recovery)
    wrong = ("A" if text[0] != "A" else "B") + text[1:]
    with pytest.raises(UnusableKey, match="mistyped"):
        sources(tmp_path, passphrase="prompt", typed=(wrong,)).secrets(new=False)


@pytest.mark.parametrize(
    ("passphrase", "typed", "words"),
    [
        ("prompt", (PHRASE, PHRASE + "."), "differ"),
        ("prompt", ("too short",) * 2, "too short: a store's passphrase has 12"),
        ("env:NOT_SET", (), "no passphrase in the variable NOT_SET"),
        ("env:ODD", (), "not UTF-8"),
        (PHRASE, (), "never the passphrase itself"),
        ("env:", (), "never the passphrase itself"),
        ("fd:three", (), "never the passphrase itself"),
    ],
)
def test_what_is_no_passphrase(tmp_path: Path, passphrase: str, typed: tuple[str, ...], words: str) -> None:
    """Is refused before a store is made, and the refusal doesn't repeat it."""
    found = sources(tmp_path, passphrase=passphrase, typed=typed, environ={"ODD": "\udcff"})
    with pytest.raises(UnusableKey, match=words) as refusal:
        found.secrets(new=True)
    assert PHRASE not in str(refusal.value)


def test_a_store_without_any_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal says where a key may be; at a terminal one is asked for instead."""
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(UnusableKey, match=r"master\.key is not there; put it back, name another with --key"):
        sources(tmp_path).secrets(new=False)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    assert kinds(sources(tmp_path, typed=(PHRASE,)).secrets(new=False)) == [Kind.PASSPHRASE]


def test_no_secret_is_in_its_representation(tmp_path: Path) -> None:
    """A log or a traceback that shows one tells its origin, and nothing of its material."""
    secret = Secret.passphrase(PHRASE, "the prompt")
    assert "the prompt" in repr(secret)
    assert "horse" not in repr(secret)
