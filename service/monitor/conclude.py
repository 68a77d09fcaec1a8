"""What looks at kilns concluded, written down: firings, findings and alarms in the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from service.alarms import record
from service.alarms.lifecycle import LATE_AFTER
from service.core.findings import Finding, Group, Severity
from service.core.series import Chunk
from service.core.watch import Event, FiringEnd, FiringStart
from service.monitor.watched import Watched, read_facts
from service.store import firings as firing_rows
from service.store import kilns as kiln_rows
from service.store.models import Firing, Kiln, LiveState, StoredFinding


@dataclass(frozen=True)
class Moment:
    """When a look happens: in the time of the readings, and how much of it a restart or a slow network may take."""

    now: datetime
    allowance: timedelta


@dataclass(frozen=True)
class Conclusion:
    """What one look at a kiln concluded, and the readings it stands on, if it stands on any."""

    watched: Watched
    events: Sequence[Event]
    chunk: Chunk | None = None


Changed = tuple[tuple[int, ...], tuple[int, ...]]  # ids of firings, ids of alarms


def conclude(session: Session, conclusions: Sequence[Conclusion], moment: Moment) -> list[Changed]:
    """Write what was concluded of some kilns; return for each the firings and the alarms that changed."""
    kiln_ids = [one.watched.kiln_id for one in conclusions]
    kilns = {kiln.id: kiln for kiln in kiln_rows.kilns_by_id(session, kiln_ids)}
    running = firing_rows.running_firings(session, kiln_ids)
    changed = [
        _write(session, kilns[kiln_id], running.get(kiln_id), one, moment)
        for kiln_id, one in zip(kiln_ids, conclusions, strict=True)
    ]
    facts = read_facts(session, kiln_ids)
    for one in conclusions:
        one.watched.apply(facts[one.watched.kiln_id])
    return changed


def _write(session: Session, kiln: Kiln, firing: Firing | None, conclusion: Conclusion, moment: Moment) -> Changed:
    """Write a kiln's events in their order; `firing` is the one that runs."""
    touched = {firing.id} if firing else set()
    rows: list[StoredFinding] = []
    for event in conclusion.events:
        match event:
            case FiringStart():
                if firing is None:  # else a person began it before the readings showed it
                    bins_from_s = conclusion.watched.live.state.bins_from_s
                    firing = firing_rows.start_firing(
                        session, kiln, started_at=utc(event.start_s), bins_from_s=bins_from_s
                    )
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
    reached_at = utc(conclusion.chunk.until_s) if conclusion.chunk else None
    return tuple(touched), ring(session, rows, moment, reached_at=reached_at)


def ring(
    session: Session, rows: Sequence[StoredFinding], moment: Moment, *, reached_at: datetime | None = None
) -> tuple[int, ...]:
    """Make alarms of findings, or end them; return those that changed."""
    lateness = LATE_AFTER + moment.allowance
    machine_now = datetime.now(UTC)
    return tuple(
        record.record(session, rows, now=moment.now, now_machine=machine_now, lateness=lateness, reached_at=reached_at)
    )


@dataclass(frozen=True)
class States:
    """Where analyses stand and what running firings have come to, as the tables hold it."""

    analyses: list[dict[str, Any]]
    firings: list[dict[str, Any]]


def states_of(kilns: Sequence[Watched]) -> States:
    """Return what there is to write of these kilns; it takes a while, so do it before a transaction."""
    firings = [
        {
            "which": watched.now.firing_id,
            **{f"to_{name}": value for name, value in firing_rows.summary_columns(summary).items()},
        }
        for watched in kilns
        if watched.now.firing_id is not None and (summary := watched.live.summary()) is not None
    ]
    return States([watched.state_row() for watched in kilns], firings)


def save_states(session: Session, states: States) -> None:
    """Write them down."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(LiveState)
    columns = {name: statement.excluded[name] for name in ("last_block_id", "last_block_at", "snapshot", "status")}
    connection = session.connection()
    connection.execute(
        statement.on_conflict_do_update(index_elements=["kiln_id"], set_=columns),
        states.analyses,
    )
    if states.firings:
        values: dict[str, Any] = {name: bindparam(f"to_{name}") for name in firing_rows.SUMMARY}
        connection.execute(update(Firing).where(Firing.id == bindparam("which")).values(values), states.firings)


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
