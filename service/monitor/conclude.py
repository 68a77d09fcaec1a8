"""What one look at a kiln concluded, written down: firings, findings and alarms in the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from service.alarms import record
from service.core.findings import Finding, Group, Severity
from service.core.watch import Event, FiringEnd, FiringStart
from service.monitor.watched import Watched
from service.store import firings as firing_rows
from service.store.models import Firing, Kiln, LiveState, StoredFinding

# What was over longer ago than this is history: it is shown, and rings no phone.
LATE_AFTER: Final = timedelta(minutes=15)


@dataclass(frozen=True)
class Moment:
    """When a look happens: in the time of the readings, and how much of it a restart or a slow network may take."""

    now: datetime
    allowance: timedelta
    reached_at: datetime | None = None  # where the readings end that the events stand on


def conclude(
    session: Session, watched: Watched, events: Sequence[Event], moment: Moment
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Write events in their order; return the ids of the firings and of the alarms that changed."""
    kiln = session.get_one(Kiln, watched.kiln_id)
    firing = firing_rows.running_firing(session, kiln.id)
    touched = {firing.id} if firing else set()
    rows: list[StoredFinding] = []
    for event in events:
        match event:
            case FiringStart():
                firing = firing_rows.start_firing(session, kiln, started_at=utc(event.start_s))
                touched.add(firing.id)
            case FiringEnd():
                if firing is not None:
                    firing.ended_at, firing.end_cause = utc(event.end_s), event.cause.value
                    for name, value in firing_rows.summary_columns(event.summary).items():
                        setattr(firing, name, value)
                firing = None
            case Finding():
                rows += firing_rows.save_findings(session, kiln, firing.id if firing else None, [event])
    session.flush()
    alarms = record.record(
        session,
        rows,
        now=moment.now,
        now_machine=datetime.now(UTC),
        lateness=LATE_AFTER + moment.allowance,
        reached_at=moment.reached_at,
    )
    watched.refresh(session)
    return tuple(touched), tuple(alarm.id for alarm in alarms)


def save_states(session: Session, kilns: Sequence[Watched]) -> None:
    """Write where analyses stand, and what running firings have come to."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(LiveState)
    columns = {name: statement.excluded[name] for name in ("last_block_id", "last_block_at", "snapshot", "status")}
    connection = session.connection()
    connection.execute(
        statement.on_conflict_do_update(index_elements=["kiln_id"], set_=columns),
        [watched.state_row() for watched in kilns],
    )
    firings = [
        {
            "which": watched.now.firing_id,
            **{f"to_{name}": value for name, value in firing_rows.summary_columns(summary).items()},
        }
        for watched in kilns
        if watched.now.firing_id is not None and (summary := watched.live.summary()) is not None
    ]
    if firings:
        values: dict[str, Any] = {name: bindparam(f"to_{name}") for name in firing_rows.SUMMARY}
        connection.execute(update(Firing).where(Firing.id == bindparam("which")).values(values), firings)


def bridge_silent(since: datetime, now: datetime, *, ended: bool = False) -> Finding:
    """Return the finding that nothing is heard from a kiln's bridge since then; `ended` when it speaks again."""
    return Finding(
        kind="bridge_silent",
        group=Group.KILN,
        severity=Severity.CRITICAL,
        channel=None,
        start_s=since.timestamp(),
        end_s=now.timestamp() if ended else None,
        evidence={"silent_s": (now - since).total_seconds()},
        advice_key="check_bridge",
    )


def utc(seconds: float) -> datetime:
    """Return Unix time as a time of day with its zone."""
    return datetime.fromtimestamp(seconds, UTC)
