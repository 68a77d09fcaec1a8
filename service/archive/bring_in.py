"""A log into a kiln's history: its readings as blocks, its firings and findings as the science sees them today."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final

import numpy as np
from sqlalchemy.orm import Session

from firmware_bridge.wire import Block, Column, Quality
from service.analysis.analyse import AnalysedFiring, Analysis, analyse
from service.core.firing import EndCause
from service.core.series import QUALITIES, Samples
from service.core.watch import Watch
from service.core.witness import PRIOR
from service.errors import ConflictError, InvalidError, UndatedError
from service.importers.log import Channel, Log, Recording
from service.series import blocks as series
from service.series import history
from service.series.blocks import NewBlock
from service.store import firings as firing_rows
from service.store import kilns as kiln_rows
from service.store.identity import BridgeIdentity, bridge_of_logs
from service.store.models import Firing, Kiln, Mark

PER_COLUMN: Final = 3600  # readings; an hour at one a second, so that a chart of an hour reads little more
EARLIEST: Final = datetime(1971, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class BroughtIn:
    """What a log came to in a kiln's history; of its readings, some may have been there already."""

    readings: int
    known: int
    firings: list[Firing]


@dataclass(frozen=True)
class Found:
    """What a log of a kiln holds: what the science says of it, and its readings as they are stored, under a name."""

    analysis: Analysis
    columns: Sequence[Column]
    boot: str

    @property
    def readings(self) -> int:
        return sum(len(column.at_ms) for column in self.columns)


def look_at(kiln: Kiln, log: Log, *, start_at: datetime | None, target_cone: str | None, now: datetime) -> Found:
    """Return what is found in a log of a kiln. It takes a while, in which nobody needs to be kept from writing.

    Parameters
    ----------
    start_at : datetime or None
        When a log without a calendar began.

    Raises
    ------
    UndatedError
        If its times are no calendar's and nobody said when it began.
    InvalidError
        If they lie before 1971 or in the future.
    """
    log = _dated(log, start_at)
    _check_times(log, now)
    watch = Watch(target_cone=target_cone, fuel=kiln.fuel, ware=frozenset(kiln.ware), unlearnt=PRIOR)
    analysis = analyse(log, watch)
    columns = [column for recording in log.recordings for column in _columns(recording)]
    return Found(analysis, columns, _fingerprint(kiln, columns))


def bring_in(session: Session, kiln: Kiln, found: Found, *, now: datetime) -> BroughtIn:
    """Store a log with all that was found in it. The caller's transaction is all or nothing.

    Raises
    ------
    ConflictError
        If this log was brought in before, or the kiln has a firing at that time already.
    """
    analysis = found.analysis
    series.take_turn(session)
    bridge = bridge_of_logs(session, kiln.workshop_id, now=now)
    known = _known(session, kiln, found.columns)
    told = f"readings new: {found.readings - known:,}, there already: {known:,}"
    if session.get(Mark, (bridge.bridge_id, found.boot)) is not None:
        msg = f"{kiln.name}: this log was brought in before; {told}"
        raise ConflictError(msg)
    for one in analysis.firings:
        _check_free(session, kiln, one, told)
    _store_readings(session, kiln, bridge, found, now)
    firings = [_store_firing(session, kiln, one, analysis.watch.target_cone) for one in analysis.firings]
    firing_rows.save_findings(session, kiln, None, analysis.findings)
    kiln.edited_at = datetime.now(UTC)  # who watches the kiln learns of its new channels
    return BroughtIn(found.readings, known, firings)


def _dated(log: Log, start_at: datetime | None) -> Log:
    if log.is_dated and start_at is None:
        return log
    if start_at is None:
        msg = "its times count from its beginning; say --start (start_at) with when that was, 2026-11-20T19:30+07:00"
        raise UndatedError(msg)
    if log.is_dated:
        msg = "its times are those of a calendar already; leave --start (start_at) out"
        raise InvalidError(msg)
    first_s = min(float(one.time_s.min()) for part in log.recordings for one in part.temperatures.values())
    shift_s = start_at.timestamp() - first_s
    return replace(log, is_dated=True, recordings=tuple(_shifted(part, shift_s) for part in log.recordings))


def _shifted(recording: Recording, shift_s: float) -> Recording:
    return replace(
        recording,
        channels={
            name: replace(one, samples=replace(one.samples, time_s=one.samples.time_s + shift_s))
            for name, one in recording.channels.items()
        },
    )


def _check_times(log: Log, now: datetime) -> None:
    times = [one.samples.time_s for part in log.recordings for one in part.channels.values() if len(one.samples.time_s)]
    first_s, last_s = (end(float(end(time_s)) for time_s in times) for end in (min, max))
    if not EARLIEST.timestamp() <= first_s <= last_s <= (now + timedelta(days=1)).timestamp():
        # numpy's, for its years go beyond those of Python's calendar
        said = " to ".join(str(np.datetime64(int(one), "s"))[:16].replace("T", " ") for one in (first_s, last_s))
        msg = f"its readings are of {said} UTC, before 1971 or in the future; was the clock of the logger right?"
        raise InvalidError(msg)


def _known(session: Session, kiln: Kiln, columns: Sequence[Column]) -> int:
    """Return of how many of a log's readings the kiln has one of that channel and time already."""
    first_ms, last_ms = (end(end(column.at_ms) for column in columns) for end in (min, max))
    found = history.times_held(session, kiln.id, first_ms, last_ms)
    held = {name: frozenset(at_ms.tolist()) for name, at_ms in found.items()}
    return sum(at_ms in held.get(column.channel, ()) for column in columns for at_ms in column.at_ms)


def _check_free(session: Session, kiln: Kiln, one: AnalysedFiring, told: str) -> None:
    from_at, to_at = (datetime.fromtimestamp(end, UTC) for end in (one.assessed.start_s, one.end_s))
    taken = firing_rows.overlapping_firing(session, kiln.id, from_at, to_at)
    if taken is not None:
        msg = (
            f"{kiln.name} has firing {taken.number} from {taken.started_at:%Y-%m-%d %H:%M} UTC, at the same time as "
            f"one of this log ({from_at:%Y-%m-%d %H:%M}); {told}"
        )
        raise ConflictError(msg)


def _store_readings(session: Session, kiln: Kiln, bridge: BridgeIdentity, found: Found, now: datetime) -> None:
    known = {channel.name: channel.unit for channel in kiln_rows.channels(session, [kiln.id])}
    for recording in found.analysis.log.recordings:
        for name, channel in recording.channels.items():
            if known.setdefault(name, channel.unit.value) != channel.unit.value:
                msg = f"{kiln.name} has a channel {name!r} in {known[name]}, and the log's is in {channel.unit.value}"
                raise ConflictError(msg)
    for name in known.keys() - {channel.name for channel in kiln_rows.channels(session, [kiln.id])}:
        kiln_rows.add_channel(session, kiln, name, known[name])
    numbers = count(1)
    blocks = [
        NewBlock(bridge, kiln.id, Block(found.boot, next(numbers), kiln.key, max(column.at_ms), [column]))
        for column in found.columns
    ]
    series.append(session, blocks, received_at=now, is_history=True)
    session.add(Mark(bridge_id=bridge.bridge_id, boot=found.boot, seq=len(blocks)))


def _columns(recording: Recording) -> Iterator[Column]:
    for name, channel in recording.channels.items():
        order = np.argsort(channel.samples.time_s, kind="stable")
        for first in range(0, len(order), PER_COLUMN):
            yield _column(name, channel, channel.samples.where(order[first : first + PER_COLUMN]))


def _column(name: str, channel: Channel, samples: Samples) -> Column:
    values = [value if np.isfinite(value) else None for value in samples.value.tolist()]
    faults = {index: Quality.NO_VALUE for index, value in enumerate(values) if value is None}
    if samples.quality is not None:
        faults |= {int(at): Quality(QUALITIES[samples.quality[at]]) for at in np.flatnonzero(samples.quality)}
    return Column(name, channel.unit, np.rint(samples.time_s * 1000).astype(np.int64).tolist(), values, faults)


def _fingerprint(kiln: Kiln, columns: Sequence[Column]) -> str:
    """Return a name for what is brought in: the same readings of the same kiln cannot be stored twice."""
    digest = hashlib.blake2b(f"{kiln.id}".encode(), digest_size=16)
    for column in columns:
        digest.update(repr((column.channel, column.at_ms, column.value)).encode())
    return digest.hexdigest()


def _store_firing(session: Session, kiln: Kiln, one: AnalysedFiring, target_cone: str | None) -> Firing:
    assessed = one.assessed
    firing = firing_rows.add_firing(
        session,
        kiln,
        started_at=datetime.fromtimestamp(assessed.start_s, UTC),
        ended_at=datetime.fromtimestamp(one.end_s, UTC),
        end_cause=(assessed.cause or EndCause.LOG_ENDED).value,
        target_cone=target_cone,
        **(firing_rows.summary_columns(assessed.summary) if assessed.summary else {}),
    )
    ended = [replace(found, end_s=one.end_s) if found.end_s is None else found for found in assessed.findings]
    firing_rows.save_findings(session, kiln, firing.id, ended)
    return firing
