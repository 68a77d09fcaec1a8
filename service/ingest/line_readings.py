"""Points of line protocol as readings of kilns: which kiln, which channel, in which unit.

What a line does not say is asked for, never guessed.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from firmware_bridge.wire import Quality, Unit
from service.core.series import QUALITIES
from service.ingest.line_protocol import BadLine, FieldValue, Point

# By what a field's name or the tag `unit` says: the unit we keep, and how a value gets there.
UNITS: Final = {unit.value: unit for unit in Unit}
FAHRENHEIT: Final = "f"
ENDINGS: Final = tuple(sorted((f"_{name}" for name in (*UNITS, FAHRENHEIT)), key=len, reverse=True))
PER_MS: Final = {"ns": 1_000_000, "us": 1000, "ms": 1}
S_IN_MS: Final = 1000
PRECISIONS: Final = ("ns", "us", "ms", "s")
EARLIEST_MS: Final = 946_684_800_000  # 2000-01-01: what lies before it is a time in another precision
TOMORROW_MS: Final = 86_400_000  # what lies after it is one, too
HOUR_MS: Final = 3_600_000  # two clocks are not so far apart; local time sent as UTC is
MAX_TOLD: Final = 5
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_\-]{0,39}")


class Place(NamedTuple):
    """Whose reading it is; `is_estimated`: its time is a guess of the sender's."""

    kiln: str
    channel: str
    unit: Unit
    is_estimated: bool


class Said(NamedTuple):
    """A value, None if there is none, and what the sender says of it."""

    value: float | None
    quality: Quality


@dataclass
class Gathered:
    """What a body holds: readings by place and time, the first of each time; and the lines that were refused."""

    readings: dict[Place, dict[int, Said]] = field(default_factory=dict)
    units: dict[tuple[str, str], Unit] = field(default_factory=dict)  # by kiln and channel
    lines: int = 0
    refused: int = 0
    reasons: list[str] = field(default_factory=list)

    def refuse(self, line: int, why: str) -> None:
        self.refused += 1
        if len(self.reasons) < MAX_TOLD:
            self.reasons.append(f"line {line}: {why}")

    def keep_to(self, units: Mapping[tuple[str, str], Unit]) -> None:
        """Leave out what is in another unit than its channel; `units` are by kiln and channel."""
        for place in list(self.readings):
            try:
                _check_unit(place, units)
            except _MeaninglessError as error:
                self.refused = min(self.lines, self.refused + len(self.readings.pop(place)))
                self.reasons = [*self.reasons, f"kiln {place.kiln!r}: {error}"][:MAX_TOLD]


class _MeaninglessError(ValueError):
    """A point that says no reading."""


def gather(points: Iterable[Point | BadLine], *, precision: str, now: datetime) -> Gathered:
    """Return the readings of points, whose times are in one of `PRECISIONS`; a line refused costs no other."""
    gathered = Gathered()
    now_ms = int(now.timestamp() * 1000)
    for one in points:
        gathered.lines += 1
        if isinstance(one, BadLine):
            gathered.refuse(one.line, one.why)
            continue
        try:
            at_ms = now_ms if one.at is None else _ms(one.at, precision, now_ms)
            found = list(_readings(one))
            for place, _ in found:
                _check_unit(place, gathered.units)
        except _MeaninglessError as error:
            gathered.refuse(one.line, str(error))
            continue
        for place, said in found:
            gathered.units[place.kiln, place.channel] = place.unit
            gathered.readings.setdefault(place, {}).setdefault(at_ms, said)
    return gathered


def _ms(at: int, precision: str, now_ms: int) -> int:
    at_ms = at * S_IN_MS if precision == "s" else at // PER_MS[precision]
    if not EARLIEST_MS <= at_ms <= now_ms + TOMORROW_MS:
        msg = f"time {at} is not between the year 2000 and tomorrow if it is in {precision}: look at the precision"
        raise _MeaninglessError(msg)
    if at_ms > now_ms + HOUR_MS:
        ahead_h = (at_ms - now_ms) / HOUR_MS
        msg = f"time {at} is {ahead_h:.1f} h from now: set the sender's clock, and send UTC rather than local time"
        raise _MeaninglessError(msg)
    return at_ms


def _check_unit(place: Place, units: Mapping[tuple[str, str], Unit]) -> None:
    unit = units.get((place.kiln, place.channel), place.unit)
    if unit is not place.unit:
        msg = f"channel {place.channel!r} is in {unit.value} already: what is in {place.unit.value} wants another name"
        raise _MeaninglessError(msg)


def _readings(point: Point) -> Iterator[tuple[Place, Said]]:
    """Go through the readings of a point; fields without a unit, and texts, may stand beside them."""
    kiln = _name(point.tags.get("kiln", ""), "a tag `kiln`")
    is_estimated = point.tags.get("clock") == "estimated"
    quality = _quality(point.fields.get("quality"))
    found: dict[str, tuple[Unit, float | None]] = {}
    for (channel, unit), value in _values(point):
        if channel in found:
            msg = f"two of its fields are channel {channel!r}: leave one out, or give each a name of its own"
            raise _MeaninglessError(msg)
        found[channel] = unit, value
    if not found and quality is not Quality.GOOD:
        channel, unit = _of_tags(point)
        found = {channel: (unit, None)}
    if not found:
        raise _MeaninglessError(_what_lacks(point))
    for channel, (unit, value) in found.items():
        yield Place(kiln, channel, unit, is_estimated), Said(value, quality)


def _values(point: Point) -> Iterator[tuple[tuple[str, Unit], float | None]]:
    for name, value in point.fields.items():
        if name == "quality" or isinstance(value, str):
            continue
        if name == "value":
            yield _of_tags(point), _number(value, point.tags["unit"].lower())
            continue
        ending = next((one for one in ENDINGS if name.lower().endswith(one)), None)
        unit = ending[1:] if ending else point.tags.get("unit", "").lower()
        if unit in UNITS or unit == FAHRENHEIT:
            channel = point.tags.get("channel") or (name[: -len(ending)] if ending else name)
            yield (_name(channel, "a channel"), UNITS.get(unit, Unit.CELSIUS)), _number(value, unit)


def _of_tags(point: Point) -> tuple[str, Unit]:
    unit = point.tags.get("unit", "").lower()
    if unit not in UNITS and unit != FAHRENHEIT:
        msg = f"a field `value` needs a tag `unit`, one of {', '.join((*UNITS, FAHRENHEIT))}; here it is {unit[:20]!r}"
        raise _MeaninglessError(msg)
    return _name(point.tags.get("channel", ""), "a tag `channel`"), UNITS.get(unit, Unit.CELSIUS)


def _number(value: FieldValue, unit: str) -> float:
    number = float(value)
    return (number - 32.0) / 1.8 if unit == FAHRENHEIT else number


def _quality(said: FieldValue | None) -> Quality:
    if said is None:
        return Quality.GOOD
    if isinstance(said, int) and not isinstance(said, bool) and 0 <= said < len(QUALITIES):
        return Quality(QUALITIES[said])
    if isinstance(said, str) and said in QUALITIES:
        return Quality(said)
    msg = f"quality {said!r} is none of {', '.join(QUALITIES)}, nor their place in this list from 0 on"
    raise _MeaninglessError(msg)


def _name(said: str, what: str) -> str:
    name = said.lower()
    if not _NAME.fullmatch(name):
        msg = f"{what} is wanted, of letters a to z, digits, - and _ (at most 40); here it is {said[:40]!r}"
        raise _MeaninglessError(msg)
    return name


def _what_lacks(point: Point) -> str:
    numbers = [name for name, value in point.fields.items() if not isinstance(value, str) and name != "quality"]
    if not numbers:
        return "it has no number"
    return f"field {numbers[0][:40]!r} does not say its unit: end its name in {', '.join(ENDINGS)}, or add a tag `unit`"
