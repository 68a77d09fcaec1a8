"""A firing, or a stretch of a kiln's time, as a file: the plain log (CSV), Parquet, or JSON with what is known."""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Final

import numpy as np
from sqlalchemy.orm import Session

from firmware_bridge.wire import LAST_MS
from service.core.series import FloatArray, Samples
from service.series import history as series
from service.series.blocks import TEMPERATURES
from service.series.columns import IntArray
from service.series.corrections import Corrections, corrections_of
from service.store import firings as firing_rows
from service.store.models import Firing, Kiln

FORMATS: Final = ("csv", "parquet", "json")
SLICE: Final = 5000  # readings of a channel that are in memory as words at once
ROW_GROUP: Final = 20_000  # readings of a channel that are packed together
Masked = np.ma.MaskedArray[Any, np.dtype[np.float64]]
MEDIA_TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
}


@dataclass(frozen=True)
class Handed:
    """Readings, ready to be written: what they are (`firing`, or `readings` of some time), and what is known of it."""

    name: str  # of the file, without its ending
    what: str
    about: Mapping[str, Any]
    channels: Mapping[series.Name, Samples]

    @property
    def schema(self) -> str:
        return f"canhlo.{self.what}/1"

    @property
    def columns(self) -> list[str]:
        return ["_".join(name) for name in self.channels]

    def rows(self, most: int) -> Iterator[tuple[IntArray, list[Masked]]]:
        """Go through all times once [ms] with a column for each channel, at most so many readings of each at a time.

        NaN is no value, and masked is where the channel said nothing: of some that take turns, that is most of it.
        """
        done = dict.fromkeys(self.channels, 0)
        while True:
            next_ms = {name: _ms(one.time_s[done[name] : done[name] + most]) for name, one in self.channels.items()}
            upto_ms = min((times[-1] for times in next_ms.values() if len(times) == most), default=LAST_MS)
            next_ms = {name: times[times <= upto_ms] for name, times in next_ms.items()}
            at_ms = np.unique(np.concatenate([np.empty(0, np.int64), *next_ms.values()]))
            if not len(at_ms):
                return
            columns = []
            for name, one in self.channels.items():
                column = np.ma.MaskedArray(np.full(len(at_ms), np.nan), mask=True)
                first, done[name] = done[name], done[name] + len(next_ms[name])
                column[np.searchsorted(at_ms, next_ms[name])] = one.value[first : done[name]]
                columns.append(column)
            yield at_ms, columns


def hand_out(session: Session, firing: Firing, *, now: datetime, with_note: bool, is_as_taken: bool = False) -> Handed:
    """Return a firing with the readings from its beginning to its end, or to now.

    They are put right by the calibrations of their probes, or `is_as_taken`: a kiln into which they are brought puts
    them right by its own.
    """
    kiln = firing.kiln
    findings = firing_rows.findings_of(session, firing.id)
    told = {
        "kiln": kiln.key,
        "number": firing.number,
        "fuel": kiln.fuel,
        "started_at": _iso(firing.started_at),
        "ended_at": _iso(firing.ended_at),
        "end_cause": firing.end_cause,
        "target_cone": firing.target_cone,
        "peak_c": firing.peak_c,
        "peak_at": _iso(firing.peak_at),
        "cone_reached": firing.cone_reached,
        "max_spread_c": firing.max_spread_c,
        "cones": firing.cones,
        "note": firing.note if with_note else "",
        "findings": [
            {
                "kind": one.kind,
                "group": one.group,
                "channel": one.channel or None,
                "start": _iso(one.start_at),
                "end": _iso(one.end_at),
                "severity": one.severity,
                "probability": one.probability,
                "evidence": one.evidence,
                "advice_key": one.advice_key,
            }
            for one in findings
        ],
    }
    name = f"{kiln.key}-{firing.number}-{firing.started_at.astimezone(UTC):%Y-%m-%d}"
    to_at = firing.ended_at or now
    return _handed(session, kiln, name, "firing", told, firing.started_at, to_at, is_as_taken=is_as_taken)


def hand_out_readings(
    session: Session, kiln: Kiln, *, from_at: datetime, to_at: datetime, is_as_taken: bool = False
) -> Handed:
    """Return a stretch of a kiln's time, whether it was being fired or not; put right as a firing is."""
    told = {"kiln": kiln.key, "fuel": kiln.fuel, "from_at": _iso(from_at), "to_at": _iso(to_at)}
    name = f"{kiln.key}-{from_at.astimezone(UTC):%Y-%m-%d-%H%M}"
    return _handed(session, kiln, name, "readings", told, from_at, to_at, is_as_taken=is_as_taken)


def _handed(
    session: Session,
    kiln: Kiln,
    name: str,
    what: str,
    about: Mapping[str, Any],
    from_at: datetime,
    to_at: datetime,
    *,
    is_as_taken: bool,
) -> Handed:
    corrections = Corrections() if is_as_taken else corrections_of(session, [kiln.id])[kiln.id]
    channels, found_damaged = series.read_every_unit(
        session, kiln.id, from_at=from_at, to_at=to_at, corrections=corrections
    )
    put_right = sorted(corrections.of_channel.keys() & {channel for channel, unit in channels if unit in TEMPERATURES})
    damaged = [
        {"from_at": _stamp(one.from_ms), "to_at": _stamp(one.to_ms + 1), "step_s": one.step_ms and one.step_ms / 1000}
        for one in found_damaged
    ]
    return Handed(name, what, {**about, "put_right": put_right, "damaged": damaged}, channels)


def write(handed: Handed, form: str) -> Iterator[bytes]:
    """Go through the file in pieces, in one of `FORMATS`."""
    ways: dict[str, Callable[[Handed], Iterator[bytes]]] = {"csv": _csv, "parquet": _parquet, "json": _json}
    return ways[form](handed)


def _csv(handed: Handed) -> Iterator[bytes]:
    yield (",".join(["time", *handed.columns]) + "\r\n").encode()
    for at_ms, columns in handed.rows(SLICE):
        rows = zip(at_ms.tolist(), *(column.tolist() for column in columns), strict=True)
        lines = [
            ",".join([_stamp(at), *("" if value is None else repr(value) for value in values)]) for at, *values in rows
        ]
        yield ("\r\n".join(lines) + "\r\n").encode()


def _parquet(handed: Handed) -> Iterator[bytes]:
    import pyarrow as pa  # takes long to load, and few ask for it
    from pyarrow import parquet

    moment = pa.timestamp("ms", tz="UTC")
    schema = pa.schema(
        [("time", moment), *((name, pa.float64()) for name in handed.columns)],
        metadata={handed.schema: json.dumps(handed.about, ensure_ascii=False)},
    )
    file = io.BytesIO()
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for at_ms, columns in handed.rows(ROW_GROUP):
            said = [pa.array(column.data, mask=np.ma.getmaskarray(column)) for column in columns]
            writer.write_table(pa.table([pa.array(at_ms, moment), *said], schema=schema))
    yield file.getvalue()


def _json(handed: Handed) -> Iterator[bytes]:
    head = json.dumps({"schema": handed.schema, handed.what: handed.about}, ensure_ascii=False, indent=1)
    yield f'{head.removesuffix("}").rstrip()},\n "channels": ['.encode()
    between = ""
    for (name, unit), one in handed.channels.items():
        said = json.dumps({"name": name, "unit": unit}, ensure_ascii=False)
        yield f"{between}\n  {said[:-1]}".encode()
        yield from _json_list("time", _ms(one.time_s), _stamp)
        yield from _json_list("value", one.value, lambda value: value if isfinite(value) else None)
        between = "},"
    yield b"}\n ]\n}" if handed.channels else b"]\n}"


def _json_list(name: str, values: np.ndarray, say: Callable[[Any], str | float | None]) -> Iterator[bytes]:
    yield f', "{name}": ['.encode()
    for first in range(0, len(values), SLICE):
        said = json.dumps([say(value) for value in values[first : first + SLICE].tolist()])
        yield f"{', ' if first else ''}{said[1:-1]}".encode()
    yield b"]"


def _ms(time_s: FloatArray) -> IntArray:
    return np.rint(time_s * 1000).astype(np.int64)


def _stamp(at_ms: int) -> str:
    whole = datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{at_ms % 1000:03}Z" if at_ms % 1000 else f"{whole}Z"


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
