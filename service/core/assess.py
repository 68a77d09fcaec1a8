"""A whole recording looked at in one go, with what the live watch would have said."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Final

from service.core.findings import Finding
from service.core.live import EndCause, FiringEnd, FiringStart, LiveFiring, Summary, Watch
from service.core.probe import BIN_S
from service.core.series import Chunk, Samples
from service.core.watch import Event

SAME_S: Final = 1.0  # own choice: two moments nearer to each other are one


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


def assess_span(
    channels: Mapping[str, Samples], watch: Watch, *, start_s: float, end_s: float, cause: EndCause
) -> AssessedFiring:
    """Return the firing that lasted from one moment to another, whatever the readings say of its ends.

    Parameters
    ----------
    channels : mapping
        Readings by channel; some from before and after it let its ends be found as the live watch found them.
    watch : Watch
        What it is watched for.
    start_s, end_s : float
        Unix times. [s]
    cause : EndCause
        Why it was over.

    Raises
    ------
    ValueError
        If it does not end after its start.

    Notes
    -----
    Where the live watch, given the same readings, sees a firing with these very ends, the answer is what it says. Else
    the firing is begun and ended as asked: a gap in it is bridged, and no cooling or silence within ends it.

    Examples
    --------
    >>> import numpy as np
    >>> time_s = np.arange(0.0, 7200.0, 10.0)
    >>> top = {"top": Samples(time_s, np.interp(time_s, [0, 3000, 6000], [25, 900, 20]))}
    >>> whole = assess_span(top, Watch(), start_s=600.0, end_s=7000.0, cause=EndCause.OPERATOR)
    >>> whole.start_s, whole.end_s, round(whole.summary.peak_c)
    (600.0, 7000.0, 897)
    """
    if not start_s < end_s:
        msg = f"a firing must end after its start at {start_s} s, but end_s is {end_s} s"
        raise ValueError(msg)
    for one in assess(channels, watch).firings:
        if one.end_s is not None and abs(one.start_s - start_s) < SAME_S and abs(one.end_s - end_s) < SAME_S:
            return one
    live = LiveFiring(watch)
    live.advance(Chunk(start_s, {name: samples.where(samples.time_s < start_s) for name, samples in channels.items()}))
    events: list[Event] = [*live.begin(start_s, held_to_s=end_s + BIN_S).events]
    within = {
        name: samples.where((samples.time_s >= start_s) & (samples.time_s <= end_s))
        for name, samples in channels.items()
    }
    last_bin_ends_s = watch.bins_from_s + ceil((end_s - watch.bins_from_s) / BIN_S) * BIN_S
    events += live.advance(Chunk(last_bin_ends_s, within)).events
    events += live.end(end_s, cause).events
    return _put_together(AssessedFiring(start_s, end_s, cause), events)


def _put_together(firing: AssessedFiring, events: Iterable[Event]) -> AssessedFiring:
    latest = {}
    for event in events:
        match event:
            case FiringEnd():
                firing.summary = event.summary
            case Finding():
                latest[event.key] = event
    firing.findings = list(latest.values())
    return firing
