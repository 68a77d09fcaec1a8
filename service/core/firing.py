"""One firing as it goes: its heat work, its peak, its way up and down, and when it is over."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import exp, inf
from typing import Final, Self

import numpy as np

from service.core import cones
from service.core.heat_work import HeatWork, add_all
from service.core.schedule import ROOM_C
from service.core.schedule_watch import Following
from service.core.spread import Spread
from service.core.standing import Standing, since
from service.core.trail import Trail

HOT_C: Final = 150.0  # own choice: no kiln is this hot unless it is, or was just, being fired
FIRED_C: Final = 500.0  # below this a kiln was dried or candled
CAME_DOWN_C: Final = 200.0
CAME_DOWN_AFTER_S: Final = 900.0  # own choice: so long even a small kiln takes to here from `FIRED_C`, its door open
SEEN_AFTER_S: Final = 600.0  # own choice: until then a rate is not known, and noise may set the peak
UNSEEN_FOR_S: Final = 1200.0  # own choice: at 150 °C/h the kiln has moved 50 °C unseen
MISSED_BY_C: Final = 100.0  # own choice: a cone bends in about the last 100 °C
# How far below the peak the top is behind: more than the usual drop-and-hold of 56 °C (Digitalfire PLC6DS) and, with
# solid fuel, than the saw-teeth of stoking (100-180 °C in recordings).
FALLEN_C: Final = {"electric": 60.0, "lpg": 60.0, "coal": 250.0, "wood": 250.0}
FALLEN_FOR_S: Final = 1200.0  # own choice
# How far above where it stood a kiln is being fired again, its top before it: more than a hand on the damper does, and
# with solid fuel than most teeth. Own choice.
RELIT_C: Final = {"electric": 50.0, "lpg": 50.0, "coal": 150.0, "wood": 150.0}
RELIT_FOR_S: Final = 600.0  # own choice
COOLS_OVER_S: Final = 4 * 3600.0  # own choice: a small kiln that stays closed loses its heat in e-folds of this
STEADY_C_PER_H: Final = 10.0  # own choice: slower is holding
SHOWN_FROM: Final = 0.01  # a cone with less of its heat work stands as new


class EndCause(StrEnum):
    """Why a firing ended; `LOG_ENDED` is of firings brought in from a log that stops before the kiln has cooled."""

    OPERATOR = "operator"
    COOLED = "cooled"
    LOST_SENSOR = "lost_sensor"
    LOST_LINK = "lost_link"
    LOG_ENDED = "log_ended"


class Phase(StrEnum):
    """What the chamber does now."""

    IDLE = "idle"
    HEATING = "heating"
    HOLDING = "holding"
    COOLING = "cooling"


@dataclass(slots=True)  # frozen, it would take four times as long to make, and there are fifty for each look
class ConeProgress:
    """How far a cone has bent at one channel, by heat work.

    Parameters
    ----------
    channel, cone : str
        Where, and which.
    progress : float
        H: bending shows from about 0.4, down at 1.
    down_s : float or None
        Unix time at which H reached 1. [s]
    """

    channel: str
    cone: str
    progress: float
    down_s: float | None


@dataclass(frozen=True)
class Summary:
    """What a firing came to.

    Parameters
    ----------
    start_s : float
        Unix time of its beginning. [s]
    peak_c, peak_s : float
        Highest half-minute median of any chamber probe, and when. [°C], [s]
    cone_reached : str or None
        Highest cone that is down at every chamber probe that still reads; None of a kiln that was only seen to cool.
    max_spread_c, max_spread_s : float or None
        Largest difference between chamber probes, and when; None with one probe. [°C], [s]
    cones : tuple of ConeProgress
        Those with more than 0.01 of their heat work, by channel, softest first.
    """

    start_s: float
    peak_c: float
    peak_s: float
    cone_reached: str | None
    max_spread_c: float | None
    max_spread_s: float | None
    cones: tuple[ConeProgress, ...]


@dataclass
class Firing:
    """State of the firing that is running.

    `hottest_c` is that of the chamber probes that read now. `stood_c` is where the kiln stood before it last rose; a
    fall that is quicker than a closed kiln's, of a door or a damper, is no such stand. `crest_c` is the highest since
    it was lit again, None while that is the peak. [°C] `unseen_to_s` is the end of a long silence that began where the
    kiln may have been on its way up. `fired_s` is when it was last above 500 °C, None once it has come down to 200 °C;
    whether it `has_cooled` then is whether a chamber can have come down so soon. [s]
    """

    start_s: float
    start_c: float
    peak_c: float
    peak_s: float
    low_c: float
    low_s: float
    record_c: float
    record_s: float
    judged_s: float
    hottest_c: float
    phase: Phase = Phase.HEATING
    is_over_the_top: bool = False
    fallen_since_s: float | None = None
    cold_since_s: float | None = None
    nearly_cold_since_s: float | None = None
    reheated_since_s: float | None = None
    max_spread_c: float | None = None
    max_spread_s: float | None = None
    works: dict[str, HeatWork] = field(default_factory=dict)
    missed: dict[str, float] = field(default_factory=dict)  # of a channel, the highest top that it did not read [°C]
    uneven_heating: Standing = field(default_factory=Standing)
    uneven_cooling: Standing = field(default_factory=Standing)
    following: Following | None = None
    defects: dict[str, Standing] = field(default_factory=dict)
    ware: dict[str, tuple[float, float]] = field(default_factory=dict)
    over_temperature: Standing = field(default_factory=Standing)
    last_hour: Trail = field(default_factory=Trail)  # of the hottest probe of a stoked kiln
    runaway: Standing = field(default_factory=Standing)
    heat_lost: Standing = field(default_factory=Standing)
    usual_rate_c_per_h: float = 0.0
    outrun_c: float = 0.0
    fallen_c: float = 0.0
    stood_c: float = 10_000.0  # of a firing that was kept before it was known: nothing rises above that
    crest_c: float | None = None
    relit_since_s: float | None = None
    unseen_to_s: float | None = None
    fired_s: float | None = None
    has_cooled: bool = True

    @classmethod
    def begin(cls, start_s: float, start_c: float, now_s: float) -> Self:
        """Return a firing that began at `start_s` [s] from `start_c` [°C] and was known at `now_s` [s]."""
        at = (start_s, start_c, start_c, start_s, start_c, start_s, start_c, now_s, now_s, start_c)
        return cls(*at, stood_c=start_c)

    @property
    def began_at_its_top(self) -> bool:
        """Whether it was hot when it was first seen, and has not risen since: what it had been heated to is unknown."""
        return self.start_c >= HOT_C and self.peak_s <= self.start_s + SEEN_AFTER_S

    @property
    def is_top_unseen(self) -> bool:
        """Whether it may have been hotter than any reading says."""
        return self.began_at_its_top or (self.unseen_to_s is not None and self.peak_s <= self.unseen_to_s)

    def follow(self, now_s: float, hottest: tuple[float, float], rates: Collection[float], fuel: str) -> None:
        """Go on by one bin: peak, lowest point since, phase, and whether the top is behind.

        Parameters
        ----------
        now_s : float
            End of the bin. [s]
        hottest : (time, value)
            Where the hottest chamber probe stands. [s], [°C]
        rates : collection
            Rates of the chamber probes. [°C/h]
        fuel : str
            What the kiln burns.
        """
        was_near_top = not self.is_over_the_top and self.hottest_c > self.peak_c - FALLEN_C[fuel] / 2
        if was_near_top and now_s - self.judged_s > UNSEEN_FOR_S:
            self.unseen_to_s = now_s
        time_s, self.hottest_c = hottest
        if self.hottest_c >= FIRED_C:
            self.fired_s, self.has_cooled = now_s, True
        elif self.hottest_c < CAME_DOWN_C and self.fired_s is not None:
            self.has_cooled = now_s - self.fired_s >= CAME_DOWN_AFTER_S
            self.fired_s = None
        closed_c = ROOM_C + (self.stood_c - ROOM_C) * exp((self.judged_s - now_s) / COOLS_OVER_S)
        self.stood_c = min(self.stood_c, max(self.hottest_c, closed_c))
        if self.hottest_c > self.peak_c:
            self.peak_c, self.peak_s = self.low_c, self.low_s = self.hottest_c, time_s
            self.stood_c, self.crest_c = self.hottest_c, None
        if self.hottest_c <= self.low_c:
            self.low_c, self.low_s = self.hottest_c, time_s
        if rates:
            rate = sum(rates) / len(rates)
            is_up, is_down = rate > STEADY_C_PER_H, rate < -STEADY_C_PER_H
            self.phase = Phase.HEATING if is_up else Phase.COOLING if is_down else Phase.HOLDING
        self._look_for_top(now_s, fuel)

    def _look_for_top(self, now_s: float, fuel: str) -> None:
        """Say whether the top is behind; what is lit again has it before it, and makes its records anew."""
        top_c = self.peak_c if self.crest_c is None else max(self.crest_c, self.hottest_c)
        self.fallen_since_s = since(self.fallen_since_s, now_s, is_so=self.hottest_c <= top_c - FALLEN_C[fuel])
        is_relit = self.is_over_the_top and self.hottest_c >= self.stood_c + RELIT_C[fuel]
        self.relit_since_s = since(self.relit_since_s, now_s, is_so=is_relit)
        if self.relit_since_s is not None and now_s - self.relit_since_s >= RELIT_FOR_S:
            top_c, self.fallen_since_s, self.is_over_the_top = self.hottest_c, None, False
            self.record_c, self.record_s = self.hottest_c, now_s
        elif self.began_at_its_top and self.phase is Phase.COOLING:
            self.is_over_the_top = True
        elif self.fallen_since_s is not None and now_s - self.fallen_since_s >= FALLEN_FOR_S:
            self.is_over_the_top = True
        elif self.hottest_c > top_c - FALLEN_C[fuel] / 2:
            self.is_over_the_top = False
        self.crest_c = None if top_c == self.peak_c else top_c

    def see_spread(self, now_s: float, spread: Spread) -> None:
        """Remember the largest difference between probes."""
        if self.max_spread_c is None or spread.largest_c > self.max_spread_c:
            self.max_spread_c, self.max_spread_s = spread.largest_c, now_s

    def add_heat(self, points: Mapping[str, tuple[float, float]]) -> None:
        """Let the heat work of these channels go on to their points: [s], [°C] at the cones."""
        for name in points.keys() - self.works.keys():
            self.works[name] = HeatWork()
        for name, (at_s, at_c) in points.items():
            if self._passed_the_top(self.works[name], at_s, at_c):
                self.missed[name] = self.peak_c
        add_all([(self.works[name], at_s, at_c) for name, (at_s, at_c) in points.items()])

    def _passed_the_top(self, work: HeatWork, at_s: float, at_c: float) -> bool:
        """Say whether the top, well above both, lies between a channel's last word before a long gap and this one."""
        since_s, since_c = (self.start_s, at_c) if work.last_s is None else (work.last_s, work.last_c)
        is_long = at_s - since_s > UNSEEN_FOR_S and since_s < self.peak_s < at_s
        return is_long and self.peak_c > max(since_c, at_c) + MISSED_BY_C

    def has_missed_the_top(self, channel: str) -> bool:
        """Say whether a channel gave nothing to go by where the kiln was hottest: its heat work is of a line below."""
        return self.missed.get(channel, -inf) >= self.peak_c

    def least_done(self, cone: int, channels: Sequence[str]) -> float | None:
        """Return the heat work of a cone where it is least, among these channels; None if none has any."""
        return min((float(self.works[name].done[cone]) for name in channels if name in self.works), default=None)

    def cone_reached(self, channels: Sequence[str]) -> str | None:
        """Return the highest cone that is down at each of these channels, None if none is or nobody knows."""
        if self.began_at_its_top:
            return None
        done = [self.works[name].done for name in channels if name in self.works]
        if not done:
            return None
        down = np.flatnonzero(np.min(done, axis=0) >= 1.0)
        return cones.names()[down[-1]] if len(down) else None

    def cone_progress(self) -> tuple[ConeProgress, ...]:
        """Return the cones that heat has begun to work on, by channel, softest first."""
        names = cones.names()
        return tuple(
            ConeProgress(channel, names[cone], float(work.done[cone]), work.down_s[cone])
            for channel, work in sorted(self.works.items())
            for cone in np.flatnonzero(work.done > SHOWN_FROM).tolist()
        )

    def summary(self, channels: Sequence[str]) -> Summary:
        """Return what it has come to so far; cones are judged at these channels."""
        return Summary(
            self.start_s,
            self.peak_c,
            self.peak_s,
            self.cone_reached(channels),
            self.max_spread_c,
            self.max_spread_s,
            self.cone_progress(),
        )
