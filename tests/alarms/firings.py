"""What the science says of two bad firings: every finding, as it opens and as it ends."""

from collections.abc import Sequence

import numpy as np

from service.core.findings import Finding
from service.core.live import LiveFiring, Watch
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
