"""A log as a picture: the probes, °C/h below, and what was found marked where it was."""

from pathlib import Path
from typing import Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from service.analysis.analyse import AnalysedFiring, Analysis
from service.analysis.words import Words
from service.core.curve import drawn_gap_s, thin_min_max
from service.core.findings import Severity
from service.core.kiln import OUTSIDE
from service.errors import InvalidError

POINTS: Final = 1500
RATE_OVER_S: Final = 900.0
_COLOURS: Final = {Severity.CRITICAL: "#c62828", Severity.WARNING: "#f9a825", Severity.INFO: "#90a4ae"}
FORMATS: Final = (".png", ".svg", ".pdf")


def plot(analysis: Analysis, file: Path, words: Words) -> None:
    """Draw every firing of a log below one another into a picture file; a log without one as it is."""
    if file.suffix.lower() not in FORMATS:
        msg = f"a picture can be {', '.join(FORMATS)}, not {file.name!r}"
        raise InvalidError(msg)
    shown = list(analysis.firings)
    with mpl.rc_context({"font.family": "DejaVu Sans", "axes.grid": True, "grid.alpha": 0.3}):
        figure = Figure(figsize=(12, 4.5 * max(len(shown), 1)), layout="constrained")
        rows = figure.subplots(max(len(shown), 1), squeeze=False)[:, 0]
        for axes, firing in zip(rows, shown, strict=False):
            _draw_firing(axes, firing, words)
        if not shown:
            _draw_channels(rows[0], analysis, 0.0)
        try:
            figure.savefig(file, dpi=110)
        except OSError as error:
            msg = f"{file} cannot be written: {(error.strerror or str(error)).lower()}"
            raise InvalidError(msg) from error


def _draw_firing(axes: Axes, firing: AnalysedFiring, words: Words) -> None:
    start_s, end_s = firing.assessed.start_s, firing.end_s
    for name, samples in firing.recording.temperatures.items():
        if name.startswith(OUTSIDE):
            continue
        order = np.argsort(samples.time_s, kind="stable")
        time_s, value = samples.time_s[order], samples.value[order]
        inside = (time_s >= start_s) & (time_s <= end_s)
        thin_s, thin_c = thin_min_max(time_s[inside], value[inside], POINTS, gap_s=drawn_gap_s(time_s[inside]))
        axes.plot((thin_s - start_s) / 3600, thin_c, label=name, linewidth=1.4)
    for one in firing.assessed.findings:
        to_s = min(one.end_s if one.end_s is not None else end_s, end_s)
        axes.axvspan((one.start_s - start_s) / 3600, (to_s - start_s) / 3600, color=_COLOURS[one.severity], alpha=0.18)
    _mark_cone(axes, firing)
    axes.set(xlabel="h", ylabel="°C", title=firing.recording.name or None)
    axes.legend(loc="upper left", fontsize="small")
    _draw_rate(axes, firing, words)


def _mark_cone(axes: Axes, firing: AnalysedFiring) -> None:
    """Mark where the cone that was reached was down at the last probe."""
    summary = firing.assessed.summary
    if summary is None or summary.cone_reached is None:
        return
    down_s = max(one.down_s for one in summary.cones if one.cone == summary.cone_reached and one.down_s is not None)
    at_h = (down_s - firing.assessed.start_s) / 3600
    axes.axvline(at_h, color="#6d4c41", linestyle=":", linewidth=1)
    axes.annotate(f" \u25b3 {summary.cone_reached}", (at_h, 0.02), xycoords=("data", "axes fraction"), color="#6d4c41")


def _draw_rate(axes: Axes, firing: AnalysedFiring, words: Words) -> None:
    if len(firing.time_s) < 2:
        return
    steps = max(1, round(RATE_OVER_S / float(np.median(np.diff(firing.time_s)))))
    ahead, behind = firing.time_s[steps:], firing.time_s[:-steps]
    rate = (firing.temp_c[steps:] - firing.temp_c[:-steps]) / (ahead - behind) * 3600
    rate[ahead - behind > drawn_gap_s(firing.time_s)] = np.nan
    beside = axes.twinx()
    middle_h = ((ahead + behind) / 2 - firing.assessed.start_s) / 3600
    beside.plot(middle_h, rate, color="#607d8b", linewidth=0.8, alpha=0.7)
    beside.set_ylabel(words("report.rate"), color="#607d8b")
    beside.grid(visible=False)


def _draw_channels(axes: Axes, analysis: Analysis, start_s: float) -> None:
    for recording in analysis.log.recordings:
        for name, samples in recording.temperatures.items():
            if len(samples.time_s):
                start_s = start_s or float(samples.time_s.min())
                axes.plot((samples.time_s - start_s) / 3600, samples.value, label=name, linewidth=1.2)
    axes.set(xlabel="h", ylabel="°C")
    axes.legend(loc="upper left", fontsize="small")
