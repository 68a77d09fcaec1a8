"""A kiln with months and years behind it: filled by the way all readings go, blocks first, then sealed."""

from datetime import datetime, timedelta
from typing import Final

import numpy as np

from firmware_bridge.wire import Block, Column, Unit
from service.series import blocks as series
from service.series.blocks import NewBlock
from service.series.gather import clear_shelves
from service.series.seal import seal
from service.store.database import Database
from service.store.identity import BridgeIdentity
from service.store.models import Mark

CHANNELS: Final = 8
BLOCK_S: Final = 900
FIRED_EVERY_DAYS: Final = 3
NOISE: Final = np.random.default_rng(3).normal(0.0, 0.5, (CHANNELS, 12 * 3600))


def firing_c(hours: float = 12.0) -> np.ndarray:
    """Return a firing of eight probes at 1 Hz, in quarters of a degree."""
    elapsed_h = np.arange(0.0, hours * 3600) / 3600
    level = np.interp(elapsed_h, [0, 3, 8, 8.5, 12], [30, 330, 1200, 1200, 600])
    return np.round((level + 3.0 * np.arange(CHANNELS)[:, None] + NOISE[:, : len(elapsed_h)]) * 4) / 4


class History:
    """Fills one kiln, firing after firing."""

    def __init__(self, database: Database, bridge: BridgeIdentity, kiln_id: int, key: str) -> None:
        self._database = database
        self._bridge = bridge
        self._kiln_id = kiln_id
        self._key = key
        self._seq = 0
        with database.write() as session:
            session.add(Mark(bridge_id=bridge.bridge_id, boot=self._boot, seq=2**40))

    @property
    def _boot(self) -> str:
        return f"{self._kiln_id:032x}"

    def fire(self, at: datetime, *, hours: float = 12.0) -> int:
        """Store and seal one firing that begins then; return how many readings it has."""
        values = firing_c(hours)
        begin_ms = round(at.timestamp() * 1000)
        found = []
        for first in range(0, values.shape[1], BLOCK_S):
            part = values[:, first : first + BLOCK_S].tolist()
            at_ms = [begin_ms + (first + second) * 1000 for second in range(len(part[0]))]
            self._seq += 1
            columns = [Column(f"c{place}", Unit.CELSIUS, at_ms, one) for place, one in enumerate(part)]
            found.append(
                NewBlock(self._bridge, self._kiln_id, Block(self._boot, self._seq, self._key, at_ms[-1], columns))
            )
        with self._database.write() as session:
            series.append(session, found, received_at=at, is_history=True)
        while seal(self._database, self._kiln_id, received_before=at + timedelta(days=1)):
            pass
        while clear_shelves(self._database):
            pass
        return values.size

    def fill(self, since: datetime, days: int) -> int:
        """Fire it every third day; return how many readings that makes."""
        return sum(self.fire(since + timedelta(days=day)) for day in range(0, days, FIRED_EVERY_DAYS))
