"""What the daemon says to its operator: sentences with fields, and an id for each that an operator may search for.

    journalctl MESSAGE_ID=c9113e78b29740a1ba05ab0d063d5909

No log line holds a key, a payload or a name of the business: versions and actors are given by number or position.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

import msgspec
import structlog

from statekeep.daemon.systemd import Journal, leads_to_journal

LISTENING: Final = "c9113e78b29740a1ba05ab0d063d5909"
STOPPING: Final = "7cc855158dbf4aac91f63a490ac8e24c"
STOPPED: Final = "402d29b96e5441a7bd54395b4f839a63"
KEY_MADE: Final = "ec98c3525a3c4f338399c36cce2bc92c"
REFUSED: Final = "62f0ecc85a4344258ce9cafa178c0695"
TAKEN_BACK: Final = "cd3c78312ace4e418c8ae644b2771def"
RESTORED: Final = "ccc5d5f2a41049c3836ae65cb5b51425"
WATCH_ENDED: Final = "cf317af686204d7290b611222c35ea19"
DAMAGED: Final = "19aea2f50bf4420ebe3d6a3d8febcd9e"

IDS: Final[dict[str, str]] = {
    LISTENING: "the daemon has started and can be reached",
    STOPPING: "a signal asked it to stop",
    STOPPED: "it has stopped, with everything answered",
    KEY_MADE: "a first run made a master key: keep a copy elsewhere",
    REFUSED: "it did not start; the message says why and what to do",
    RESTORED: "a backup was put in the place of the store",
    TAKEN_BACK: "a fault: a batch of requests was taken back, and they were run one by one",
    WATCH_ENDED: "a fault ended a watch; its client was told",
    DAMAGED: "what the store holds of an actor is not what was written: verify the store, and look who can write it",
}
"""What each id stands for."""

_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}

Event = MutableMapping[str, Any]

_with_fields = structlog.stdlib.ExtraAdder()
"""From a record of the standard library, which any library may log by, to an event with its fields."""

structlog.configure(
    processors=[structlog.stdlib.PositionalArgumentsFormatter(), structlog.stdlib.render_to_log_kwargs],
    logger_factory=structlog.stdlib.LoggerFactory(),
)


def configure(kind: str) -> None:
    """Log to stderr as ``kind`` says: ``text``, ``json``, or ``auto``, which prefers journald's own protocol."""
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    if kind == "auto" and leads_to_journal(2, os.environ):
        handler = _JournalHandler(Journal())
    processors: list[structlog.typing.Processor] = [_as_text]
    if kind == "json":
        processors = [_with_fields, structlog.stdlib.add_log_level, structlog.processors.TimeStamper("iso"), _as_json]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=processors))
    logging.basicConfig(handlers=[handler], level=logging.INFO)


def _as_text(_logger: object, _method: str, event: Event) -> str:
    return f"statekeepd: {event['event']}"


def _as_json(_logger: object, _method: str, event: Event) -> str:
    fields = {name: value for name, value in event.items() if not name.startswith("_")}
    fields["message"] = fields.pop("event")
    return msgspec.json.encode(fields, enc_hook=str).decode()


class _JournalHandler(logging.Handler):
    """Gives journald each field under a name of its own, ``STATEKEEP_POSITION`` and so on."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal

    def emit(self, record: logging.LogRecord) -> None:
        try:
            event = _with_fields(logging.getLogger(record.name), "", {"_record": record, "event": record.getMessage()})
            self._journal.send(_fields(event, record.levelname.lower()))
        except Exception:  # noqa: BLE001 - logging's own rule: a log line that fails must not end the program
            self.handleError(record)


def _fields(event: Mapping[str, Any], level: str) -> dict[str, str]:
    own = {name: str(value) for name, value in event.items() if not name.startswith("_") and name not in _RESERVED}
    fields = {f"STATEKEEP_{name.upper()}": value for name, value in own.items()}
    fields["MESSAGE"] = str(event["event"])
    fields["PRIORITY"] = str(_PRIORITIES[level])
    fields["SYSLOG_IDENTIFIER"] = "statekeepd"
    if "message_id" in event:
        fields["MESSAGE_ID"] = event["message_id"]
    return fields


_RESERVED = {"event", "message_id", "level"}
