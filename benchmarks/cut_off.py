"""A village that is cut off at one moment: `python -m benchmarks.cut_off [--workshops 1300]`.

Every kiln fires, nothing more is heard of any, and each workshop has a phone. Timed is from when it can be known to the
commit of the last alarm; the first are committed, and rung, long before.
"""

import argparse
import time
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Final

import numpy as np
from sqlalchemy import func, select

from benchmarks.load import KILNS_PER_WORKSHOP, blocks_of, found, new_database
from benchmarks.section import Section, table
from firmware_bridge.wire import Post
from service.clock import Clock
from service.ingest.known import Known
from service.ingest.store_posts import store_posts
from service.monitor.loop import BRIDGE_SILENT_AFTER, ROUNDS_FOR_ALL, TRANSPORT_ALLOWANCE_S, KilnChange, Monitor
from service.store import firings, identity
from service.store.models import Alarm, Delivery, Kiln

WORKSHOPS: Final = 1300
CHANNELS: Final = 8
RUNS: Final = 5


def cut_off(workshops: int) -> tuple[float, float, int, int]:
    """Return when the first and the last alarm was committed [s], how many there are, and how many pushes wait."""
    told_s: list[float] = []

    def note(change: KilnChange) -> None:
        if change.alarm_ids:
            told_s.append(time.perf_counter())

    with new_database() as (database, _):
        village = found(database, workshops, CHANNELS, push_to="http://127.0.0.1:1")
        heard_at = datetime.now(UTC)
        with database.write() as session:
            bridges = [identity.bridge_of_token(session, token) for token in village.tokens]
            for kiln in session.scalars(select(Kiln)).all():
                firings.start_firing(session, kiln, started_at=heard_at - timedelta(hours=1))
            at_s = np.array([heard_at.timestamp()])
            posts = [
                (bridge, Post(blocks_of(number, 1, at_s, CHANNELS, [False, False])))
                for number, bridge in enumerate(bridges)
                if bridge is not None
            ]
            store_posts(session, posts, Known(), now=heard_at)
        monitor = Monitor(database, Clock(), note, gather_s=0.0)
        for _ in range(ROUNDS_FOR_ALL + 1):  # the firings that were begun above are followed first
            monitor.attend()
            monitor.step(heard_at)
        begun_s = time.perf_counter()
        while len(told_s) < workshops * KILNS_PER_WORKSHOP:
            monitor.step(heard_at + BRIDGE_SILENT_AFTER + timedelta(seconds=TRANSPORT_ALLOWANCE_S + 1))
        with database.read() as session:
            counts = [session.scalar(select(func.count(one.id))) or 0 for one in (Alarm, Delivery)]
    return told_s[0] - begun_s, told_s[-1] - begun_s, counts[0], counts[1]


def measure(workshops: int = WORKSHOPS) -> Section:
    """Return the table."""
    first_s, last_s, alarms, pushes = (
        median(one) for one in zip(*(cut_off(workshops) for _ in range(RUNS)), strict=True)
    )
    row = (f"{alarms:,.0f}", f"{pushes:,.0f}", f"{first_s * 1000:.0f}", f"{last_s:.1f}")
    text = (
        f"{workshops * KILNS_PER_WORKSHOP:,} kilns of {CHANNELS} channels, all firing, fall silent in the same second; "
        f"from when it can be known to the commit of an alarm, medians of {RUNS}. Two kilns of a workshop are one "
        "push.\n\n"
    )
    header = ("alarms", "pushes", "first committed [ms]", "last committed [s]")
    return Section("A village that is cut off", "python -m benchmarks.cut_off", text + table(header, [row]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workshops", type=int, default=WORKSHOPS)
    print(measure(parser.parse_args().workshops).markdown())


if __name__ == "__main__":
    main()
