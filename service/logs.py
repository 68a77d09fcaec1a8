"""Logs: one line an event, its fields behind it as key=value."""

import logging
from typing import Final

_PLAIN: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}


class FieldsFormatter(logging.Formatter):
    """`2026-01-01 12:00:00 WARNING service.ingest: post refused sender='bridge 1' code='malformed'`."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        fields = " ".join(f"{key}={value!r}" for key, value in record.__dict__.items() if key not in _PLAIN)
        return f"{line} {fields}" if fields else line


def set_up_logs() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(FieldsFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for noisy in ("alembic", "httpx", "httpcore", "uvicorn.error"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
