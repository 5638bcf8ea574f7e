"""``demo``: the loan story on a real daemon. Every claim is checked before it is printed, every time is measured."""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from statekeep.protocol import Client, StatekeepError
from statekeep.protocol.messages import (
    Actor,
    Decision,
    Deploy,
    Deployed,
    Plan,
    Preview,
    Record,
    Request,
    Send,
    Spawn,
    StateCount,
)
from statekeep.tui.cli import loan, views
from statekeep.tui.cli.arguments import Subparsers
from statekeep.tui.cli.blocks import Block, Span, indented, line
from statekeep.tui.cli.demo_end import what_next
from statekeep.tui.cli.failures import Exit, UnusableInput
from statekeep.tui.cli.output import show
from statekeep.tui.cli.throwaway import ThrowawayDaemon
from statekeep.tui.cli.wording import count, duration, state
