"""Read back everything that is stored, and say what is not what was written."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from service.series import chunks as rows
from service.series.chunks import AS_TAKEN, DAY_AS_TAKEN, Chunk
from service.series.codec import DamagedError
from service.series.kept import DamagedBlockError, read_whole
from service.series.rollups import STEPS_MS, roll_up
from service.store.database import Database
from service.store.models import GatheredBlock, Gathering, StoredBlock


@dataclass
class Checked:
    """What one part of the store came to; `damaged` says in words what cannot be relied on."""

    name: str
    readings: int = 0
    bytes: int = 0
    damaged: list[str] = field(default_factory=list)


def verify(database: Database) -> Iterator[Checked]:
    """Go through the parts: what is sealed month by month, then what has come since."""
    with database.read() as session:
        for month in database.months.names(session):
            checked = Checked(month)
            try:
                with database.months.reading(session, month) as chunks:
                    _check_month(chunks, checked)
            except DBAPIError as error:
                checked.damaged.append(f"it cannot be read: {error.orig}")
            yield checked
        checked = Checked("not sealed yet")
        try:
            _check_unsealed(session, checked)
        except DBAPIError as error:
            checked.damaged.append(f"the database cannot be read: {error.orig}")
        yield checked


def _check_month(chunks: Session, checked: Checked) -> None:
    checked.damaged += _integrity(chunks)
    counts: Counter[tuple[int, int]] = Counter()  # readings with a value, by kiln and step
    for row in rows.every(chunks, checked.name):
        checked.bytes += len(row.payload)
        try:
            one = rows.opened(row)
        except DamagedError as error:
            checked.damaged.append(str(error))
            continue
        where = f"kiln {one.kiln_id} from {datetime.fromtimestamp(one.from_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC on"
        if one.readings != row.readings:
            checked.damaged.append(f"{where}: {one.readings} readings, and {row.readings} were written")
        if any((np.diff(readings.at_ms) <= 0).any() for readings in one.columns.values()):
            checked.damaged.append(f"{where}: times that do not increase")
        step_ms = AS_TAKEN if one.step_ms == DAY_AS_TAKEN else one.step_ms
        checked.readings += one.readings if step_ms == AS_TAKEN else 0
        counts[one.kiln_id, step_ms] += _with_value(one)
    for kiln_id, step_ms in sorted(counts):
        if step_ms == AS_TAKEN:
            rolled = {counts[kiln_id, step] for step in STEPS_MS}
            if rolled != {counts[kiln_id, AS_TAKEN]}:
                checked.damaged.append(f"kiln {kiln_id}: what is rolled up is not what was taken")


def _with_value(one: Chunk) -> int:
    """Return how many readings with a value a row stands for."""
    rolled = roll_up(one.columns, rows.HOUR_MS) if one.step_ms in (AS_TAKEN, DAY_AS_TAKEN) else one.columns
    return sum(int(readings.value.sum()) for key, readings in rolled.items() if key.kind == "count")


def _check_unsealed(session: Session, checked: Checked) -> None:
    checked.damaged += _integrity(session)
    lying = select(StoredBlock.id, StoredBlock.readings, StoredBlock.payload)
    lying = lying.outerjoin(Gathering, Gathering.kiln_id == StoredBlock.kiln_id)
    is_gathered = StoredBlock.id <= func.coalesce(Gathering.upto_id, 0)
    gathered = select(GatheredBlock.id, GatheredBlock.readings, GatheredBlock.payload)
    for query in (lying.where(~is_gathered), gathered):
        for row in session.execute(query.execution_options(yield_per=100)):
            checked.bytes += len(row.payload)
            try:
                read_whole(row.payload, row.readings)
            except DamagedBlockError as error:
                checked.damaged.append(f"block {row.id}: {error}")
            else:
                checked.readings += row.readings


def _integrity(session: Session) -> list[str]:
    """Return what SQLite finds wrong with its file; PostgreSQL looks after its own pages."""
    if session.get_bind().dialect.name != "sqlite":
        return []
    return [line for line in session.scalars(text("PRAGMA integrity_check")) if line != "ok"]
