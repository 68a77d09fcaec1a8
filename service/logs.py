"""Logs: one line an event, for people with its fields behind it as key=value, for programs as an object of JSON."""

import json
import logging
import time
from typing import Final

_PLAIN: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}


class FieldsFormatter(logging.Formatter):
    """`2026-01-01T12:00:00Z WARNING service.ingest: post refused sender='bridge 1' code='malformed'`.

    Nothing that came from outside can begin a line of its own or colour a terminal: values are written as Python would,
    and whatever else is no printable character too.
    """

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%SZ")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - its name in `logging`
        fields = " ".join(f"{key}={value!r}" for key, value in record.__dict__.items() if key not in _PLAIN)
        line = super().formatMessage(record)
        return _printable(f"{line} {fields}" if fields else line)

    def formatException(self, ei: "logging._SysExcInfoType") -> str:  # noqa: N802
        """Return the lines of an error, each set in: a line that begins with a time is an event, and only that."""
        return "\n".join(f"  {_printable(line)}" for line in super().formatException(ei).splitlines())


class JsonFormatter(logging.Formatter):
    """`{"at": "2026-01-01T12:00:00Z", "level": "WARNING", "logger": "service.ingest", "event": "post refused", ...}`.

    The fields stand beside these; an error's lines are in `error`. What is no JSON is written as Python would.
    """

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        line = {
            **{key: value for key, value in record.__dict__.items() if key not in _PLAIN},
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=repr)


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def set_up_logs(*, as_json: bool = False) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if as_json else FieldsFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for noisy in ("alembic", "fido2", "httpx", "httpcore", "uvicorn.error"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
