"""What the page and other clients send and get. Units stand in the names; times are ISO 8601 in UTC."""

import re
from datetime import datetime
from enum import StrEnum
from types import UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationInfo, field_validator

from service.api import texts
from service.core import cones
from service.core.bending import DOWN_DEG
from service.core.forecast import Basis
from service.core.witness import Bend
from service.store.password_rules import MAX_LENGTH, MIN_LENGTH
from service.store.roles import Action, Role, Scope

Id = Annotated[int, Field(ge=1, le=2_147_483_647)]  # what the databases' keys can hold
Name = Annotated[str, Field(min_length=1, max_length=80)]
Login = Annotated[str, Field(min_length=3, max_length=120, description="e-mail address or phone number")]
Password = Annotated[
    str, Field(min_length=MIN_LENGTH, max_length=MAX_LENGTH, description="of any letters; hard to guess")
]
Shown = Annotated[str, Field(max_length=200, description="the password as it is, to show who asks")]
ConeName = Annotated[str, Field(pattern=f"^({'|'.join(re.escape(name) for name in cones.names())})$", max_length=5)]
Language = Literal["vi", "en"]


class Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class In(BaseModel):
    """What is sent: nothing but what is asked for, of the type that it is, and text that a database can hold."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _is_what_it_should_be(cls, value: object, info: ValidationInfo) -> object:
        if not texts.is_writable(value):
            msg = "holds a character that is none: NUL, or half of a pair (U+D800 to U+DFFF)"
            raise ValueError(msg)
        wanted = cls.model_fields[info.field_name or ""].annotation
        if isinstance(value, bool | str) and _is_number(wanted):
            msg = f"should be a number, and is {type(value).__name__}"
            raise ValueError(msg)
        return value


class Kept(In):
    """What is sent, kept, and told again as it was."""

    model_config = ConfigDict(from_attributes=True)


def _is_number(wanted: object) -> bool:
    """Say whether a field takes a number: a text or a truth value, which pydantic would make one of, is none."""
    if isinstance(wanted, type):
        return issubclass(wanted, int | float) and wanted is not bool
    inner = get_args(wanted)
    if any(isinstance(one, type) and issubclass(one, str) for one in inner):
        return False
    return get_origin(wanted) in {Annotated, Union, UnionType} and any(_is_number(one) for one in inner)


# --- who is asking ---------------------------------------------------------------------------------------------------


class SetupIn(In):
    """The first account and its workshop, made with the one-time link that the service printed."""

    token: Annotated[str, Field(max_length=100)]
    name: Name
    login: Login
    password: Password
    workshop_name: Name
    language: Language = "vi"


class SignInIn(In):
    login: Login
    password: Shown


class LinkIn(In):
    token: Annotated[str, Field(max_length=100)]


class LinkInIn(LinkIn):
    """A link that signs in; with a new password, which ends every other session."""

    new_password: Password | None = None


class PasswordIn(In):
    current: Shown
    new: Password


class ProofIn(In):
    """The password once more: a phone that lies about must not be enough to change an account."""

    password: Shown


class LoginIn(In):
    password: Shown
    login: Login


class SessionOut(Out):
    """A browser that is signed in; `device` is what it calls itself."""

    id: str
    device: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    is_this: bool


class SessionEndIn(In):
    """Which session to end; none named are all but this one."""

    password: Shown
    session_id: Annotated[str | None, Field(pattern=r"^[0-9a-f]{16}$")] = None


class WorkshopOut(Out):
    """A workshop, and what whoever asks may do there."""

    id: int
    name: str
    may: list[Action]


class MeOut(Out):
    """Who is signed in; `lacks_factor` until a passkey is made, where a password is not enough."""

    name: str
    login: str
    lacks_factor: bool
    language: Language
    workshops: list[WorkshopOut]
    now_at: datetime
    clock_rate: float
    vapid_public_key: str
    version: str


class MeIn(In):
    language: Language


class MemberOut(Out):
    account_id: int
    name: str
    login: str
    role: Role


class MemberChange(In):
    role: Role


class InvitationIn(In):
    role: Role


class InvitationOut(Out):
    id: int
    role: Role
    invited_by: str
    expires_at: datetime


class InvitationLinkOut(InvitationOut):
    """The link works once; `qr_svg` is the same link as a picture."""

    link: str
    qr_svg: str


class InvitedOut(Out):
    workshop_name: str
    role: Role
    invited_by: str
    expires_at: datetime


class PersonIn(In):
    name: Name
    login: Login
    password: Password
    language: Language = "vi"


class JoinIn(In):
    """An invitation taken: by whoever is signed in, else by a person with a new account."""

    token: Annotated[str, Field(max_length=100)]
    person: PersonIn | None = None


class ApiTokenIn(In):
    name: Name
    scope: Scope
    days: Annotated[int, Field(ge=1, le=366, description="how long it works")]


class ApiTokenOut(Out):
    id: int
    name: str
    scope: Scope
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


class NewApiTokenOut(ApiTokenOut):
    token: str


class AuditOut(Out):
    id: int
    at: datetime
    who: str
    what: str
    details: dict[str, str | int | None]


# --- kilns and bridges -----------------------------------------------------------------------------------------------


class Fuel(StrEnum):
    LPG = "lpg"
    COAL = "coal"
    WOOD = "wood"
    ELECTRIC = "electric"


class Phase(StrEnum):
    IDLE = "idle"
    HEATING = "heating"
    HOLDING = "holding"
    COOLING = "cooling"


class ChannelNamed(Out):
    """What a channel is called: `name` by its bridge, for ever, `label` by people, who may keep it off the screens."""

    name: str
    label: str | None
    is_hidden: bool


class ChannelNow(ChannelNamed):
    """One probe as it is now; `value_c` is the last reading, which keeps its time."""

    channel_id: int
    at: datetime | None
    value_c: float | None
    rate_c_per_h: float | None
    quality: Annotated[
        str,
        Field(
            description="`good`; `no_value` if the newest reading was a fault; `silent` after 300 s without a good "
            "one; `unheard` of a name of which no temperature came while the kiln was watched: one of an old log, say"
        ),
    ]


class ConeProgress(Out):
    """How far a cone has bent by heat work: 1 is down."""

    channel: str
    cone: str
    progress: float
    down_at: datetime | None


class KilnNow(Out):
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
    behind_s: Annotated[float | None, Field(description="how late by its plan, below 0 how early, while it heats")]
    behind_since: Annotated[datetime | None, Field(description="from when that is counted: drying and holds are not")]
    cones: list[ConeProgress]
    channels: list[ChannelNow]
    bridge_seen_at: datetime | None
    open_alarms: int
    edited_at: Annotated[datetime | None, Field(description="other than the kiln's: ask anew what people say of it")]


Ware = Literal["raw", "bisqued", "thick", "large", "glossy"]


class KilnOut(Out):
    id: int
    workshop_id: int
    key: str
    name: str
    fuel: Fuel
    target_cone: str | None
    ware: list[Ware]  # what is known of what is fired in it
    plan_id: int | None
    retired_at: datetime | None
    edited_at: Annotated[datetime | None, Field(description="when people last changed this or its firing")]
    version: Annotated[str, Field(description="of what people may change, for `If-Match`")]
    now: KilnNow


class KilnIn(In):
    workshop_id: Id
    name: Name
    key: Annotated[str | None, Field(pattern=r"^[a-z0-9][a-z0-9_\-]{0,39}$")] = None
    fuel: Fuel = Fuel.LPG
    target_cone: ConeName | None = None


class KilnChange(In):
    name: Name | None = None
    fuel: Fuel | None = None
    target_cone: ConeName | None = None
    ware: Annotated[list[Ware], Field(max_length=10, description="saying one twice is saying it once")] | None = None
    plan_id: Id | None = None
    is_retired: Annotated[StrictBool | None, Field(description="out of use: its firings stay")] = None


class BridgeOut(Out):
    id: int
    workshop_id: int
    name: str
    created_at: datetime
    paired_at: datetime | None
    seen_at: datetime | None
    revoked_at: datetime | None


class BridgeIn(In):
    workshop_id: Id
    name: Name


class PairingOut(Out):
    bridge: BridgeOut
    code: str
    expires_at: datetime


class PairIn(In):
    code: Annotated[str, Field(min_length=6, max_length=20)]


class BridgeTokenOut(Out):
    """A bridge's next token; the one before works until this one is shown for the first time."""

    token: str


class PairOut(Out):
    token: str
    bridge_name: str
    workshop_name: str


# --- firings ---------------------------------------------------------------------------------------------------------


class PlanPoint(Kept):
    """A corner of a plan: so long after the start, so hot."""

    time_s: Annotated[float, Field(ge=0, le=1e7)]
    temp_c: Annotated[float, Field(ge=-20, le=1500)]


class PlanIn(In):
    workshop_id: Id
    name: Name
    points: Annotated[list[PlanPoint], Field(min_length=2, max_length=100)]


class PlanOut(Out):
    id: int
    workshop_id: int
    name: str
    points: list[PlanPoint]
    version: Annotated[str, Field(description="for `If-Match`")]


class Words(Out):
    """A finding or an alarm in the reader's language: what, what was measured, what to do."""

    title: str
    detail: str
    advice: str


class Verdict(StrEnum):
    """What a person who was there says of a finding: it was so, or it was a false alarm."""

    TRUE = "true"
    FALSE = "false"


class VerdictOut(Out):
    verdict: Verdict
    note: str
    by: str
    at: datetime


class FindingOut(Out):
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
    evidence: dict[str, float | str | None]
    advice_key: str
    words: Words
    verdict: VerdictOut | None


class SegmentOut(Out):
    kind: Literal["ramp", "hold", "cool"]
    start_at: datetime
    end_at: datetime
    from_c: float
    to_c: float
    rate_c_per_h: float


EndCause = Literal["operator", "cooled", "lost_sensor", "lost_link", "log_ended"]


class FuelUnit(StrEnum):
    """What fuel is counted in."""

    KG_LPG = "kg_lpg"
    BRIQUETTES = "briquettes"
    KG_COAL = "kg_coal"
    KG_WOOD = "kg_wood"
    KWH = "kwh"


class FuelUsed(Kept):
    """How much fuel a firing took: a number and what it counts."""

    amount: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
    unit: FuelUnit


class PartOut(Out):
    """A firing that was made a part of another, such as the time after a power cut."""

    id: int
    number: int
    started_at: datetime
    ended_at: datetime | None


class FiringOut(Out):
    id: int
    kiln_id: int
    kiln_name: str
    workshop_id: int
    number: int
    started_at: datetime
    ended_at: datetime | None
    end_cause: EndCause | None
    target_cone: str | None
    plan: PlanOut | None
    note: str
    peak_c: float | None
    peak_at: datetime | None
    cone_reached: str | None
    max_spread_c: float | None
    fuel_used: FuelUsed | None
    merged_into_id: Annotated[int | None, Field(description="the firing that this one is a part of")]
    version: Annotated[str, Field(description="of what people may change, for `If-Match`")]


class FiringDetail(FiringOut):
    parts: list[PartOut]
    segments: list[SegmentOut]
    cones: list[ConeProgress]
    channels: Annotated[list[ChannelNamed], Field(description="of its kiln, which cones and findings name")]
    findings: list[FindingOut]


class FiringChange(In):
    target_cone: ConeName | None = None
    plan_id: Id | None = None
    note: Annotated[str | None, Field(max_length=2000)] = None
    fuel_used: FuelUsed | None = None


class CurveChannel(Out):
    """Points to draw, true to every minimum and maximum; a None value is a gap."""

    channel_id: int
    name: str
    time_s: list[float]
    value_c: list[float | None]


class DamagedOut(Out):
    """A stretch whose readings are damaged where they are stored.

    The curve is drawn there from what is rolled up to `step_s`; null if nothing can be read.
    """

    from_at: datetime
    to_at: datetime
    step_s: float | None


class CurveOut(Out):
    kiln_id: int
    from_at: datetime
    to_at: datetime
    channels: list[CurveChannel]
    damaged: list[DamagedOut]


class Moments(Out):
    """When something will be, with the interval that holds it four times in five."""

    early_at: datetime
    likely_at: datetime
    late_at: datetime


class ForecastOut(Out):
    """How a running firing will go on, by its plan, by past firings or by its own pace; for display only.

    `done` is when it leaves its top, `cone_down` when the target cone is down beside every probe; null where nothing
    tells. The curve goes from now until it is done and is empty if `basis` is nothing.
    """

    basis: Basis
    done: Moments | None
    cone_down: Moments | None
    time_s: list[float]
    low_c: list[float]
    likely_c: list[float]
    high_c: list[float]


class HighestRateOut(Out):
    """How fast a kiln can climb at a temperature: what it has shown, what it likely has in it, and at most so much."""

    at_c: float
    shown_c_per_h: float
    likely_c_per_h: float
    high_c_per_h: float


class ChangeOut(Out):
    """By what share a kiln's rates change in a month, with a 90 % interval: -0.02 is slower by 2 %."""

    low_per_month: float
    share_per_month: float
    high_per_month: float
    firings: int
    is_slower: bool


class DriftOut(Out):
    """How much a probe reads less (below 0) or more with each firing than the cones beside it say, with its interval.

    `is_named` if that is sure (95 %) and has come to 3 °C: then it is worth to act.
    """

    channel: str
    firings: int
    per_firing_c: float
    low_c: float
    high_c: float
    total_c: float
    is_named: bool


class ConditionOut(Out):
    """What a kiln's newest finished firings say of it; `change` is null while they are too few or too close together.

    A kiln that is fired by hand shows the hand as well, and one that never got full fire never showed its highest rate.
    """

    firings: int
    change: ChangeOut | None
    highest_rates: list[HighestRateOut]
    drifts: list[DriftOut]


# --- batches and comparisons -----------------------------------------------------------------------------------------


class Grade(StrEnum):
    FIRST = "first"
    SECOND = "second"
    REFIRE = "refire"
    REJECT = "reject"


class Outcome(Kept):
    grade: Grade
    defect: Annotated[str | None, Field(max_length=40)] = None
    count: Annotated[int, Field(ge=0, le=1_000_000)]


class BatchIn(In):
    ware: Name
    pieces_loaded: Annotated[int, Field(ge=0, le=1_000_000)]
    note: Annotated[str, Field(max_length=2000)] = ""
    outcomes: Annotated[list[Outcome], Field(max_length=60)] = []


class BatchOut(Out):
    id: int
    firing_id: int
    ware: str
    pieces_loaded: int
    note: str
    outcomes: list[Outcome]
    version: Annotated[str, Field(description="of what people may change, for `If-Match`")]


class WitnessKind(StrEnum):
    """Which of Orton's cones stood there: one with a foot of its own, or one in a plaque of clay."""

    SELF_SUPPORTING = "self_supporting"
    LARGE = "large"


Tip = Annotated[float, Field(ge=0, le=DOWN_DEG, strict=True)]
Stood = Annotated[Bend | Tip, Field(description="how it looked, or how far its tip was from upright [°]: 90 is down")]


class WitnessCone(Kept):
    """One cone after the firing."""

    channel: Annotated[str, Field(min_length=1, max_length=40, description="name of the probe that it stood beside")]
    cone: ConeName
    kind: WitnessKind = WitnessKind.SELF_SUPPORTING
    seen: Stood


class AlignedCurve(Out):
    """One firing on the common axis: hours from its start, or °C on the way up."""

    firing_id: int
    label: str
    x: list[float]
    y: list[float | None]


class ComparedFiring(Out):
    """The figures that differ; None where the recording does not reach."""

    firing_id: int
    label: str
    started_at: datetime
    duration_h: float
    peak_c: float | None
    cone_reached: str | None
    heat_work: Annotated[float | None, Field(description="bend of the reference cone, 1 is down")]
    heat_work_cone: str | None
    rate_to_600_c_per_h: float | None
    rate_600_to_1000_c_per_h: float | None
    rate_above_1000_c_per_h: float | None
    hold_min: float | None
    cooling_through_573_c_per_h: float | None
    max_spread_c: float | None
    pieces_loaded: int
    pieces_first: int
    pieces_second: int
    pieces_refire: int
    pieces_reject: int
    witness_cones: list[WitnessCone]


class ComparisonOut(Out):
    align: Literal["time", "temperature"]
    x_label: Literal["hours", "temp_c"]
    y_label: Literal["temp_c", "rate_c_per_h"]
    curves: list[AlignedCurve]
    firings: list[ComparedFiring]


# --- alarms ----------------------------------------------------------------------------------------------------------


class AlarmState(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"


class AlarmEventOut(Out):
    at: datetime
    what: Literal["opened", "acknowledged", "cleared", "delivered", "seen", "failed"]
    who: str | None


class AlarmOut(Out):
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
    events: list[AlarmEventOut]


class TokenAcknowledgeIn(In):
    """The one-use token that came with the push, so that a tap is enough."""

    token: Annotated[str, Field(max_length=200)]


class PushKeys(In):
    """In base64url: a point of P-256, uncompressed, and 16 random bytes."""

    p256dh: Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]{87}=?$")]
    auth: Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]{22}(==)?$")]


class PushSubscriptionIn(In):
    """What the browser's PushManager gives, and what the person calls the device."""

    endpoint: Annotated[str, Field(max_length=1000)]
    keys: PushKeys
    device: Name


class PushSubscriptionOut(Out):
    """A browser that is rung; by `endpoint_sha256` (hex) it knows itself, for nobody else is to know the address."""

    id: int
    device: str
    endpoint_sha256: str
    created_at: datetime
    last_delivered_at: datetime | None


class FieldProblem(Out):
    """A field that was not as wanted, by its place in what was sent."""

    field: str
    message: str


class Problem(Out):
    """RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldProblem] = []
