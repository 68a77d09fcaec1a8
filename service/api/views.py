"""Rows as the page sees them."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from service.alarms.wording import words
from service.api import schemas
from service.store import alarms as alarm_rows
from service.store import kilns as kiln_rows
from service.store.firings import findings_of, running_firing
from service.store.models import Alarm, Channel, Firing, Kiln, LiveState, StoredFinding


def kilns_out(session: Session, kilns: Sequence[Kiln], now: datetime) -> list[schemas.KilnOut]:
    """Return kilns with their state of this moment."""
    ids = [kiln.id for kiln in kilns]
    states = kiln_rows.live_states(session, ids)
    alarms = Counter(alarm.finding.kiln_id for alarm in alarm_rows.open_alarms(session, ids))
    channels = kiln_rows.channels(session, ids)
    return [
        schemas.KilnOut(
            id=kiln.id,
            workshop_id=kiln.workshop_id,
            key=kiln.key,
            name=kiln.name,
            fuel=schemas.Fuel(kiln.fuel),
            target_cone=kiln.target_cone,
            plan_id=kiln.plan_id,
            now=kiln_now(
                kiln,
                states.get(kiln.id),
                [channel for channel in channels if channel.kiln_id == kiln.id],
                running_firing(session, kiln.id),
                open_alarms=alarms[kiln.id],
                now=now,
            ),
        )
        for kiln in kilns
    ]


def kiln_now(
    kiln: Kiln,
    state: LiveState | None,
    channels: Sequence[Channel],
    firing: Firing | None,
    *,
    open_alarms: int,
    now: datetime,
) -> schemas.KilnNow:
    status = state.status if state else {}
    seen = {entry["name"]: entry for entry in status.get("channels", [])}
    nothing = {"at": None, "value_c": None, "rate_c_per_h": None, "quality": "no_value"}
    return schemas.KilnNow(
        kiln_id=kiln.id,
        now_at=now,
        last_at=status.get("last_at"),
        phase=status.get("phase", "idle"),
        firing_id=firing.id if firing else None,
        started_at=firing.started_at if firing else None,
        peak_c=status.get("peak_c"),
        spread_c=status.get("spread_c"),
        cone_reached=status.get("cone_reached"),
        next_cone=status.get("next_cone"),
        next_cone_progress=status.get("next_cone_progress"),
        cones=status.get("cones", []),
        channels=[
            schemas.ChannelNow(channel_id=one.id, **{**nothing, **seen.get(one.name, {}), "name": one.name})
            for one in channels
        ],
        bridge_seen_at=state.last_block_at if state else None,
        open_alarms=open_alarms,
    )


def firing_out(firing: Firing) -> schemas.FiringOut:
    return schemas.FiringOut(
        **{name: getattr(firing, name) for name in _FIRING_COLUMNS},
        kiln_name=firing.kiln.name,
        plan=schemas.PlanOut.model_validate(firing.plan) if firing.plan else None,
    )


_FIRING_COLUMNS = set(schemas.FiringOut.model_fields) - {"kiln_name", "plan"}


def firing_detail(
    session: Session, firing: Firing, segments: Sequence[schemas.SegmentOut], language: str
) -> schemas.FiringDetail:
    return schemas.FiringDetail(
        **firing_out(firing).model_dump(),
        segments=list(segments),
        cones=firing.cones,
        findings=[finding_out(finding, language) for finding in findings_of(session, firing.id)],
    )


def finding_out(finding: StoredFinding, language: str) -> schemas.FindingOut:
    return schemas.FindingOut(
        id=finding.id,
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
    )


def words_out(finding: StoredFinding, language: str) -> schemas.Words:
    text = words(
        finding.kind,
        advice_key=finding.advice_key,
        channel=finding.channel or None,
        evidence=finding.evidence,
        start_at=finding.start_at,
        end_at=finding.end_at,
        language=language,
    )
    return schemas.Words(title=text.title, detail=text.detail, advice=text.advice)


def alarm_out(alarm: Alarm, kiln_name: str, language: str) -> schemas.AlarmOut:
    finding = alarm.finding
    if alarm.cleared_at is not None:
        state = schemas.AlarmState.CLEARED
    else:
        state = schemas.AlarmState.ACKNOWLEDGED if alarm.acknowledged_at else schemas.AlarmState.OPEN
    return schemas.AlarmOut(
        id=alarm.id,
        kiln_id=finding.kiln_id,
        kiln_name=kiln_name,
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
        words=words_out(finding, language),
        events=[schemas.AlarmEventOut.model_validate(event) for event in alarm.events],
    )


def utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
