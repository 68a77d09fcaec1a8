"""What the service tells, as types; made by `.ci/client_models.py` from the OpenAPI document."""

from datetime import datetime
from typing import Any, Literal

import msgspec

Fuel = Literal["lpg", "coal", "wood", "electric"]

Phase = Literal["idle", "heating", "holding", "cooling"]


class ConeProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a cone has bent by heat work: 1 is down."""

    channel: str
    cone: str
    progress: float
    down_at: datetime | None


class ChannelNow(msgspec.Struct, frozen=True, kw_only=True):
    """One probe as it is now; `value_c` is the last reading, which keeps its time."""

    name: str
    label: str | None
    is_hidden: bool
    channel_id: int
    at: datetime | None
    value_c: float | None
    rate_c_per_h: float | None
    quality: str


class KilnNow(msgspec.Struct, frozen=True, kw_only=True):
    """A kiln as it is now; also what the live stream sends as `kiln` events."""

    kiln_id: int
    now_at: datetime
    last_at: datetime | None
    phase: Phase
    firing_id: int | None
    started_at: datetime | None
    peak_c: float | None
    spread_c: float | None
    cone_reached: str | None
    next_cone: str | None
    next_cone_progress: float | None
    behind_s: float | None
    behind_since: datetime | None
    cones: list[ConeProgress]
    channels: list[ChannelNow]
    bridge_seen_at: datetime | None
    open_alarms: int
    edited_at: datetime | None


class Kiln(msgspec.Struct, frozen=True, kw_only=True):
    """A Kiln."""

    id: int
    workshop_id: int
    key: str
    name: str
    fuel: Fuel
    target_cone: str | None
    ware: list[Literal["raw", "bisqued", "thick", "large", "glossy"]]
    plan_id: int | None
    retired_at: datetime | None
    edited_at: datetime | None
    version: str
    now: KilnNow


Place = Literal["top", "middle", "bottom", "front", "back", "flue", "room"]


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """`name` is what the bridge calls it and stays; `label` is what people do."""

    id: int
    kiln_id: int
    name: str
    unit: str
    label: str | None
    place: Place | None
    is_hidden: bool
    version: str


class CorrectionPoint(msgspec.Struct, frozen=True, kw_only=True):
    """From a calibration: error = indicated - true."""

    indicated_c: float
    error_c: float


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """A Calibration."""

    id: int
    channel_id: int
    from_at: datetime
    points: list[CorrectionPoint]
    offset_c: float
    note: str
    made_by: str
    made_at: datetime


class PlanPoint(msgspec.Struct, frozen=True, kw_only=True):
    """A corner of a plan: so long after the start, so hot."""

    time_s: float
    temp_c: float


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A Plan."""

    id: int
    workshop_id: int
    name: str
    points: list[PlanPoint]
    version: str


FuelUnit = Literal["kg_lpg", "briquettes", "kg_coal", "kg_wood", "kwh"]


class FuelUsed(msgspec.Struct, frozen=True, kw_only=True):
    """How much fuel a firing took: a number and what it counts."""

    amount: float
    unit: FuelUnit


class Firing(msgspec.Struct, frozen=True, kw_only=True):
    """A Firing."""

    id: int
    kiln_id: int
    kiln_name: str
    workshop_id: int
    number: int
    started_at: datetime
    ended_at: datetime | None
    end_cause: Literal["operator", "cooled", "lost_sensor", "lost_link", "log_ended"] | None
    target_cone: str | None
    plan: Plan | None
    note: str
    peak_c: float | None
    peak_at: datetime | None
    cone_reached: str | None
    max_spread_c: float | None
    fuel_used: FuelUsed | None
    merged_into_id: int | None
    version: str


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A firing that was made a part of another, such as the time after a power cut."""

    id: int
    number: int
    started_at: datetime
    ended_at: datetime | None


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A Segment."""

    kind: Literal["ramp", "hold", "cool"]
    start_at: datetime
    end_at: datetime
    from_c: float
    to_c: float
    rate_c_per_h: float


class ChannelNamed(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel is called: `name` by its bridge, for ever, `label` by people, who may keep it off the screens."""

    name: str
    label: str | None
    is_hidden: bool


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """A finding or an alarm in the reader's language: what, what was measured, what to do."""

    title: str
    detail: str
    advice: str


Verdict = Literal["true", "false"]


class VerdictOut(msgspec.Struct, frozen=True, kw_only=True):
    """A VerdictOut."""

    verdict: Verdict
    note: str
    by: str
    at: datetime


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A Finding."""

    id: int
    kiln_id: int
    firing_id: int | None
    kind: str
    group: Literal["sensor", "schedule", "kiln", "defect"]
    severity: Literal["info", "warning", "critical"]
    channel: str | None
    start_at: datetime
    end_at: datetime | None
    probability: float | None
    evidence: dict[str, Any]
    advice_key: str
    words: Words
    verdict: VerdictOut | None


class FiringDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A FiringDetail."""

    id: int
    kiln_id: int
    kiln_name: str
    workshop_id: int
    number: int
    started_at: datetime
    ended_at: datetime | None
    end_cause: Literal["operator", "cooled", "lost_sensor", "lost_link", "log_ended"] | None
    target_cone: str | None
    plan: Plan | None
    note: str
    peak_c: float | None
    peak_at: datetime | None
    cone_reached: str | None
    max_spread_c: float | None
    fuel_used: FuelUsed | None
    merged_into_id: int | None
    version: str
    parts: list[Part]
    segments: list[Segment]
    cones: list[ConeProgress]
    channels: list[ChannelNamed]
    findings: list[Finding]


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """A Figures."""

    peak_c: float | None
    cone_reached: str | None
    max_spread_c: float | None


class SecondLook(msgspec.Struct, frozen=True, kw_only=True):
    """What another look has changed; `findings_new` and `findings_withdrawn` are kinds."""

    before: Figures
    after: Figures
    findings_new: list[str]
    findings_withdrawn: list[str]
    has_changed: bool
    firing: FiringDetail


class CurveChannel(msgspec.Struct, frozen=True, kw_only=True):
    """Points to draw, true to every minimum and maximum; a None value is a gap."""

    channel_id: int
    name: str
    time_s: list[float]
    value_c: list[float | None]


class Damaged(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch whose readings are damaged where they are stored."""

    from_at: datetime
    to_at: datetime
    step_s: float | None


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """A Curve."""

    kiln_id: int
    from_at: datetime
    to_at: datetime
    channels: list[CurveChannel]
    damaged: list[Damaged]


Grade = Literal["first", "second", "refire", "reject"]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """A Outcome."""

    grade: Grade
    defect: str | None
    count: int


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """A Batch."""

    id: int
    firing_id: int
    ware: str
    pieces_loaded: int
    note: str
    outcomes: list[Outcome]
    version: str


WitnessKind = Literal["self_supporting", "large"]

Bend = Literal["not_begun", "part", "down", "molten"]


class WitnessCone(msgspec.Struct, frozen=True, kw_only=True):
    """A cone as it was seen; `progress` is what the probe beside it had made of the heat, 1 is down."""

    channel: str
    cone: str
    kind: WitnessKind
    seen: Bend | float
    progress: float | None


class WitnessCones(msgspec.Struct, frozen=True, kw_only=True):
    """A WitnessCones."""

    firing_id: int
    cones: list[WitnessCone]
    version: str


class ConeOffset(msgspec.Struct, frozen=True, kw_only=True):
    """What the cones of some firings have taught: cones beside this probe feel `mean_c` more than it shows."""

    channel: str
    mean_c: float
    sd_c: float
    firings: int


AlarmState = Literal["open", "acknowledged", "cleared"]


class AlarmEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A AlarmEvent."""

    at: datetime
    what: Literal["opened", "acknowledged", "cleared", "delivered", "seen", "failed"]
    who: str | None


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """`state` says what it asks of a person; a cleared one may still never have been acknowledged."""

    id: int
    kiln_id: int
    kiln_name: str
    workshop_name: str
    firing_id: int | None
    kind: str
    severity: Literal["info", "warning", "critical"]
    channel: str | None
    state: AlarmState
    start_at: datetime
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    cleared_at: datetime | None
    words: Words
    events: list[AlarmEvent]


class BroughtIn(msgspec.Struct, frozen=True, kw_only=True):
    """What a log came to."""

    format: str
    readings: int
    firing_ids: list[int]
    remarks: list[str]
