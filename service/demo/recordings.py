"""The recorded firings as their instruments spoke them: what was said, and when."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

FOLDER: Final = Path(__file__).parent / "recordings"
SERIAL_ZONE: Final = "Europe/Paris"


@dataclass(frozen=True)
class Utterance:
    """One thing an instrument says: at a time, on a topic (MQTT only), with so many temperatures in it."""

    at: datetime
    topic: str
    payload: bytes
    readings: int


def serial_firing() -> list[Utterance]:
    """Return the two-probe high fire, line by line, at the times its logger wrote."""
    zone = ZoneInfo(SERIAL_ZONE)
    lines = (FOLDER / "ocr_two_probe_20151021.csv").read_bytes().splitlines()
    return [Utterance(_logger_time(line, zone), "", line + b"\r\n", line.count(b";")) for line in lines]


def _logger_time(line: bytes, zone: ZoneInfo) -> datetime:
    stamp = line.split(b";", 1)[0].decode()
    return datetime.strptime(stamp, "%d/%m/%Y %H:%M:%S").replace(tzinfo=zone).astimezone(UTC)


def mqtt_firing(start_at: datetime) -> list[Utterance]:
    """Return the glass kiln's messages from `start_at` on.

    The log has no clock but the device's uptime. A device that restarted is taken to have done so at once: its first
    message comes as long after the one before as its new uptime says.
    """
    said: list[Utterance] = []
    at, uptime_ms = start_at, None
    for line in (FOLDER / "qtkiln_mqtt_first_run.log").read_bytes().splitlines():
        topic, _, payload = line.partition(b" ")
        state = _kiln_state(topic, payload)
        if state is not None:
            since_ms = state - uptime_ms if uptime_ms is not None and state >= uptime_ms else state
            at += timedelta(milliseconds=since_ms if uptime_ms is not None else 0)
            uptime_ms = state
        said.append(Utterance(at, topic.decode(), payload, int(state is not None)))
    return said


def _kiln_state(topic: bytes, payload: bytes) -> int | None:
    """Return the device's uptime in ms if this message carries the kiln's temperature."""
    if not topic.endswith(b"/state"):
        return None
    message = json.loads(payload)
    return int(message["time_ms"]) if "temp_C" in message.get("kiln", {}) else None


def mqtt_plan() -> list[dict[str, float]]:
    """Return the glass kiln's own programme (sys96_9mm, from the log) as corners of a plan; AFAP steps take 10 min."""
    corners = [(0.0, 40.0)]
    for to_c, ramp_min, hold_min in ((540, 216, 0), (800, 30, 10), (540, 10, 10), (513, 20, 40), (45, 180, 0)):
        corners.append((corners[-1][0] + ramp_min * 60, float(to_c)))
        if hold_min:
            corners.append((corners[-1][0] + hold_min * 60, float(to_c)))
    return [{"time_s": time_s, "temp_c": temp_c} for time_s, temp_c in corners]
