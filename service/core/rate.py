"""How fast a kiln goes and how sure that is: a Kalman filter of temperature and rate."""

from dataclasses import dataclass
from math import sqrt
from typing import Final

# How a kiln's rate wanders: 28 °C/h in a quarter of an hour. Own choice, on simulated schedules with corners
# (benchmarks/rates.py): smaller takes them for noise, larger shows the noise.
WANDER_C2_PER_S3: Final = (28.0 / 3600) ** 2 / 900.0
RATE_SD_AT_FIRST_C_PER_S: Final = 200.0 / 3600  # no kiln is faster for long
NOISE_AT_FIRST_C: Final = 1.0
LEAST_NOISE_C: Final = 0.05
NOISE_LEARNT: Final = 0.05  # share of a new value in the running noise: some twenty values
WILD_SD: Final = 5.0  # a value further from what was expected is wild
WILD_IN_A_ROW: Final = 3  # ... and so many of them are the kiln's own doing
GAP_S: Final = 300.0  # over a longer silence the rate is not known to have lasted


@dataclass(slots=True)
class RateFilter:
    """Temperature and rate of one probe, fed value by value; all it holds can be said in JSON.

    A wild value is passed over, and a step that stays begins anew after three values, as does a gap of five minutes.
    The noise of the values is learnt from how far they come from what was expected.

    Examples
    --------
    >>> rate = RateFilter()
    >>> for minute in range(60):
    ...     rate.add(minute * 60.0, 20.0 + 2.0 * minute)
    >>> round(rate.rate_c_per_h), rate.sd_c_per_h < 20
    (120, True)
    """

    last_s: float | None = None
    temp_c: float = 0.0
    rate_c_per_s: float = 0.0
    temp_var: float = 0.0
    both_var: float = 0.0
    rate_var: float = RATE_SD_AT_FIRST_C_PER_S**2
    noise_var: float = NOISE_AT_FIRST_C**2
    wild: int = 0

    @property
    def rate_c_per_h(self) -> float:
        """Rate [°C/h]."""
        return self.rate_c_per_s * 3600

    @property
    def sd_c_per_h(self) -> float:
        """Standard deviation of the rate [°C/h]."""
        return sqrt(self.rate_var) * 3600

    def add(self, time_s: float, value_c: float) -> None:
        """Go on to the next value [s], [°C]; one that is not later than the last, a repeat, changes nothing."""
        if self.last_s is None or time_s - self.last_s > GAP_S:
            self._begin(time_s, value_c)
            return
        lasted_s = time_s - self.last_s
        if lasted_s <= 0:
            return
        wander = WANDER_C2_PER_S3 * lasted_s
        temp_c = self.temp_c + self.rate_c_per_s * lasted_s
        temp_var = self.temp_var + lasted_s * (2 * self.both_var + lasted_s * (self.rate_var + wander / 3))
        both_var = self.both_var + lasted_s * (self.rate_var + wander / 2)
        rate_var = self.rate_var + wander
        off_c, off_var = value_c - temp_c, temp_var + self.noise_var
        self.wild = self.wild + 1 if off_c * off_c > WILD_SD**2 * off_var else 0
        if self.wild >= WILD_IN_A_ROW:
            self._begin(time_s, value_c)
            return
        self.last_s, self.temp_c = time_s, temp_c
        self.temp_var, self.both_var, self.rate_var = temp_var, both_var, rate_var
        if not self.wild:
            self._correct(off_c, off_var)

    def _begin(self, time_s: float, value_c: float) -> None:
        self.last_s, self.temp_c, self.rate_c_per_s, self.wild = time_s, value_c, 0.0, 0
        self.temp_var, self.both_var, self.rate_var = self.noise_var, 0.0, RATE_SD_AT_FIRST_C_PER_S**2

    def _correct(self, off_c: float, off_var: float) -> None:
        to_temp, to_rate = self.temp_var / off_var, self.both_var / off_var
        seen_var = off_c * off_c - self.temp_var
        self.temp_c += to_temp * off_c
        self.rate_c_per_s += to_rate * off_c
        self.rate_var -= to_rate * self.both_var
        self.both_var *= 1 - to_temp
        self.temp_var *= 1 - to_temp
        self.noise_var = max(self.noise_var + NOISE_LEARNT * (seen_var - self.noise_var), LEAST_NOISE_C**2)
