"""What the science says of a log: its firings, their segments and phases, and the findings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from service.core.assess import AssessedFiring, assess
from service.core.chamber import chamber_curve
from service.core.findings import Finding
from service.core.kiln import OUTSIDE
from service.core.phases import PhaseSpan, phases
from service.core.segments import Segment, segments
from service.core.series import FloatArray, Samples
from service.core.watch import Watch
from service.importers.log import Log, Recording


@dataclass(frozen=True)
class AnalysedFiring:
    """One firing of a log: which recording it is in, what it came to, and its chamber's curve [s], [°C]."""

    recording: Recording
    assessed: AssessedFiring
    time_s: FloatArray
    temp_c: FloatArray
    segments: Sequence[Segment]
    phases: Sequence[PhaseSpan]

    @property
    def end_s(self) -> float:
        """When it was over, or the log."""
        return self.assessed.end_s if self.assessed.end_s is not None else _last_s(self.recording)


@dataclass(frozen=True)
class Analysis:
    """A log and all that was found in it; `findings` are those outside any firing."""

    log: Log
    watch: Watch
    firings: Sequence[AnalysedFiring]
    findings: Sequence[Finding]


def analyse(log: Log, watch: Watch) -> Analysis:
    """Return what a log holds, each recording looked at by itself."""
    firings: list[AnalysedFiring] = []
    findings: list[Finding] = []
    for recording in log.recordings:
        found = assess(recording.temperatures, watch)
        firings += [_firing(recording, one, watch) for one in found.firings]
        findings += found.findings
    return Analysis(log, watch, firings, findings)


def _firing(recording: Recording, assessed: AssessedFiring, watch: Watch) -> AnalysedFiring:
    end_s = assessed.end_s if assessed.end_s is not None else _last_s(recording)
    time_s, temp_c = chamber_curve(between(recording.temperatures, assessed.start_s, end_s))
    return AnalysedFiring(
        recording, assessed, time_s, temp_c, segments(time_s, temp_c), phases(time_s, temp_c, fuel=watch.fuel)
    )


def between(channels: Mapping[str, Samples], from_s: float, to_s: float) -> dict[str, Samples]:
    """Return what the chamber's probes read from one time to another [s]."""
    return {
        name: samples.where((samples.time_s >= from_s) & (samples.time_s <= to_s))
        for name, samples in channels.items()
        if not name.startswith(OUTSIDE)
    }


def _last_s(recording: Recording) -> float:
    return max(float(np.max(one.time_s)) for one in recording.temperatures.values() if len(one.time_s))
