"""The plugin that an installed StateKeep brings by itself."""

from statekeep.testing import statekeep

__all__ = ["statekeep"]
