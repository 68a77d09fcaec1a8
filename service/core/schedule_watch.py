"""A firing against its schedule, as its potter would judge it: by where it is in the plan, not by the clock."""

from dataclasses import dataclass, field
from typing import Final

from service.core.findings import OWN_CHOICE, Finding, Group, Severity
from service.core.ledger import Ledger
from service.core.schedule import FULL_C_PER_H, ROOM_C, Schedule
from service.core.standing import Evidence, Standing, since

# Ware dries as long as it takes: lateness counts from where the water is out. The upper end of what is published for
# candling, 66-121 °C (Glazecalc guide).
DRY_C: Final = 121.0
LATE_S: Final = {"electric": 1800.0, "lpg": 2700.0, "coal": 5400.0, "wood": 5400.0}  # own choice ...
LATE_SHARE: Final = 0.15  # ... or so much of the time since the ware is dry, whichever is more
# Own choice: nearer to the plan than this is no lateness, however slow the plan is. Saw-teeth of stoking swing to both
# sides of the plan by 100-180 °C from foot to crest (recordings of wood fires), for an hour or two.
LATE_C: Final = {"electric": 25.0, "lpg": 40.0, "coal": 60.0, "wood": 60.0}
LATE_FOR_S: Final = {"electric": 600.0, "lpg": 600.0, "coal": 7200.0, "wood": 7200.0}
KEEPS_PACE_S: Final = {"electric": 1800.0, "lpg": 1800.0, "coal": 7200.0, "wood": 7200.0}
FOR_S: Final = 600.0
STRAYS_S: Final = 60.0  # own choice: so much later or earlier than ever is straying further; some time without,
# and the plan is taken to go on from where the kiln is
# How far from a target the kiln is still at it: what a hand or a stoked fire keeps. Own choices.
BAND_C: Final = {"electric": 15.0, "lpg": 15.0, "coal": 90.0, "wood": 90.0}
CROSSED_C: Final = {"electric": 15.0, "lpg": 15.0, "coal": 0.0, "wood": 0.0}  # teeth cross the band many times or never
LEAVES_BANDS: Final = 2.0  # a hand overshoots a hold and comes back: so many bands away the kiln has gone on ...
FALLEN_FOR_S: Final = 600.0  # ... or, below a target from which it should go up, so long. Own choice
LONG_SLACK_S: Final = {"electric": 1800.0, "lpg": 1800.0, "coal": 5400.0, "wood": 5400.0}  # crests are there early
SHORTEST_HOLD_S: Final = 600.0  # a shorter hold is a turn of the curve
SHORT_SHARE: Final = 0.75
LONG_SHARE: Final = 1.25
HOLD_SLACK_S: Final = 300.0


@dataclass
class Following:
    """Where a firing is in its schedule.

    Parameters
    ----------
    begins_s : list of float
        Of the schedule that it follows; another one is followed from its beginning. [s]
    step : int
        The step that it is in; past the last when the schedule is done.
    is_holding : bool
        It has been at the step's target.
    held_s, looked_s : float
        How long it has been there, and the last look. [s]
    below_since_s : float or None
        Since when it is well below the target it had come to. [s]
    base : (time, time in the schedule) or None
        From where lateness counts. [s]
    got_s : float
        How far it has come in the schedule; a pause may let it cool. [s]
    off_s, strayed_s : float
        How late or early it has been at most since `base`, and when it last strayed further. [s]
    late_s : float or None
        How late it is, below 0 how early, at a target how it came there; None while it dries and on its way down. [s]
    """

    begins_s: list[float] = field(default_factory=list)
    step: int = 0
    is_holding: bool = False
    held_s: float = 0.0
    looked_s: float | None = None
    base: tuple[float, float] | None = None
    got_s: float = 0.0
    off_s: float = 0.0
    strayed_s: float = 0.0
    held_since_s: float = 0.0
    late_s: float | None = None
    below_since_s: float | None = None
    behind: Standing = field(default_factory=Standing)
    ahead: Standing = field(default_factory=Standing)
    over: Standing = field(default_factory=Standing)

    @property
    def pace_s(self) -> tuple[float, float] | tuple[None, None]:
        """Return how late it is, below 0 how early, and since when that is counted; neither where nobody would say."""
        return (None, None) if self.late_s is None or self.base is None else (self.late_s, self.base[0])


def judge_schedule(
    following: Following | None,
    schedule: Schedule | None,
    level_c: float,
    now_s: float,
    *,
    fuel: str,
    is_over_the_top: bool,
    to: Ledger,
) -> Following | None:
    """Say `behind_schedule`, `ahead_of_schedule`, `overshoot`, `hold_short` and `hold_long`.

    Heating is judged by how many minutes the kiln is from where the schedule has it, from 121 °C to the top; a hold by
    how long the kiln stayed at its target, and one that goes on too long below the top is a lateness, too; on the way
    down nothing but holds. Where a step may pause, or goes as
    fast as the kiln can, the plan waits for it. After a pause that was not planned the plan is shifted, once the kiln
    has kept pace again for half an hour. Where people choose another schedule, or none any more, what was said of the
    one before is over.

    Parameters
    ----------
    level_c : float
        The mean of the chamber probes. [°C]
    is_over_the_top : bool
        The kiln has had its top: a schedule that is chosen now is followed on the way down.

    Returns
    -------
    Following or None
        Where the firing is now; None without a schedule.
    """
    begins_s = None if schedule is None else list(schedule.begins_s)
    if following is not None and following.begins_s != begins_s:
        to.close_groups([Group.SCHEDULE], now_s)
        following = None
    if schedule is None:
        return None
    band_c = BAND_C[fuel]
    if following is None:
        first = _first_step_down(schedule, level_c) if is_over_the_top else _first_step(schedule, level_c - band_c)
        following = Following(list(schedule.begins_s), first)
    lasted_s = 0.0 if following.looked_s is None else now_s - following.looked_s
    following.looked_s = now_s
    _go_on(following, schedule, level_c, now_s, lasted_s, fuel, to)
    _judge_pace(following, schedule, level_c, now_s, fuel, to)
    _judge_overshoot(following, schedule, level_c, now_s, band_c, to)
    return following


def holds_as_planned(following: Following | None, schedule: Schedule | None, fuel: str) -> bool:
    """Say whether the kiln stands where the schedule has it stand, and not for too long."""
    if following is None or schedule is None or not following.is_holding or following.step >= len(schedule.steps):
        return False
    may_pause = schedule.steps[following.step].may_pause
    return may_pause or following.held_s <= _too_long_s(schedule, following.step, fuel)


def goes_down_by_plan(following: Following | None, schedule: Schedule | None) -> bool:
    """Say whether the schedule has the kiln on its way down."""
    if following is None or schedule is None or following.step >= len(schedule.steps):
        return False
    return not schedule.goes_up(following.step)


def _first_step(schedule: Schedule, from_c: float) -> int:
    """Return the step at which a firing comes in that begins at this temperature [°C]."""
    return next((index for index in range(schedule.top) if schedule.steps[index].target_c > from_c), schedule.top)


def _first_step_down(schedule: Schedule, from_c: float) -> int:
    """Return the step at which a firing comes in that is on its way down at this temperature [°C]."""
    after_top = range(schedule.top + 1, len(schedule.steps))
    return next((index for index in after_top if schedule.steps[index].target_c < from_c), len(schedule.steps))


def _go_on(
    following: Following,
    schedule: Schedule,
    level_c: float,
    now_s: float,
    lasted_s: float,
    fuel: str,
    to: Ledger,
) -> None:
    """Find the step that the kiln is in; judge the holds that it leaves."""
    band_c = BAND_C[fuel]
    while following.step < len(schedule.steps):
        index, step = following.step, schedule.steps[following.step]
        sign = 1.0 if schedule.goes_up(index) else -1.0
        short_of_c = sign * (step.target_c - level_c)
        is_there = abs(level_c - step.target_c) <= band_c
        if not following.is_holding:
            if short_of_c > band_c:
                return
            following.is_holding = True
            following.held_since_s = following.held_since_s if following.held_s else now_s
        elif is_there or short_of_c < 0.0:
            following.held_s += lasted_s
        if is_there:
            following.below_since_s = None
            _say_long(following, schedule, fuel, to)
            return
        is_last = index + 1 == len(schedule.steps)
        goes_up_next = not is_last and schedule.goes_up(index + 1)
        is_near = abs(level_c - step.target_c) <= LEAVES_BANDS * band_c and (step.hold_s > 0 or level_c < step.target_c)
        if goes_up_next != (level_c > step.target_c) or is_near:
            _say_fallen(following, schedule, now_s, is_so=goes_up_next and not is_near)
            return  # a dip, or an overshoot: it is still at this target
        _leave(following, schedule, level_c, now_s, CROSSED_C[fuel], to)


def _say_fallen(following: Following, schedule: Schedule, now_s: float, *, is_so: bool) -> None:
    """Let a kiln that sinks well below its target, and stays there, be on its way to it again, late from then on."""
    following.below_since_s = since(following.below_since_s, now_s, is_so=is_so)
    if following.below_since_s is not None and now_s - following.below_since_s >= FALLEN_FOR_S:
        if following.base is not None:
            step = schedule.steps[following.step]
            _rebase(following, following.below_since_s, schedule.reached_after_s(following.step, step.target_c))
        following.is_holding, following.below_since_s = False, None


def _at_target_s(schedule: Schedule, index: int, band_c: float) -> float:
    """Return how long the schedule is about a target: its hold, and its way through the band before and after [s]."""
    step, after = schedule.steps[index], schedule.steps[index + 1 : index + 2]
    ways = [step.rate_c_per_h, *(one.rate_c_per_h for one in after)]
    return step.hold_s + sum(band_c / rate * 3600 for rate in ways if rate is not None)


def _leave(
    following: Following, schedule: Schedule, level_c: float, now_s: float, crossed_c: float, to: Ledger
) -> None:
    step = schedule.steps[following.step]
    planned_s = _at_target_s(schedule, following.step, crossed_c)
    if step.hold_s >= SHORTEST_HOLD_S and following.held_s < SHORT_SHARE * planned_s - HOLD_SLACK_S:
        finding = _hold("hold_short", following, schedule, Severity.WARNING, "hold_longer", None)
        to.open("hold short", finding)
        to.close("hold short", now_s)
    to.close("hold long", now_s, {"held_s": following.held_s})
    following.step, following.is_holding, following.held_s = following.step + 1, False, 0.0
    if following.base is not None and following.step < len(schedule.steps):
        # What a hold took too long or too short is said of the hold, and not again.
        _rebase(following, now_s, schedule.reached_after_s(following.step, level_c))


def _rebase(following: Following, now_s: float, planned_s: float) -> None:
    """Count lateness from here on: what was lost is lost."""
    following.base, following.off_s, following.strayed_s = (now_s, planned_s), 0.0, now_s


def _say_long(following: Following, schedule: Schedule, fuel: str, to: Ledger) -> None:
    step = schedule.steps[following.step]
    is_planned = step.hold_s >= SHORTEST_HOLD_S or following.step == schedule.top
    is_dry = step.target_c > DRY_C
    too_long_s = _too_long_s(schedule, following.step, fuel)
    if is_planned and is_dry and not step.may_pause and following.held_s > too_long_s and not to.has("hold long"):
        to.open("hold long", _hold("hold_long", following, schedule, Severity.WARNING, "end_the_hold", too_long_s))


def _too_long_s(schedule: Schedule, index: int, fuel: str) -> float:
    """Return how long the kiln may be about a target at most [s]."""
    return LONG_SHARE * _at_target_s(schedule, index, BAND_C[fuel]) + LONG_SLACK_S[fuel]


def _hold(
    kind: str,
    following: Following,
    schedule: Schedule,
    severity: Severity,
    advice_key: str,
    limit_s: float | None,
) -> Finding:
    step = schedule.steps[following.step]
    evidence: Evidence = {
        "target_c": step.target_c,
        "held_s": following.held_s,
        "planned_s": step.hold_s,
        "limit_source": OWN_CHOICE,
    }
    if limit_s is not None:
        evidence["hold_limit_s"] = limit_s
    return Finding(kind, Group.SCHEDULE, severity, None, following.held_since_s, None, evidence, advice_key)


def _judge_pace(following: Following, schedule: Schedule, level_c: float, now_s: float, fuel: str, to: Ledger) -> None:
    """Say how many minutes the kiln is from where the schedule has it, on its way to the top."""
    index = following.step
    late_s = off_c = limit_s = 0.0
    is_judged = index <= schedule.top and level_c >= DRY_C and not following.is_holding and schedule.goes_up(index)
    if is_judged:
        late_s, limit_s = _late_s(following, schedule, level_c, now_s, fuel)
        off_c = abs(late_s) / 3600 * (schedule.steps[index].rate_c_per_h or 0.0)
        following.late_s = late_s
    elif following.is_holding and index < schedule.top and schedule.steps[index].target_c > DRY_C:
        late_s, limit_s, off_c = _overstayed(following, schedule, fuel)
        following.late_s = max(late_s, following.late_s or 0.0) if late_s > 0 else following.late_s
    elif not following.is_holding:
        following.late_s = None
    is_off = off_c > LATE_C[fuel] and abs(late_s) > limit_s
    for kind, standing, is_it, advice_key in (
        ("behind_schedule", following.behind, late_s > 0, "speed_up_or_wait"),
        ("ahead_of_schedule", following.ahead, late_s < 0, "slow_down"),
    ):
        if is_it and is_off and abs(late_s) > float(standing.evidence.get("off_s") or 0.0):
            standing.evidence = {
                "off_s": abs(late_s),
                "off_c": min(off_c, _most_off_c(schedule, level_c, late_s)),
                "off_limit_s": limit_s,
                "at_c": level_c,
                "limit_source": OWN_CHOICE,
            }
        turn = standing.look(
            now_s,
            is_so=is_it and is_off,
            is_gone=not (is_it and abs(late_s) > limit_s / 2),
            after_s=LATE_FOR_S[fuel],
            until_s=LATE_FOR_S[fuel],
        )
        to.follow(kind, standing, turn, kind=kind, group=Group.SCHEDULE, advice_key=advice_key)


def _overstayed(following: Following, schedule: Schedule, fuel: str) -> tuple[float, float, float]:
    """Return for how long the kiln should have left its target, how late that may be, and what it cost [s], [s], [°C].

    What it cost is how much higher the schedule would have brought it since.
    """
    step, after = schedule.steps[following.step : following.step + 2]
    planned_s = _at_target_s(schedule, following.step, BAND_C[fuel])
    late_s = 0.0 if step.may_pause else max(0.0, following.held_s - planned_s)
    rate = after.rate_c_per_h or FULL_C_PER_H
    return late_s, _too_long_s(schedule, following.step, fuel) - planned_s, late_s / 3600 * rate


def _most_off_c(schedule: Schedule, level_c: float, late_s: float) -> float:
    """Return how far from a kiln the schedule can want it: up to its top if it is late, else back to the beginning."""
    return abs((schedule.steps[schedule.top].target_c if late_s > 0 else ROOM_C) - level_c)


def _late_s(following: Following, schedule: Schedule, level_c: float, now_s: float, fuel: str) -> tuple[float, float]:
    """Return how late the kiln is, below 0 how early, and how late it may be [s]."""
    step = schedule.steps[following.step]
    planned_s = schedule.reached_after_s(following.step, level_c)
    if step.may_pause:
        planned_s = following.got_s = max(planned_s, following.got_s)
    if following.base is None or step.rate_c_per_h is None:
        _rebase(following, now_s, planned_s)
    base_s, base_planned_s = following.base or (now_s, planned_s)
    late_s = (now_s - base_s) - (planned_s - base_planned_s)
    if late_s > 0 and step.may_pause:
        following.base, late_s = (base_s + late_s, base_planned_s), 0.0  # the plan waits for the kiln
    if abs(late_s) > following.off_s + STRAYS_S:
        following.off_s, following.strayed_s = abs(late_s), now_s
    if (following.behind.is_open or following.ahead.is_open) and now_s - following.strayed_s >= KEEPS_PACE_S[fuel]:
        _rebase(following, now_s, planned_s)  # it keeps pace again, only later or earlier than was meant
        late_s = 0.0
    return late_s, max(LATE_S[fuel], LATE_SHARE * (now_s - base_s))


def _judge_overshoot(
    following: Following, schedule: Schedule, level_c: float, now_s: float, band_c: float, to: Ledger
) -> None:
    """Say `overshoot` where the kiln goes past a target at which it should have stayed or turned."""
    index = min(following.step, len(schedule.steps) - 1)
    step = schedule.steps[index]
    goes_on_up = index + 1 < len(schedule.steps) and schedule.goes_up(index + 1)
    turns = index == schedule.top or (following.is_holding and not goes_on_up)
    over_c = level_c - step.target_c if schedule.goes_up(index) and turns else 0.0
    standing = following.over
    if over_c > max(band_c, float(standing.evidence.get("over_c") or 0.0)):
        standing.evidence = {
            "over_c": over_c,
            "over_limit_c": band_c,
            "target_c": step.target_c,
            "limit_source": OWN_CHOICE,
        }
    turn = standing.look(
        now_s, is_so=over_c > band_c, is_gone=over_c < band_c / 2, after_s=FOR_S / 2, until_s=FOR_S / 2
    )
    to.follow("overshoot", standing, turn, kind="overshoot", group=Group.SCHEDULE, advice_key="turn_down")
