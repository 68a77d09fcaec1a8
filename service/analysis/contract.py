"""An analysis as JSON, the contract `canhlo.analysis/1`: times are ISO 8601 in UTC, what is not known is null."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any, Final

import numpy as np

from service.analysis.analyse import AnalysedFiring, Analysis
from service.core.findings import Finding
from service.importers.log import Channel, Remark

SCHEMA: Final = "canhlo.analysis/1"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Json = dict[str, Any]


def as_json(analysis: Analysis) -> Json:
    """Return the whole of it; a log without a calendar counts its times from 1970-01-01T00:00:00Z."""
    log = analysis.log
    return {
        "schema": SCHEMA,
        "log": {"format": log.format, "is_dated": log.is_dated, "remarks": [told(one) for one in log.remarks]},
        "channels": _channels(analysis),
        "firings": [_firing(one) for one in analysis.firings],
        "findings": [finding(one) for one in analysis.findings],
    }


def told(remark: Remark) -> Json:
    """Return a remark by its key, with its values."""
    return {"key": remark.key, **remark.values}


def _channels(analysis: Analysis) -> list[Json]:
    by_name: defaultdict[str, list[Channel]] = defaultdict(list)
    for recording in analysis.log.recordings:
        for name, channel in recording.channels.items():
            if len(channel.samples.time_s):
                by_name[name].append(channel)
    return [_channel(name, parts) for name, parts in by_name.items()]


def _channel(name: str, parts: Sequence[Channel]) -> Json:
    times = [np.unique(part.samples.time_s) for part in parts]
    steps_s = np.concatenate([np.diff(time_s) for time_s in times])
    return {
        "name": name,
        "unit": parts[0].unit.value,
        "samples": sum(len(part.samples.time_s) for part in parts),
        "first": _time(min(float(time_s[0]) for time_s in times)),
        "last": _time(max(float(time_s[-1]) for time_s in times)),
        "median_interval_s": float(np.median(steps_s)) if len(steps_s) else None,
    }


def _firing(firing: AnalysedFiring) -> Json:
    assessed = firing.assessed
    summary = assessed.summary
    return {
        "recording": firing.recording.name,
        "start": _time(assessed.start_s),
        "end": _time(assessed.end_s),
        "end_cause": assessed.cause.value if assessed.cause else None,
        "peak_c": _number(summary.peak_c) if summary else None,
        "peak_at": _time(summary.peak_s) if summary else None,
        "segments": [
            {
                "kind": one.kind,
                "start": _time(one.start_s),
                "end": _time(one.end_s),
                "from_c": _number(one.from_c),
                "to_c": _number(one.to_c),
                "rate_c_per_h": _number(one.rate_c_per_h),
            }
            for one in firing.segments
        ],
        "phases": [{"name": one.name, "start": _time(one.start_s), "end": _time(one.end_s)} for one in firing.phases],
        "cones": [
            {
                "channel": one.channel,
                "cone": one.cone,
                "progress": _number(one.progress),
                "down_at": _time(one.down_s),
            }
            for one in (summary.cones if summary else ())
        ],
        "cone_reached": summary.cone_reached if summary else None,
        "max_spread_c": _number(summary.max_spread_c) if summary else None,
        "findings": [finding(one) for one in assessed.findings],
    }


def finding(one: Finding) -> Json:
    """Return a finding as the contract has it."""
    return {
        "kind": one.kind,
        "group": one.group.value,
        "channel": one.channel,
        "start": _time(one.start_s),
        "end": _time(one.end_s),
        "severity": one.severity.value,
        "probability": _number(one.probability),
        "evidence": {
            name: _number(value) if isinstance(value, float) else value for name, value in one.evidence.items()
        },
        "advice_key": one.advice_key,
    }


def _time(unix_s: float | None) -> str | None:
    if unix_s is None:
        return None
    return (_EPOCH + timedelta(milliseconds=round(unix_s * 1000))).isoformat().replace("+00:00", "Z")


def _number(value: float | None) -> float | None:
    return None if value is None or not isfinite(value) else round(float(value), 4)
