"""What the science says of bad firings: every finding, as it opens and as it ends."""

from collections.abc import Sequence

import numpy as np

from service.core.findings import Finding
from service.core.live import LiveFiring, Watch
from service.core.schedule import Schedule, Step
from service.core.series import Chunk, Samples

STEP_S = 10.0


def firing(target_cone: str, corners: Sequence[tuple[float, float]]) -> list[Finding]:
    """Return every finding, as it opens and as it ends, of a kiln that goes through corners of (hours, °C).

    Its bottom stays 60 °C behind; its top is silent for 20 min, then jumps, then stands still for half an hour.
    """
    hours, temp_c = zip(*corners, strict=True)
    time_s = np.arange(0.0, hours[-1] * 3600, STEP_S)
    top = np.interp(time_s / 3600, hours, temp_c)
    bottom = np.maximum(20.0, top - 60 * (top > 200))
    top[(time_s > 7200) & (time_s < 8400)] = np.nan
    top[time_s == 10000] += 200
    top[(time_s > 12000) & (time_s < 13800)] = 500.0
    kiln = LiveFiring(Watch(target_cone=target_cone))
    findings: list[Finding] = []
    for part in np.array_split(np.arange(len(time_s)), 40):
        channels = {"top": Samples(time_s[part], top[part]), "bottom": Samples(time_s[part], bottom[part])}
        findings += kiln.advance(Chunk(float(time_s[part[-1]]), channels)).findings
    return findings


UNDERFIRED = firing("6", [(0, 20), (8, 1120), (11, 1123), (12.5, 1150), (13.5, 1050), (19, 60), (25, 30)])
OVERFIRED = firing("04", [(0, 20), (9, 1200), (12, 900)])


def instrument_faults() -> list[Finding]:
    """Return every finding of a kiln whose every instrument fails in its own way."""
    time_s = np.arange(0.0, 10 * 3600.0, STEP_S)
    level_c = np.interp(time_s / 3600, [0, 5, 8, 10], [20, 1000, 1000, 600])
    rng = np.random.default_rng(1)
    channels = {name: Samples(time_s, level_c + rng.normal(0, 0.5, len(time_s))) for name in ("a", "b", "c", "d")}
    channels["a"].value[1000:1100] = 2047.75
    channels["b"].value[1000:1100] = 28.0
    channels["c"].value[1000:1200] += rng.normal(0, 15, 200)
    channels["d"].value[1500] = 4000.0
    channels["a"].value[1900:] -= np.linspace(0, 40, len(time_s) - 1900)
    channels["e"] = Samples(time_s, 40.0 - level_c)
    channels["board"] = Samples(time_s, np.where(time_s > 20000, 120.0, 30.0))
    twice = np.repeat(np.arange(len(time_s)), 1 + (time_s > 30000))
    channels["d"] = channels["d"].where(twice)
    kiln = LiveFiring(Watch())
    late = Samples(time_s[:1], level_c[:1])
    return [
        *kiln.advance(Chunk(float(time_s[-1]), channels)).findings,
        *kiln.advance(Chunk(float(time_s[-1]), {"a": late})).findings,
    ]


INSTRUMENT_FAULTS = instrument_faults()


def straying_kiln() -> list[Finding]:
    """Return every finding of a kiln whose fire goes out, then bolts, and does not stop at the top."""
    time_s = np.arange(0.0, 16 * 3600.0, STEP_S)
    top_c = np.interp(time_s / 3600, [0, 5, 5.5, 6.5, 7, 8, 11, 16], [20, 600, 420, 700, 1150, 1200, 1290, 60])
    kiln = LiveFiring(Watch(target_cone="6"))
    return list(kiln.advance(Chunk(float(time_s[-1]), {"top": Samples(time_s, top_c)})).findings)


STRAYING_KILN = straying_kiln()


def hasty_firing() -> list[Finding]:
    """Return every finding of thick raw ware that is fired as if it were dry and thin, and cooled too slowly."""
    time_s = np.arange(0.0, 22 * 3600.0, STEP_S)
    top = np.interp(time_s / 3600, [0, 1, 4, 7, 8, 14, 22], [20, 250, 1000, 1230, 1230, 900, 500])
    kiln = LiveFiring(Watch(ware=frozenset({"raw", "thick", "glossy"})))
    return kiln.advance(Chunk(float(time_s[-1]), {"top": Samples(time_s, top)})).findings


HASTY = hasty_firing()


def off_schedule() -> list[Finding]:
    """Return every finding of firings that keep to no schedule: late, early, too hot, held too briefly and too long."""
    steps = (Step(600.0, 100.0, 3600.0), Step(1200.0, 100.0, 1800.0))
    found: list[Finding] = []
    for hours, temp_c in (
        ([0, 6, 6.1, 6.6, 18, 26], [20, 600, 600, 650, 1000, 30]),
        ([0, 3, 8, 8.5, 12, 16], [20, 600, 600, 1200, 1260, 30]),
    ):
        time_s = np.arange(0.0, hours[-1] * 3600, STEP_S)
        kiln = LiveFiring(Watch(fuel="electric", schedule=Schedule(steps)))
        top = Samples(time_s, np.interp(time_s / 3600, hours, temp_c))
        found += kiln.advance(Chunk(float(time_s[-1]), {"top": top})).findings
    return found


OFF_SCHEDULE = off_schedule()
