"""Whether a sink has what is sealed here: it is asked for every day of every kiln, and owed anew what it lacks."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from sqlalchemy.orm import Session

from firmware_bridge.wire import Unit
from service.series import chunks
from service.series.chunks import AS_TAKEN, DAY_AS_TAKEN, DAY_MS
from service.series.codec import ROUNDED_BY_C
from service.series.columns import Key, Readings, in_order
from service.series.sinks.errors import SinkError
from service.series.sinks.reading import EVERY_UNIT, Reader
from service.store import sinks
from service.store.database import Database
from service.store.months import month_bounds_ms
from service.store.sinks import Stretch

_NOT_KEPT: Final = 1e-11  # the share of a value: VictoriaMetrics keeps some twelve digits


@dataclass
class Compared:
    """What one month came to: readings that the sink should have, and those it lacks or has otherwise."""

    month: str
    readings: int = 0
    lacking: int = 0
    kilns: int = 0  # of which it lacks some


def compare(database: Database, reader: Reader) -> Iterator[Compared]:
    """Go through the months, the oldest first; what is owed already is left out, and what is damaged of our own.

    Raises
    ------
    SinkError
        If the sink does not answer as it should, or was not fed yet.
    """
    with database.read() as session:
        if not sinks.is_listed(session, reader.name):
            msg = f"sink {reader.name} has not been fed yet: `canhlo serve` does it"
            raise SinkError(msg)
        months = database.months.names(session)
    for month in months:
        compared = Compared(month)
        with database.read() as session, database.months.reading(session, month) as held:
            found = chunks.kilns_of(held, month)
        for of in found:  # each in a transaction of its own: the sink is slow, and others wait for long readers
            with database.read() as session, database.months.reading(session, month) as held:
                debt = _compare_kiln(session, held, reader, *of, compared)
            if debt is not None:
                compared.kilns += 1
                with database.write() as session:
                    sinks.owe(session, reader.name, debt)
        yield compared


def _compare_kiln(
    session: Session, held: Session, reader: Reader, kiln_id: int, workshop_id: int, compared: Compared
) -> Stretch | None:
    """Return from when to when the sink lacks something of a kiln in this month."""
    at_ms, ends_ms = month_bounds_ms(compared.month)
    lacks: list[int] = []
    while (day_ms := chunks.next_day_ms(held, kiln_id, at_ms, ends_ms - 1)) is not None:
        at_ms = day_ms + DAY_MS
        if sinks.is_owed(session, reader.name, kiln_id, day_ms, at_ms - 1):
            continue
        theirs = reader.as_taken(workshop_id, kiln_id, day_ms, at_ms - 1, EVERY_UNIT)
        for key, ours in _day(held, kiln_id, day_ms).items():
            lacking = _lacking(ours, theirs.get(key), ROUNDED_BY_C if key.unit == Unit.CELSIUS else 0.0)
            compared.readings += len(ours.at_ms)
            compared.lacking += lacking
            lacks += [day_ms] if lacking else []
    return Stretch(kiln_id, workshop_id, lacks[0], lacks[-1] + DAY_MS - 1) if lacks else None


def _day(held: Session, kiln_id: int, day_ms: int) -> dict[Key, Readings]:
    parts: defaultdict[Key, list[Readings]] = defaultdict(list)
    for step_ms in (AS_TAKEN, DAY_AS_TAKEN):
        for one in chunks.between(held, kiln_id, step_ms, day_ms, day_ms + DAY_MS - 1):
            for key, readings in one.columns.items():
                parts[key].append(readings)
    return {key: in_order(found) for key, found in parts.items()}


def _lacking(ours: Readings, theirs: Readings | None, within: float) -> int:
    """Return how many of our readings are not among theirs, or differ there in quality, or in value by more than so."""
    if theirs is None or not len(theirs.at_ms):
        return len(ours.at_ms)
    at = np.minimum(np.searchsorted(theirs.at_ms, ours.at_ms), len(theirs.at_ms) - 1)
    there = theirs.where(at)
    is_same = (there.at_ms == ours.at_ms) & (there.quality == ours.quality)
    is_same &= np.isclose(there.value, ours.value, rtol=_NOT_KEPT, atol=within, equal_nan=True)
    return int(len(is_same) - np.count_nonzero(is_same))
