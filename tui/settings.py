"""What a user may set for the screens: theme and keys, in ``statekeep/tui.toml`` below ``XDG_CONFIG_HOME``."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec


class Settings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The file's content. ``keys`` maps the name of an action to its keys: ``quit = "ctrl+c,ctrl+q"``."""

    theme: str | None = None
    keys: dict[str, str] = {}


class UnusableSettings(ValueError):
    """The file can't be read; names it and says why."""


def settings_file(environ: Mapping[str, str]) -> Path:
    """Where the settings are, whether or not there are any."""
    base = Path(environ.get("XDG_CONFIG_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".config") / "statekeep" / "tui.toml"


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """The user's settings, or the defaults. Raises ``UnusableSettings``."""
    file = settings_file(environ)
    try:
        return msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), Settings)
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError) as problem:
        raise UnusableSettings(f"{file}: {problem}") from problem
