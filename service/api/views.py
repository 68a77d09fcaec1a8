"""Rows as the page sees them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy.orm import Session

from service.alarms.wording import words
from service.api import schemas
from service.api.versions import version_of
from service.core.firing import ConeProgress
from service.core.forecast import Forecast, Interval
from service.core.watch import ChannelStatus
from service.lab.condition import Condition
from service.monitor.watched import LiveKiln
from service.store.firings import findings_of
from service.store.kilns import ChannelSaid, channels
from service.store.merging import parts_of
from service.store.models import Alarm, Firing, Kiln, Plan, StoredFinding

LAST_CONES_SHOWN: Final = 3
# What people may change of each, by which its versions are told apart.
KILN_SAID: Final = ("name", "fuel", "target_cone", "ware", "plan_id", "retired_at")
FIRING_SAID: Final = (
    *("started_at", "ended_at", "target_cone", "plan_id", "note", "fuel_amount", "fuel_unit", "merged_into_id"),
)
PLAN_SAID: Final = ("name", "points", "removed_at")
# Of a name of which nothing came while its kiln was watched: an old log's, or of what is no temperature.
UNHEARD: Final = ChannelStatus("", None, None, None, "unheard")


def kilns_out(kilns: Sequence[Kiln], live: Mapping[int, LiveKiln], now: datetime) -> list[schemas.KilnOut]:
    """Return kilns with their state of this moment."""
    return [
        schemas.KilnOut(
            id=kiln.id,
            workshop_id=kiln.workshop_id,
            key=kiln.key,
            name=kiln.name,
            fuel=schemas.Fuel(kiln.fuel),
            target_cone=kiln.target_cone,
            ware=kiln.ware,
            plan_id=kiln.plan_id,
            retired_at=kiln.retired_at,
            edited_at=kiln.edited_at,
            version=version_of(kiln, *KILN_SAID),
            now=kiln_now(live[kiln.id], now),
        )
        for kiln in kilns
    ]


def kiln_now(live: LiveKiln, now: datetime) -> schemas.KilnNow:
    status = live.status
    seen = {channel.name: channel for channel in status.channels}
    return schemas.KilnNow(
        kiln_id=live.kiln_id,
        now_at=now,
        last_at=_utc_or_none(status.last_s),
        phase=schemas.Phase(status.phase.value),
        firing_id=live.firing_id,
        started_at=live.firing_started_at,
        peak_c=status.peak_c,
        spread_c=status.spread_c,
        cone_reached=status.cone_reached,
        next_cone=status.next_cone,
        next_cone_progress=status.next_cone_progress,
        behind_s=status.behind_s,
        behind_since=_utc_or_none(status.behind_since_s),
        cones=[
            schemas.ConeProgress(
                channel=cone.channel, cone=cone.cone, progress=cone.progress, down_at=_utc_or_none(cone.down_s)
            )
            for cone in worth_showing(status.cones)
        ],
        channels=[_channel_now(said, name, seen.get(name, UNHEARD)) for name, said in live.channels.items()],
        bridge_seen_at=live.heard_at,
        open_alarms=live.open_alarms,
        edited_at=live.edited_at,
    )


def _channel_now(said: ChannelSaid, name: str, status: ChannelStatus) -> schemas.ChannelNow:
    return schemas.ChannelNow(
        channel_id=said.id,
        name=name,
        label=said.label,
        is_hidden=said.is_hidden,
        at=_utc_or_none(status.last_s),
        value_c=status.last_c,
        rate_c_per_h=status.rate_c_per_h,
        quality=status.quality,
    )


def worth_showing(cones: Sequence[ConeProgress]) -> list[ConeProgress]:
    """Return, for each probe, the cones that bend and the last three that fell."""
    shown: list[ConeProgress] = []
    for channel in dict.fromkeys(cone.channel for cone in cones):
        of_probe = [cone for cone in cones if cone.channel == channel]
        down = [cone for cone in of_probe if cone.progress >= 1]
        shown += [*down[-LAST_CONES_SHOWN:], *(cone for cone in of_probe if cone.progress < 1)]
    return shown


def _utc_or_none(seconds: float | None) -> datetime | None:
    return None if seconds is None else utc(seconds)


def forecast_out(ahead: Forecast) -> schemas.ForecastOut:
    return schemas.ForecastOut(
        basis=ahead.basis,
        done=_moments(ahead.end_s),
        cone_down=_moments(ahead.cone_down_s),
        time_s=ahead.time_s.tolist(),
        low_c=ahead.low_c.round(1).tolist(),
        likely_c=ahead.median_c.round(1).tolist(),
        high_c=ahead.high_c.round(1).tolist(),
    )


def condition_out(found: Condition) -> schemas.ConditionOut:
    change = found.change
    return schemas.ConditionOut(
        firings=found.firings,
        change=change
        and schemas.ChangeOut(
            low_per_month=change.low_per_month,
            share_per_month=change.share_per_month,
            high_per_month=change.high_per_month,
            firings=change.firings,
            is_slower=change.is_slower,
        ),
        highest_rates=[
            schemas.HighestRateOut(
                at_c=at_c,
                shown_c_per_h=round(rate.shown_c_per_h, 1),
                likely_c_per_h=round(rate.likely_c_per_h, 1),
                high_c_per_h=round(rate.high_c_per_h, 1),
            )
            for at_c, rate in found.highest.items()
        ],
        drifts=[
            schemas.DriftOut(
                channel=channel,
                firings=one.firings,
                per_firing_c=one.per_firing_c,
                low_c=one.low_c,
                high_c=one.high_c,
                total_c=one.total_c,
                is_named=one.is_named,
            )
            for channel, one in sorted(found.drifts.items())
        ],
    )


def _moments(when: Interval | None) -> schemas.Moments | None:
    if when is None:
        return None
    return schemas.Moments(early_at=utc(when.low_s), likely_at=utc(when.median_s), late_at=utc(when.high_s))


def firing_out(firing: Firing, *, with_note: bool) -> schemas.FiringOut:
    return schemas.FiringOut(
        **{name: getattr(firing, name) for name in _FIRING_COLUMNS},
        note=firing.note if with_note else "",
        kiln_name=firing.kiln.name,
        plan=plan_out(firing.plan) if firing.plan else None,
        fuel_used=_fuel_used(firing),
        version=version_of(firing, *FIRING_SAID),
    )


_FIRING_COLUMNS = set(schemas.FiringOut.model_fields) - {"kiln_name", "plan", "note", "fuel_used", "version"}


def _fuel_used(firing: Firing) -> schemas.FuelUsed | None:
    if firing.fuel_amount is None or firing.fuel_unit is None:
        return None
    return schemas.FuelUsed(amount=firing.fuel_amount, unit=schemas.FuelUnit(firing.fuel_unit))


def plan_out(plan: Plan) -> schemas.PlanOut:
    return schemas.PlanOut(
        id=plan.id,
        workshop_id=plan.workshop_id,
        name=plan.name,
        points=[schemas.PlanPoint.model_validate(point) for point in plan.points],
        version=version_of(plan, *PLAN_SAID),
    )


def firing_detail(
    session: Session, firing: Firing, segments: Sequence[schemas.SegmentOut], language: str, *, with_notes: bool
) -> schemas.FiringDetail:
    return schemas.FiringDetail(
        **firing_out(firing, with_note=with_notes).model_dump(),
        parts=[schemas.PartOut.model_validate(part) for part in parts_of(session, firing)],
        segments=list(segments),
        cones=firing.cones,
        channels=[schemas.ChannelNamed.model_validate(one) for one in channels(session, [firing.kiln_id])],
        findings=[finding_out(finding, language, with_note=with_notes) for finding in findings_of(session, firing.id)],
    )


def finding_out(finding: StoredFinding, language: str, *, with_note: bool) -> schemas.FindingOut:
    return schemas.FindingOut(
        id=finding.id,
        kiln_id=finding.kiln_id,
        firing_id=finding.firing_id,
        kind=finding.kind,
        group=finding.group,
        severity=finding.severity,
        channel=finding.channel or None,
        start_at=finding.start_at,
        end_at=finding.end_at,
        probability=finding.probability,
        evidence=finding.evidence,
        advice_key=finding.advice_key,
        words=words_out(finding, language),
        verdict=_verdict(finding, with_note=with_note),
    )


def _verdict(finding: StoredFinding, *, with_note: bool) -> schemas.VerdictOut | None:
    if finding.verdict is None or finding.verdict_at is None:
        return None
    return schemas.VerdictOut(
        verdict=schemas.Verdict(finding.verdict),
        note=(finding.verdict_note or "") if with_note else "",
        by=finding.verdict_by or "",
        at=finding.verdict_at,
    )


def words_out(
    finding: StoredFinding,
    language: str,
    *,
    now: datetime | None = None,
    parts: Sequence[tuple[str, str | None]] = (),
) -> schemas.Words:
    text = words(
        finding.kind,
        advice_key=finding.advice_key,
        channel=finding.channel or None,
        evidence=finding.evidence,
        start_at=finding.start_at,
        end_at=finding.end_at,
        language=language,
        now=now,
        parts=parts,
        labels=finding.labels,
    )
    return schemas.Words(title=text.title, detail=text.detail, advice=text.advice)


def alarm_out(alarm: Alarm, language: str, *, now: datetime) -> schemas.AlarmOut:
    finding = alarm.finding
    if alarm.cleared_at is not None:
        state = schemas.AlarmState.CLEARED
    else:
        state = schemas.AlarmState.ACKNOWLEDGED if alarm.acknowledged_at else schemas.AlarmState.OPEN
    said = words_out(finding, language, now=now, parts=alarm.also_at)
    return schemas.AlarmOut(
        id=alarm.id,
        kiln_id=finding.kiln_id,
        kiln_name=finding.kiln.name,
        workshop_name=alarm.workshop.name,
        firing_id=finding.firing_id,
        kind=finding.kind,
        severity=finding.severity,
        channel=finding.channel or None,
        state=state,
        start_at=finding.start_at,
        opened_at=alarm.opened_at,
        acknowledged_at=alarm.acknowledged_at,
        acknowledged_by=alarm.acknowledged_by,
        cleared_at=alarm.cleared_at,
        words=said.model_copy(update={"advice": ""}) if alarm.is_past else said,
        events=[schemas.AlarmEventOut.model_validate(event) for event in alarm.events],
    )


def utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
