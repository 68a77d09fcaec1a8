"""What happened in a demo: what the instruments said against what is stored, seen and pushed."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import func, select

from service.demo.recordings import Utterance
from service.series import history as series
from service.store import firings as firing_rows
from service.store.database import Database
from service.store.models import Alarm, Delivery, Kiln, LiveState, StoredBlock, StoredFinding

# Readings that no saved analysis has taken in; bridges go on saying that they live, and that is never all taken in.
_UNSEEN: Final = (
    select(func.count(StoredBlock.id))
    .outerjoin(LiveState, LiveState.kiln_id == StoredBlock.kiln_id)
    .where(StoredBlock.readings > 0, StoredBlock.id > func.coalesce(LiveState.last_block_id, 0))
)


@dataclass(frozen=True)
class Replayed:
    """One kiln of the demo: its key, where its bridge writes its counts, and what its instrument says."""

    key: str
    bridge_status: Path
    said: Sequence[Utterance]

    def read_status(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self.bridge_status.read_text())
        except FileNotFoundError:
            return {}
        return found

    def bridge_is_connected(self) -> bool:
        return any(source.get("connected") for source in self.read_status().get("sources", []))


@dataclass(frozen=True)
class KilnReport:
    name: str
    readings_said: int
    readings_read: int
    readings_stored: int
    lost: int
    duplicated: int
    peak_c: float | None
    cone_reached: str | None
    cone_reached_at: str | None
    alarms: list[dict[str, str | None]]
    pushes_delivered: int


@dataclass(frozen=True)
class Report:
    kilns: list[KilnReport]
    is_settled: bool


def make_report(database: Database, kilns: Sequence[Replayed]) -> Report:
    reports: list[KilnReport] = []
    with database.read() as session:
        unseen = session.scalar(_UNSEEN) or 0
        unsent = session.scalar(select(func.count()).where(Delivery.next_try_at.is_not(None))) or 0
        for replayed in kilns:
            kiln = session.scalars(select(Kiln).where(Kiln.key == replayed.key)).one()
            said = sum(utterance.readings for utterance in replayed.said)
            stored, duplicated = series.count(session, kiln.id)
            firings = firing_rows.list_firings(session, [kiln.workshop_id], kiln_id=kiln.id)
            hottest = max(firings, key=lambda firing: firing.peak_c or 0.0, default=None)
            alarms = session.scalars(
                select(Alarm)
                .join(StoredFinding)
                .where(StoredFinding.kiln_id == kiln.id)
                .order_by(StoredFinding.start_at)
            ).all()
            delivered = session.scalar(
                select(func.count()).where(
                    Delivery.alarm_id.in_([alarm.id for alarm in alarms]), Delivery.delivered_at.is_not(None)
                )
            )
            reports.append(
                KilnReport(
                    name=kiln.name,
                    readings_said=said,
                    readings_read=replayed.read_status().get("readings_read", 0),
                    readings_stored=stored,
                    lost=said - (stored - duplicated),
                    duplicated=duplicated,
                    peak_c=hottest.peak_c if hottest else None,
                    cone_reached=hottest.cone_reached if hottest else None,
                    cone_reached_at=_down_at(hottest.cones, hottest.cone_reached) if hottest else None,
                    alarms=[_alarm(alarm) for alarm in alarms],
                    pushes_delivered=delivered or 0,
                )
            )
    complete = all(report.lost == 0 and report.readings_read == report.readings_said for report in reports)
    return Report(reports, is_settled=complete and not unseen and not unsent)


def _down_at(cones: Sequence[dict[str, Any]], cone: str | None) -> str | None:
    """Return when the cone was down everywhere: at the probe where it fell last."""
    return max((one["down_at"] for one in cones if one["cone"] == cone and one["down_at"]), default=None)


def _alarm(alarm: Alarm) -> dict[str, str | None]:
    finding = alarm.finding
    return {
        "kind": finding.kind,
        "channel": finding.channel or None,
        "at": finding.start_at.isoformat(),
        "until": finding.end_at.isoformat() if finding.end_at else None,
    }


def print_report(report: Report, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"kilns": [asdict(kiln) for kiln in report.kilns]}, ensure_ascii=False, indent=1))
        return
    for kiln in report.kilns:
        peak = "-" if kiln.peak_c is None else f"{kiln.peak_c:.0f} °C"
        print(f"\n{kiln.name}: peak {peak}, cone {kiln.cone_reached or '-'} down at {kiln.cone_reached_at or '-'}")
        print(
            f"  readings: {kiln.readings_said} said, {kiln.readings_read} read, {kiln.readings_stored} stored,"
            f" {kiln.lost} lost, {kiln.duplicated} doubled; {kiln.pushes_delivered} pushes delivered"
        )
        for alarm in kiln.alarms:
            print(f"  {alarm['at']}  {alarm['kind']}  {alarm['channel'] or ''}")
