"""The one way of logging: an event with fields, one line each on stderr, for people or as JSON for machines.

It stands on the standard library's logging, so that what libraries log comes out in the same form. A traceback has
no values of variables in it, as they may be secrets.
"""

import io
import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

_FIELDS = "parallax_fields"


class Log:
    """Where a module logs to. `event` is the same words every time; what changes goes into the fields."""

    __slots__ = ("_logger",)

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def info(self, event: str, **fields: object) -> None:
        """What an owner may want to know."""
        self._log(logging.INFO, event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """What may need a look."""
        self._log(logging.WARNING, event, fields)

    def error(self, event: str, **fields: object) -> None:
        """What a person must act on."""
        self._log(logging.ERROR, event, fields)

    def exception(self, event: str, **fields: object) -> None:
        """A bug: as `error`, with the traceback of the exception that is being handled."""
        self._log(logging.ERROR, event, fields, exc_info=True)

    def _log(self, level: int, event: str, fields: dict[str, object], *, exc_info: bool = False) -> None:
        self._logger.log(level, event, extra={_FIELDS: fields}, exc_info=exc_info)


def get_log(name: str) -> Log:
    """The log of a module: `get_log(__name__)`."""
    return Log(logging.getLogger(name))


def set_up(level: str, *, as_json: bool, stream: io.TextIOBase | TextIO | None = None) -> None:
    """Sends all logs of the process to stderr (or `stream`), from a level on; of libraries at least the warnings.

    `level` is debug, info, warning or error. For programs; whoever else uses the packages keeps his own logging."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonForm() if as_json else TextForm())
    wanted = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(handlers=[handler], level=max(wanted, logging.WARNING), force=True)
    for package in ("parallax", "probe", "collector", "lab"):
        logging.getLogger(package).setLevel(wanted)


class TextForm(logging.Formatter):
    """`time level event key=value ...`; a traceback on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {key}={value!r}" for key, value in _fields(record).items())
        line = f"{_time(record)} {record.levelname.lower():<7} {record.getMessage()}{fields}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonForm(logging.Formatter):
    """One object a line: timestamp, level, event, logger, the fields, and `exception` where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "timestamp": _time(record),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line | _fields(record) | line, default=str)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    fields: dict[str, object] = getattr(record, _FIELDS, {})
    return fields


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
