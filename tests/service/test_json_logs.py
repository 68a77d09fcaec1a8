"""Logs for programs: each event is one line and one object, whatever stands in it."""

import json
import logging
import sys
from datetime import UTC, datetime

from service.logs import JsonFormatter


def a_failure() -> None:
    msg = "too hot"
    raise ValueError(msg)


def test_an_event_is_one_object_with_its_fields_and_the_error() -> None:
    try:
        a_failure()
    except ValueError:
        error = sys.exc_info()
    record = logging.LogRecord("service.ingest", logging.ERROR, "", 0, "post %s\nby us", ("refused",), error)
    record.__dict__ |= {"bridge": 3, "at_ms": (1, {2}), "reason": "lò\x1b[31m"}

    written = JsonFormatter().format(record)

    line = json.loads(written)
    assert "\n" not in written
    assert line["event"] == "post refused\nby us"
    assert (line["level"], line["logger"], line["bridge"]) == ("ERROR", "service.ingest", 3)
    assert (line["at_ms"], line["reason"]) == ([1, "{2}"], "lò\x1b[31m")
    assert line["error"].endswith("ValueError: too hot")
    assert abs((datetime.fromisoformat(line["at"]) - datetime.now(UTC)).total_seconds()) < 60
