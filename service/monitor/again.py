"""A running firing that a person gave another beginning: its analysis begins there, and goes on from now."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from service.analysis.again import BEFORE, write_down
from service.core.assess import AssessedFiring
from service.core.findings import Finding
from service.core.live import LiveFiring
from service.core.series import Chunk, Samples
from service.monitor.conclude import Moment, ring, utc
from service.monitor.watched import Watched
from service.series import history as series
from service.store import firings as firing_rows


def begin_again(session: Session, watched: Watched, now: datetime) -> AssessedFiring | None:
    """Let the analysis of a kiln follow its firing from where a person says that it began.

    It takes in what it has taken in before and no more: what is on its way comes as always.
    """
    said_at = watched.now.firing_started_at
    if said_at is None:
        return None
    watched.began_again_for = said_at
    start_s, upto_s = said_at.timestamp(), watched.live.vouched_to_s()
    live = LiveFiring(watched.live.watch)
    channels: Mapping[str, Samples] = {}
    if upto_s is not None:
        upto_at = max(datetime.fromtimestamp(upto_s, UTC), said_at)
        recorded = series.read(
            session, watched.kiln_id, from_at=said_at - BEFORE, to_at=upto_at, corrections=watched.corrections
        )
        channels = recorded.channels
    before = {name: one.where(one.time_s < start_s) for name, one in channels.items()}
    since = {name: one.where(one.time_s >= start_s) for name, one in channels.items()}
    live.advance(Chunk(min(start_s, upto_s if upto_s is not None else start_s), before))
    found = firing_rows.findings_of(session, watched.now.firing_id or 0)
    of_it = {(row.kind, row.channel, row.start_at) for row in found}
    stood = [
        one for one in live.recall(watched.live, channels.keys()) if (one.kind, one.channel, utc(one.start_s)) in of_it
    ]
    upto_s = max(start_s, upto_s or start_s)
    begun = live.begin(start_s, held_to_s=upto_s)
    advance = live.advance(Chunk(upto_s, since))
    latest = {one.key: one for one in (*stood, *begun.events, *advance.events) if isinstance(one, Finding)}
    watched.live, watched.is_dirty = live, True
    watched.now = replace(watched.now, status=advance.status)
    return AssessedFiring(start_s, summary=live.summary(), findings=list(latest.values()))


def write_again(session: Session, watched: Watched, assessed: AssessedFiring, moment: Moment) -> tuple[int, ...]:
    """Write what the running firing has come to by its new beginning; return the alarms that changed."""
    firing = firing_rows.running_firing(session, watched.kiln_id)
    if firing is None:
        return ()
    return ring(session, write_down(session, firing, assessed, now=moment.now).rows, moment)
