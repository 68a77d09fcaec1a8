"""What a reading costs when there are more kilns, and when more is stored: `python -m benchmarks.growth`.

More kilns: a real service under the load of so many villages. More stored: one kiln fired every third day for so long,
written and sealed by the same functions as the service's own, and what the next firing and its chart cost then.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np
from matplotlib.figure import Figure
from sqlalchemy import select, update

from benchmarks.load import BOOT, curve_c, new_database
from benchmarks.section import Section, table
from benchmarks.village import Load, measure_village
from firmware_bridge.wire import Block, Column, Unit
from service.api.curves import curve_response
from service.series import blocks as series
from service.series.blocks import NewBlock
from service.series.gather import clear_shelves
from service.series.seal import seal
from service.store import identity, kilns
from service.store.database import Database
from service.store.identity import BridgeIdentity
from service.store.models import Channel, Kiln, Mark, Workshop

VILLAGE_KILNS: Final = 2600
TIMES: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
BLOCK_S: Final = 10
WARM_UP_S: Final = 40.0
WARM_UP_S_A_VILLAGE: Final = 25.0  # that all its firings begin in one minute is no part of it
CHANNELS: Final = 8
FIRING_S: Final = 12 * 3600
EVERY_DAYS: Final = 3
STORED_DAYS: Final = (1, 30, 365, 730)
STORED_BLOCK_S: Final = 60
FIRST_AT: Final = datetime(2024, 1, 1, tzinfo=UTC)
ROUNDS: Final = 5
NOISE: Final = np.random.default_rng(3).normal(0.0, 0.5, CHANNELS * FIRING_S)
PLOT: Final = Path(__file__).parents[1] / "docs" / "growth.png"


# --- more kilns ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AtLoad:
    """What a service used under so many times a village."""

    times: float
    wanted_per_s: float
    readings_per_s: float
    analysed_per_s: float
    cpu_s_per_million: float
    ack_p99_ms: float
    rss_mb: float

    @property
    def is_held(self) -> bool:
        """Say whether it took all that was to be sent, and looked at it; that goes by half-minutes."""
        return self.readings_per_s >= 0.98 * self.wanted_per_s and self.analysed_per_s >= 0.95 * self.wanted_per_s


def loads(times: Sequence[float], *, seconds: float) -> Iterator[AtLoad]:
    """Go through the loads, from the lowest, as far as the machine can."""
    for one in times:
        many = round(VILLAGE_KILNS * one / 2) * 2
        sys.stderr.write(f"  {many} kilns ...\n")
        got = measure_village(Load(many, CHANNELS, BLOCK_S, seconds, warm_up_s=WARM_UP_S + WARM_UP_S_A_VILLAGE * one))
        cost = got.cores / got.readings_per_s * 1e6
        at = AtLoad(one, many * CHANNELS, got.readings_per_s, got.analysed_per_s, cost, got.ack_p99_ms, got.rss_mb)
        yield at
        if not at.is_held:
            return


# --- more stored -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AtStore:
    """What a day's firing and a chart cost with so many days stored."""

    days: int
    readings: int
    disk_mb: float
    store_us: float  # of a reading of one more firing: append and seal
    chart_ms: float


class Archive:
    """One kiln and what it is fired; the last firing that was filled in stays the newest."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.folder = database, folder
        self.firings = 0
        self._seq = 0
        with database.write() as session:
            workshop = Workshop(name="Xưởng", created_at=FIRST_AT)
            session.add(workshop)
            session.flush()
            kiln = kilns.create_kiln(session, workshop.id, name="Lò", key="lo-0")
            names = [f"c{place}" for place in range(CHANNELS)]
            session.add_all(Channel(workshop_id=workshop.id, kiln_id=kiln.id, name=name, unit="c") for name in names)
            bridge = identity.create_bridge(session, workshop.id, "cầu", now=FIRST_AT)
            session.flush()
            session.add(Mark(bridge_id=bridge.id, boot=BOOT, seq=1))
            self.kiln_id, self.bridge = kiln.id, BridgeIdentity(bridge.id, workshop.id, "cầu")

    def fire(self) -> int:
        """Store and seal the next firing; return how many readings it has."""
        began_s = FIRST_AT.timestamp() + self.firings * EVERY_DAYS * 86_400
        made = list(self._blocks(began_s))
        received_at = datetime.fromtimestamp(began_s + FIRING_S, UTC)
        for begin in range(0, len(made), 60):
            with self.database.write() as session:
                series.append(session, made[begin : begin + 60], received_at=received_at, is_history=True)
        with self.database.write() as session:
            session.execute(update(Mark).values(seq=self._seq))
        while seal(self.database, self.kiln_id, received_before=received_at + timedelta(days=2)):
            pass
        while clear_shelves(self.database):
            pass
        self.firings += 1
        return sum(new.block.readings for new in made)

    def _blocks(self, began_s: float) -> Iterator[NewBlock]:
        level = curve_c(np.arange(FIRING_S, dtype=float), 0.0) + 0.1 * (self.firings % 7)
        noise = np.roll(NOISE, 9973 * self.firings)[: CHANNELS * FIRING_S].reshape(CHANNELS, FIRING_S)
        values = np.round((level - 3.0 * np.arange(CHANNELS)[:, None] + noise) * 4) / 4
        for at in range(0, FIRING_S, STORED_BLOCK_S):
            at_ms = [round((began_s + at + second) * 1000) for second in range(STORED_BLOCK_S)]
            part = values[:, at : at + STORED_BLOCK_S].tolist()
            columns = [Column(f"c{place}", Unit.CELSIUS, at_ms, row) for place, row in enumerate(part)]
            self._seq += 1
            yield NewBlock(self.bridge, self.kiln_id, Block(BOOT, self._seq, "lo-0", at_ms[-1], columns))

    def chart_ms(self) -> float:
        """Return how long the chart of the newest firing takes, 12 h at 1,000 pixels."""
        began_at = FIRST_AT + timedelta(days=(self.firings - 1) * EVERY_DAYS)
        took = []
        for _ in range(ROUNDS):
            began_s = time.process_time()
            with self.database.read() as session:
                kiln = session.scalars(select(Kiln).where(Kiln.id == self.kiln_id)).one()
                curve_response(session, kiln, began_at, began_at + timedelta(seconds=FIRING_S), 1000)
            took.append((time.process_time() - began_s) * 1000)
        return median(took)

    def disk_mb(self) -> float:
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file()) / 1e6


def stored(days: Sequence[int]) -> Iterator[AtStore]:
    """Go through the archives, from the smallest; each grows out of the one before."""
    with new_database() as (database, folder):
        archive = Archive(database, folder)
        readings = 0
        for one in days:
            sys.stderr.write(f"  {one} days ...\n")
            while archive.firings * EVERY_DAYS < one:
                readings += archive.fire()
            costs = []
            for _ in range(ROUNDS):
                began_s = time.process_time()
                more = archive.fire()
                costs.append((time.process_time() - began_s) / more * 1e6)
                readings += more
            yield AtStore(one, readings, archive.disk_mb(), median(costs), archive.chart_ms())


# --- the table and the plot ------------------------------------------------------------------------------------------


def plot(by_load: Sequence[AtLoad], by_store: Sequence[AtStore], path: Path) -> None:
    """Draw both on one picture of two charts."""
    figure = Figure(figsize=(9, 3.4), dpi=80, layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot([one.times for one in by_load], [one.cpu_s_per_million for one in by_load], "o-")
    left.set(
        xscale="log", xlabel="villages (1 = 2,600 kilns)", ylabel="processor s per million readings", ylim=(0, None)
    )
    left.set_xticks([one.times for one in by_load], [f"{one.times:g}" for one in by_load])
    left.minorticks_off()
    right.plot(
        [one.days for one in by_store], [one.store_us for one in by_store], "o-", label="store and seal [µs/reading]"
    )
    right.plot([one.days for one in by_store], [one.chart_ms for one in by_store], "s-", label="chart of 12 h [ms]")
    right.set(xscale="log", xlabel="days stored", ylim=(0, None))
    right.set_xticks([one.days for one in by_store], [f"{one.days}" for one in by_store])
    right.minorticks_off()
    right.legend()
    for axes in (left, right):
        axes.grid(visible=True, alpha=0.3)
    with tempfile.NamedTemporaryFile(suffix=".png", dir=path.parent, delete=False) as file:
        figure.savefig(file, format="png")
    Path(file.name).replace(path)
    path.chmod(0o644)


def measure(seconds: float = 60, times: Sequence[float] = TIMES, days: Sequence[int] = STORED_DAYS) -> Section:
    """Return both tables, and draw the plot."""
    by_load, by_store = list(loads(times, seconds=seconds)), list(stored(days))
    plot(by_load, by_store, PLOT)
    load_rows = [
        (
            f"{one.times:g}",
            f"{one.wanted_per_s:,.0f}",
            f"{one.readings_per_s:,.0f}",
            f"{one.analysed_per_s:,.0f}" + ("" if one.is_held else " (all it can)"),
            f"{one.cpu_s_per_million:.1f}",
            f"{one.ack_p99_ms:.0f}",
            f"{one.rss_mb:.0f}",
        )
        for one in by_load
    ]
    header = ("villages", "sent/s", "stored/s", "analysed/s", "processor s per million", "ack p99 [ms]", "memory [MB]")
    store_rows = [
        (one.days, f"{one.readings / 1e6:.1f}", f"{one.disk_mb:.0f}", f"{one.store_us:.2f}", f"{one.chart_ms:.1f}")
        for one in by_store
    ]
    text = (
        f"Villages of {VILLAGE_KILNS:,} kilns with {CHANNELS} channels at 1 Hz, in blocks of {BLOCK_S} s so that a "
        f"driver on the same machine can post that much; {seconds:.0f} s each, up to the first that is not held.\n\n"
        + table(header, load_rows)
        + "\n\nThe interpreter runs on one core at a time, and where a load is not held it has none left. More "
        "villages than that are for several processes (docs/scale.md)."
        + f"\n\nOne kiln, fired every third day: processor time of storing and sealing one more firing "
        f"({FIRING_S // 3600} h of {CHANNELS} channels at 1 Hz, blocks of {STORED_BLOCK_S} s) and of its chart "
        f"at 1,000 pixels; medians of {ROUNDS}.\n\n"
        + table(
            ("days stored", "million readings", "disk [MB]", "store and seal [µs a reading]", "chart [ms]"), store_rows
        )
        + "\n\n![Cost per reading by load and by what is stored](growth.png)"
    )
    return Section("Growth", f"python -m benchmarks.growth --seconds {seconds:.0f}", text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--times", type=float, nargs="*", default=TIMES)
    parser.add_argument("--days", type=int, nargs="*", default=STORED_DAYS)
    said = parser.parse_args()
    print(measure(said.seconds, said.times, said.days).markdown())


if __name__ == "__main__":
    main()
