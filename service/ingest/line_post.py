"""What lines say as a post of blocks, without what is stored already: the same line twice is one reading.

A sender of lines has no numbers of its own and may cut what it sends again in another way, so a resend is known by its
readings: in the transaction that stores them we look which of their times the channels have.
"""

import secrets
import time
from collections import defaultdict
from typing import Final

import numpy as np
from sqlalchemy.orm import Session

from firmware_bridge.wire import Block, Column, Post, Quality, Unit
from service.errors import ServiceError
from service.ingest.line_readings import Gathered, Place, Said
from service.series import blocks, history
from service.series.chunks import DAY_MS
from service.store.identity import BridgeIdentity
from service.store.kilns import channels, kiln_by_key

MAX_DAYS: Final = 400  # that one body may touch, for each of which is looked what is there
# How long after a reading one of another channel may come. Senders push every ten seconds, and a kiln may have two.
VOUCHES_AFTER_MS: Final = 20_000
REMEMBERED_S: Final = 300.0  # shorter than it takes until a block is sealed

_ByTime = dict[int, Said]


class TooSpreadError(ServiceError):
    """A body touches more days than are looked through for one."""

    code = "too_spread"


class LinePosts:
    """Makes posts; each run of the service is a boot of its own to every sender, and numbers its blocks."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin a boot anew: numbers that were given and not stored would hold up what comes after them."""
        self._boot = secrets.token_hex(8)
        self._seq: defaultdict[int, int] = defaultdict(int)
        self._sealed_ms: dict[int, tuple[float, int]] = {}

    def post(self, session: Session, bridge: BridgeIdentity, sent: Post | Gathered) -> Post:
        """Return what is new of what was gathered from lines; what a bridge has made is a post as it is."""
        return sent if isinstance(sent, Post) else self._new(session, bridge, sent)

    def _new(self, session: Session, bridge: BridgeIdentity, gathered: Gathered) -> Post:
        blocks.take_turn(session)  # from here on nobody else stores
        gathered.keep_to(_units(session, bridge.workshop_id, gathered))
        by_kiln: defaultdict[tuple[str, bool], dict[Place, _ByTime]] = defaultdict(dict)
        for place, readings in gathered.readings.items():
            by_kiln[place.kiln, place.is_estimated][place] = readings
        made = []
        for (kiln, is_estimated), columns in by_kiln.items():
            new = self._without_known(session, bridge.workshop_id, kiln, columns)
            if new:
                self._seq[bridge.bridge_id] += 1
                until_ms = max(max(readings) for readings in new.values()) - VOUCHES_AFTER_MS
                made.append(
                    Block(
                        self._boot,
                        self._seq[bridge.bridge_id],
                        kiln,
                        max(0, until_ms),
                        [_column(place, readings) for place, readings in new.items()],
                        is_estimated,
                    )
                )
        return Post(made)

    def _without_known(
        self, session: Session, workshop_id: int, kiln: str, columns: dict[Place, _ByTime]
    ) -> dict[Place, _ByTime]:
        found = kiln_by_key(session, workshop_id, kiln)
        if found is None:
            return columns
        times_ms = sorted({at_ms for readings in columns.values() for at_ms in readings})
        newest_ms = max(blocks.newest_ms(session, found.id), self._newest_sealed_ms(session, found.id))
        old_ms = np.array([at_ms for at_ms in times_ms if at_ms <= newest_ms], dtype=np.int64)
        days = np.unique(old_ms // DAY_MS)
        if len(days) > MAX_DAYS:
            msg = f"one body may touch {MAX_DAYS} days of a kiln, and this one has readings of {len(days)}: send fewer"
            raise TooSpreadError(msg)
        known: defaultdict[str, set[int]] = defaultdict(set)
        for day in days.tolist():
            its_ms = old_ms[old_ms // DAY_MS == day]
            for channel, at_ms in history.times_held(session, found.id, int(its_ms[0]), int(its_ms[-1])).items():
                known[channel].update(at_ms.tolist())
        new = {
            place: {at_ms: said for at_ms, said in readings.items() if at_ms not in known[place.channel]}
            for place, readings in columns.items()
        }
        return {place: readings for place, readings in new.items() if readings}

    def _newest_sealed_ms(self, session: Session, kiln_id: int) -> int:
        """Return up to when something of a kiln may be sealed; what is sealed later was seen as blocks before."""
        now_s = time.monotonic()
        asked_s, newest_ms = self._sealed_ms.get(kiln_id, (-REMEMBERED_S, 0))
        if now_s - asked_s >= REMEMBERED_S:
            newest_ms = history.newest_sealed_ms(session, kiln_id)
        else:
            newest_ms = max(newest_ms, blocks.newest_ms(session, kiln_id))
        self._sealed_ms[kiln_id] = now_s, newest_ms
        return newest_ms


def _units(session: Session, workshop_id: int, gathered: Gathered) -> dict[tuple[str, str], Unit]:
    """Return the units of the channels that the body's kilns have."""
    keys = {place.kiln for place in gathered.readings}
    kilns = {kiln.id: key for key in keys if (kiln := kiln_by_key(session, workshop_id, key)) is not None}
    return {(kilns[one.kiln_id], one.name): Unit(one.unit) for one in channels(session, kilns)}


def _column(place: Place, readings: _ByTime) -> Column:
    ordered = sorted(readings.items())
    faults: dict[int, Quality] = {
        i: said.quality for i, (_, said) in enumerate(ordered) if said.quality is not Quality.GOOD
    }
    at_ms, values = [at for at, _ in ordered], [said.value for _, said in ordered]
    return Column(place.channel, place.unit, at_ms, values, faults)
