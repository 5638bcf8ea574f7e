"""The fixture that pytest finds by itself where StateKeep is installed; here it may only be on the path."""

from statekeep.testing import statekeep

__all__ = ["statekeep"]
