"""A whole recording looked at in one go, with what the live watch would have said."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from service.core.findings import Finding
from service.core.live import EndCause, FiringEnd, FiringStart, LiveFiring, Summary, Watch
from service.core.series import Chunk, Samples


@dataclass
class AssessedFiring:
    """One firing of a recording.

    Parameters
    ----------
    start_s : float
        Unix time. [s]
    end_s, cause : float or None, EndCause or None
        When and why it was over; None if the recording stops in it. [s]
    summary : Summary or None
        What it came to; None only while it is being put together.
    findings : list of Finding
        As they stood at the end, in the order in which they were first said.
    """

    start_s: float
    end_s: float | None = None
    cause: EndCause | None = None
    summary: Summary | None = None
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class Assessment:
    """The firings of a recording, in order, and the findings outside any of them."""

    firings: tuple[AssessedFiring, ...]
    findings: tuple[Finding, ...]


def assess(channels: Mapping[str, Samples], watch: Watch) -> Assessment:
    """Return the firings and findings of a recording, the same as `LiveFiring` gives however it is cut.

    Parameters
    ----------
    channels : mapping
        Readings by channel. The recording counts as complete up to its last reading: silence in it is the instrument's.
    watch : Watch
        What it is watched for.

    Examples
    --------
    >>> import numpy as np
    >>> time_s = np.arange(0.0, 7200.0, 10.0)
    >>> top = Samples(time_s, np.interp(time_s, [0, 3000, 6000], [25, 900, 20]))
    >>> [(one.start_s, one.cause.value, round(one.summary.peak_c)) for one in assess({"top": top}, Watch()).firings]
    [(10.0, 'cooled', 897)]
    """
    until_s = max((float(samples.time_s.max()) for samples in channels.values() if len(samples.time_s)), default=0.0)
    live = LiveFiring(watch)
    firings: list[AssessedFiring] = []
    running: AssessedFiring | None = None
    owners: dict[tuple[str, str | None, float], AssessedFiring | None] = {}
    latest: dict[tuple[str, str | None, float], Finding] = {}
    for event in live.advance(Chunk(until_s, channels)).events:
        match event:
            case FiringStart():
                running = AssessedFiring(event.start_s)
                firings.append(running)
            case FiringEnd():
                if running is not None:
                    running.end_s, running.cause, running.summary = event.end_s, event.cause, event.summary
                running = None
            case Finding():
                owners.setdefault(event.key, running)
                latest[event.key] = event
    if running is not None:
        running.summary = live.summary()
    for key, finding in latest.items():
        owner = owners[key]
        if owner is not None:
            owner.findings.append(finding)
    return Assessment(tuple(firings), tuple(finding for key, finding in latest.items() if owners[key] is None))
