"""Logs: one line an event, its fields behind it as key=value."""

import logging
from typing import Final

_PLAIN: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class FieldsFormatter(logging.Formatter):
    """`2026-01-01 12:00:00,000 WARNING firmware_bridge.intake: input refused reason='not_json'`."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        fields = [f"{key}={value!r}" for key, value in record.__dict__.items() if key not in _PLAIN]
        return " ".join([super().formatMessage(record), *fields])


def set_up_logs() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(FieldsFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for noisy in ("httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
