"""A snapshot as Prometheus reads it (text format 0.0.4)."""

from collections.abc import Iterable, Mapping
from typing import Final

from firmware_bridge.status import Snapshot

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_COUNTED: Final = ("received", "readings", "repeated", "retained", "ignored", "dropped", "lost", "restarts")

Sample = tuple[Mapping[str, str], float]


def render_metrics(snapshot: Snapshot) -> str:
    spool, uplink, offline = snapshot.spool, snapshot.uplink, snapshot.offline
    named = [({"source": source.name, "kiln": source.kiln}, source) for source in snapshot.sources]
    lines = [({"port": one.port}, one) for one in snapshot.lines]
    channels = [({"kiln": one.kiln, "channel": one.channel}, one) for one in snapshot.channels]
    families: list[tuple[str, str, str, Iterable[Sample]]] = [
        ("source_connected", "gauge", "1 while the source is there", [(who, one.connected) for who, one in named]),
        *[
            (f"source_{what}_total", "counter", f"Messages {what}", [(who, getattr(one, what)) for who, one in named])
            for what in _COUNTED
        ],
        (
            "source_rejected_total",
            "counter",
            "Messages that could not be read, by reason",
            [({**who, "reason": reason}, n) for who, one in named for reason, n in sorted(one.rejected.items())],
        ),
        (
            "line_silent",
            "gauge",
            "1 while no instrument of the line answers",
            [(who, one.is_silent) for who, one in lines],
        ),
        (
            "line_absent",
            "gauge",
            "Instruments of the line that do not answer",
            [(who, len(one.absent)) for who, one in lines],
        ),
        ("line_answers_total", "counter", "Answers on the line", [(who, one.answers) for who, one in lines]),
        ("line_misses_total", "counter", "Questions without an answer", [(who, one.misses) for who, one in lines]),
        (
            "reading_age_seconds",
            "gauge",
            "Since the channel was last heard",
            [(who, snapshot.age_s(one)) for who, one in channels],
        ),
        (
            "reading_value",
            "gauge",
            "The last value, in the unit of its label; none while the probe has a fault",
            [({**who, "unit": one.unit}, one.value) for who, one in channels if one.value is not None],
        ),
        (
            "reading_good",
            "gauge",
            "1 while the instrument reports no fault",
            [(who, one.quality == "good") for who, one in channels],
        ),
        (
            "readings_stored_total",
            "counter",
            "Readings on the bridge's disk since it was made",
            [({}, snapshot.readings_read)],
        ),
        ("spool_waiting_blocks", "gauge", "Blocks that the service has not stored yet", [({}, spool.waiting_blocks)]),
        ("spool_waiting_readings", "gauge", "Readings in them", [({}, spool.waiting_readings)]),
        (
            "spool_quarantined_blocks",
            "gauge",
            "Blocks that the service calls malformed",
            [({}, spool.quarantined_blocks)],
        ),
        (
            "spool_thinned_readings_total",
            "counter",
            "Readings given up for means of ten seconds when the spool was full",
            [({}, spool.thinned_readings)],
        ),
        ("spool_dropped_readings_total", "counter", "Readings lost to a full spool", [({}, spool.dropped_readings)]),
        ("spool_failed_commits_total", "counter", "Times the disk refused", [({}, spool.failed_commits)]),
        ("spool_size_bytes", "gauge", "Size of the spool's files", [({}, spool.size_bytes)]),
        (
            "spool_used_bytes",
            "gauge",
            "What of them is in use, but for the blocks that the service refused",
            [({}, spool.used_bytes)],
        ),
        (
            "spool_most_bytes",
            "gauge",
            "In use at most; beyond it the oldest readings are thinned",
            [({}, spool.most_bytes)],
        ),
        ("disk_free_bytes", "gauge", "Room left on that disk", [({}, spool.free_bytes)]),
        (
            "clock_synchronised",
            "gauge",
            "1 while the kernel calls the machine's clock synchronised; none where it cannot be asked",
            [] if snapshot.is_clock_synchronised is None else [({}, snapshot.is_clock_synchronised)],
        ),
        (
            "clock_sure",
            "gauge",
            "1 once somebody who knows told the time; until then times are estimated and put right later",
            [({}, snapshot.is_clock_sure)],
        ),
        ("offline_on_duty", "gauge", "1 while the bridge watches in the service's place", [({}, offline.is_on_duty)]),
        ("offline_breaches", "gauge", "Limits that the bridge sees broken meanwhile", [({}, len(offline.breaches))]),
        ("offline_failed_total", "counter", "Times an action did not work", [({}, offline.failed)]),
        ("uplink_up", "gauge", "1 while the service stores what is sent", [({}, uplink.is_up)]),
        ("uplink_failures_total", "counter", "Faults of the sending loop", [({}, uplink.failures)]),
    ]
    return "".join(_family(*family) for family in families)


def _family(name: str, kind: str, meaning: str, samples: Iterable[Sample]) -> str:
    lines = [f"canhlo_bridge_{name}{_labels(labels)} {float(value):.10g}\n" for labels, value in samples]
    return f"# HELP canhlo_bridge_{name} {meaning}\n# TYPE canhlo_bridge_{name} {kind}\n{''.join(lines)}"


def _labels(labels: Mapping[str, str]) -> str:
    said = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())
    return f"{{{said}}}" if said else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
