"""When a firing begins and when it is over, from the temperatures alone."""

from typing import Final

from service.core.firing import CAME_DOWN_C, FIRED_C, HOT_C, Firing
from service.core.probe import BinValue, Probe
from service.core.standing import since

WARM_C: Final = 60.0  # own choice: above any workshop in summer and any kiln in the sun
RISE_C: Final = 25.0  # own choice: above the daily swing that the base does not follow
RISE_WHEN_HOT_C: Final = 50.0  # own choice: above the tails of a firing that was declared over while hot
LEFT_BASE_C: Final = 3.0  # own choice: a rise is dated from here, above noise
DRIFT_C_PER_H: Final = 5.0  # own choice: how fast a workshop warms on a summer morning; candling is faster
RISEN_FOR_S: Final = 300.0  # own choice: a wild reading does not light a kiln

COLD_C: Final = 100.0  # own choice; kilns are opened below about 120 °C (glossaries of ceramicartsdaily.org)
COLD_SHARE: Final = 0.25  # of the rise to the peak: when a firing that was given up early is over
COLD_FOR_S: Final = 600.0
NEARLY_COLD_C: Final = 150.0  # some kilns stay warm for a day
NEARLY_COLD_FOR_S: Final = 4 * 3600.0
LOST_AFTER_S: Final = 6 * 3600.0  # as the link


def rise_began_s(probe: Probe, value: BinValue) -> float | None:
    """Return when the rise began that makes a firing, None while there is none.

    Parameters
    ----------
    probe : Probe
        A chamber probe of a kiln that is not being fired; its base is brought up to date.
    value : BinValue
        What it said in the bin that ends now.

    Returns
    -------
    float or None
        Unix time of the last reading within 3 °C of the base. [s]

    Notes
    -----
    The base is the lowest temperature seen, and follows a rise of up to 5 °C/h, which is weather. A firing is a probe
    above 60 °C that has been 25 °C above its base (50 °C above a base over 100 °C) for five minutes.

    Examples
    --------
    >>> probe = Probe()
    >>> ramp = [BinValue(t, 20 + t / 30, t, None, None, t, (), (), ()) for t in range(15, 3600, 30)]  # 120 °C/h
    >>> began = [rise_began_s(probe, value) for value in ramp]
    >>> next(time_s for time_s in began if time_s is not None)
    105
    """
    now_s, level_c = value.time_s, value.value_c
    before = probe.base
    base_c = level_c if before is None else min(level_c, before[1] + DRIFT_C_PER_H * (now_s - before[0]) / 3600)
    probe.base = (now_s, base_c)
    if level_c <= base_c + LEFT_BASE_C:
        probe.base_left_s = now_s
    has_risen = level_c > WARM_C and level_c - base_c >= (RISE_C if base_c <= COLD_C else RISE_WHEN_HOT_C)
    if not has_risen:
        probe.risen_since_s = None
        return None
    probe.risen_since_s = now_s if probe.risen_since_s is None else probe.risen_since_s
    return probe.base_left_s if now_s - probe.risen_since_s >= RISEN_FOR_S else None


def cooled_at_s(firing: Firing, now_s: float) -> float | None:
    """Return when the kiln had cooled, None while it has not.

    Cooled is ten minutes below 100 °C (earlier for a firing that never got hot: below a quarter of its rise), or four
    hours below 150 °C after a peak above 500 °C. What was begun by hand and is not lit yet cools with the evening, and
    a probe that comes down quicker than any chamber has slipped out of it.
    """
    is_lit = firing.peak_c >= HOT_C or firing.peak_c - firing.start_c >= RISE_C
    cold_c = COLD_C
    if firing.start_c < COLD_C:
        cold_c = min(COLD_C, firing.start_c + COLD_SHARE * (firing.peak_c - firing.start_c))
    firing.cold_since_s = since(firing.cold_since_s, now_s, is_so=is_lit and firing.hottest_c < cold_c)
    is_nearly_cold = firing.hottest_c < NEARLY_COLD_C and firing.peak_c > FIRED_C
    firing.nearly_cold_since_s = since(firing.nearly_cold_since_s, now_s, is_so=is_nearly_cold)
    if not firing.has_cooled:
        return None
    if firing.cold_since_s is not None and now_s - firing.cold_since_s >= COLD_FOR_S:
        return firing.cold_since_s
    if firing.nearly_cold_since_s is not None and now_s - firing.nearly_cold_since_s >= NEARLY_COLD_FOR_S:
        return firing.nearly_cold_since_s
    return None


def slipped_out_s(firing: Firing, now_s: float) -> float | None:
    """Return when the last probe left the chamber, None if none did or it is not six hours ago yet."""
    is_long = firing.cold_since_s is not None and now_s - firing.cold_since_s >= LOST_AFTER_S
    return firing.cold_since_s if is_long and not firing.has_cooled else None


def reheated_from_s(firing: Firing, now_s: float) -> float | None:
    """Return when the kiln, fired and then come down to 200 °C, began to be heated again; None if it was not.

    It has to rise above where it stood: behind a door that was opened and closed, it only comes back.
    """
    is_reheated = (
        firing.peak_c > FIRED_C
        and firing.has_cooled
        and firing.low_c < CAME_DOWN_C
        and firing.hottest_c - max(firing.low_c, firing.stood_c) >= RISE_WHEN_HOT_C
    )
    firing.reheated_since_s = since(firing.reheated_since_s, now_s, is_so=is_reheated)
    if firing.reheated_since_s is None or now_s - firing.reheated_since_s < RISEN_FOR_S:
        return None
    return firing.low_s
