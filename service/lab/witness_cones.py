"""Witness cones: how those beside the probes stood after a firing, and what this teaches of the kiln."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from service.core.firing import EndCause
from service.core.probe_history import Drift, Use, drift
from service.core.witness import PRIOR, SURE, Bend, Offset, WitnessCone, leaning_c, learn
from service.errors import ConflictError, InvalidError
from service.lab.chamber import missed_the_top
from service.store import calibrations, firings, kilns
from service.store.cone_offsets import drift_c, offsets_of
from service.store.merging import check_whole
from service.store.models import Firing, Kiln

NEWEST: Final = 40  # firings that are learnt from: own choice, by then a probe may have gone astray by half a cone
_LOST: Final = (EndCause.LOST_SENSOR.value, EndCause.LOST_LINK.value)


def write_down(session: Session, firing: Firing, cones: Sequence[Mapping[str, Any]]) -> None:
    """Say how the cones of a firing stood, in place of what was said before, and learn from it."""
    if firing.ended_at is None:
        msg = f"firing {firing.number} runs still: how its cones stand is seen when it has ended"
        raise ConflictError(msg)
    check_whole(firing)
    known = {one.name for one in kilns.channels(session, [firing.kiln_id]) if one.unit == "c"}
    for name in {one["channel"] for one in cones} - known:
        msg = f"no probe of this kiln is called {name!r}; its probes are {', '.join(sorted(known)) or 'none'}"
        raise InvalidError(msg)
    firing.witness_cones = list(cones) or None
    learn_again(session, firing.kiln)


def learn_again(session: Session, kiln: Kiln) -> None:
    """Learn anew from all of a kiln's cones, after some were written down or a firing that has some was changed."""
    session.execute(select(Kiln.id).where(Kiln.id == kiln.id).with_for_update(key_share=True))  # one after another
    learnt: dict[str, dict[str, Any]] = {}
    since = _calibrated_at(session, kiln)
    for firing in _newest(session, kiln, Firing.witness_cones.is_not(None)):
        for channel, witnesses in _beside(session, firing, since).items():
            before = learnt.get(channel, {"firings": 0, "number": firing.number})
            known = Offset(before["mean_c"], before["sd_c"]) if before["firings"] else PRIOR
            after = learn(known, witnesses, drift_c=drift_c(before["number"], firing.number))
            learnt[channel] = {
                "mean_c": after.mean_c,
                "sd_c": after.sd_c,
                "firings": before["firings"] + 1,
                "number": firing.number,
            }
    if learnt != kiln.cone_offsets:
        kiln.cone_offsets = learnt


def probe_calibrated(session: Session, kiln: Kiln, channel: str) -> None:
    """Forget what cones have taught of a probe: it shows something else from now on, in a firing that runs as well."""
    running = firings.running_firing(session, kiln.id)
    if running is not None:
        running.cone_offsets = {name: one for name, one in running.cone_offsets.items() if name != channel}
    learn_again(session, kiln)


def drifts_of(session: Session, kiln: Kiln) -> dict[str, Drift]:
    """Return how a kiln's probes stray from the cones beside them, of those that had cones often enough to tell."""
    past, since = _newest(session, kiln), _calibrated_at(session, kiln)
    beside = {firing.id: _beside(session, firing, since) for firing in past if firing.witness_cones is not None}
    found = {}
    for channel in {channel for witnesses in beside.values() for channel in witnesses}:
        strays = drift([_use(firing, beside.get(firing.id, {}).get(channel, ())) for firing in past])
        if strays is not None:
            found[channel] = strays
    return found


def _use(firing: Firing, witnesses: Sequence[WitnessCone]) -> Use:
    """Return what a firing was for a probe, by the cones beside it in this firing alone."""
    felt_c = leaning_c(witnesses)
    return Use(firing.started_at.timestamp(), firing.peak_c or 0.0, None if felt_c is None else -felt_c)


def _newest(session: Session, kiln: Kiln, *which: ColumnElement[bool]) -> list[Firing]:
    """Return a kiln's newest firings that have ended, in the order in which they were."""
    whole = (Firing.kiln_id == kiln.id, Firing.merged_into_id.is_(None), Firing.ended_at.is_not(None))
    newest = select(Firing).where(*whole, *which).order_by(Firing.started_at.desc()).limit(NEWEST)
    return list(session.scalars(newest))[::-1]


def _calibrated_at(session: Session, kiln: Kiln) -> dict[str, datetime]:
    """Return by the name of a channel since when it shows what it shows now: what was before it showed otherwise."""
    since: dict[str, datetime] = {}
    for _, channel, one in calibrations.of_kilns(session, [kiln.id]):
        since[channel] = max(since.get(channel, one.from_at), one.from_at, one.made_at)
    return since


def _beside(session: Session, firing: Firing, since: Mapping[str, datetime]) -> dict[str, list[WitnessCone]]:
    """Return a firing's cones by the probes that they stood beside, if these have seen its top as they show it now."""
    if firing.end_cause in _LOST or firing.peak_at is None:
        return {}
    heat_work = {(one["channel"], one["cone"]): one["progress"] for one in firing.cones}
    seen_by = {channel for channel, _ in heat_work} - missed_the_top(session, firing)
    assumed = offsets_of(firing.cone_offsets)
    found = defaultdict[str, list[WitnessCone]](list)
    for one in firing.witness_cones or ():
        channel = one["channel"]
        if channel in seen_by and firing.started_at >= since.get(channel, firing.started_at):
            seen = Bend(one["seen"]) if isinstance(one["seen"], str) else one["seen"]
            done = heat_work.get((channel, one["cone"]), 0.0)
            witness = WitnessCone(one["cone"], seen, done, assumed.get(channel, SURE).mean_c, one["kind"])
            found[channel].append(witness)
    return found
