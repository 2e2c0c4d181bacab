"""Log lines of the services: one JSON object a line on standard error, without personal data.

Lines of ours have fixed words and fields that are counts, reasons and classes. Of other libraries'
lines the words are kept and the values left out, and of exceptions where they were raised, not what
they say: both may repeat what a person sent.
"""

import logging
import sys
import traceback
from datetime import UTC, datetime
from enum import StrEnum
from types import TracebackType
from typing import TextIO

import msgspec

ROOT = "plait"
FRAMES_MAX = 20
_STANDARD = frozenset(vars(logging.makeLogRecord({})))
_QUIET = ("kafka", "uvicorn", "psycopg", "asyncio")


class Level(StrEnum):
    """From which weight on lines are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class JsonLines(logging.Formatter):
    """Turns a record into one line."""

    def format(self, record: logging.LogRecord) -> str:
        is_ours = record.name == ROOT or record.name.startswith(f"{ROOT}.")
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {
            "at": at.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": str(record.msg),
        }
        if is_ours:
            line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info and record.exc_info[1] is not None:
            line |= where(record.exc_info[1])
        return msgspec.json.encode(line, enc_hook=str).decode()


def where(error: BaseException) -> dict[str, object]:
    """The class of an error and where it was raised; its words may name people."""
    cause = error.__cause__
    found: dict[str, object] = {
        "error": type(error).__name__,
        "frames": _frames(error.__traceback__),
    }
    if cause is not None:
        found["cause"] = type(cause).__name__
    return found


def _frames(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-FRAMES_MAX:]
    return [f"{each.filename}:{each.lineno} {each.name}" for each in frames]


def start_logging(level: Level, stream: TextIO | None = None) -> logging.Logger:
    """Called once by the command that serves. Gives the root of our loggers."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in _QUIET:  # theirs are said only when something is wrong
        logging.getLogger(name).setLevel(logging.WARNING)
    ours = logging.getLogger(ROOT)
    ours.setLevel(level.value.upper())
    return ours
