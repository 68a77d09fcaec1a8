"""A whole village on one service: `python -m benchmarks.village [--block-s 5] [--seconds 600]`.

Every workshop posts what its bridge has read since its last post, the way bridges do, evenly spread. Now and then a
thermocouple breaks, and its alarm has to reach a phone; that is timed from the reading that made it certain.
"""

import argparse
import asyncio
import gc
import time
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec
import numpy as np

from benchmarks.load import (
    KILNS_PER_WORKSHOP,
    Bridge,
    Phones,
    Service,
    Village,
    blocks_of,
    closing,
    found,
    new_database,
    serving,
)
from benchmarks.section import Section, table
from firmware_bridge.wire import Post
from service.analysis.again import bins_from_s
from service.core.probe import BIN_S

WARM_UP_S: Final = 100.0
BROKEN_FOR_S: Final = 240.0
BREAKS_PER_S: Final = 0.7
WINDOWS: Final = 5
encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True)
class Load:
    """How many kilns post, with how many channels, seconds in a block, and for how long after warming up."""

    kilns: int = 2600
    channels: int = 8
    block_s: int = 1
    seconds: float = 600
    warm_up_s: float = WARM_UP_S


@dataclass
class Run:
    """What the driver notes while it posts; answers and pushes only after warming up."""

    posts: list[list[float]]  # by workshop: the time of the newest reading in each post
    acks_s: list[float] = field(default_factory=list)
    refused: int = 0
    marks: list["Mark"] = field(default_factory=list)


class Mark(NamedTuple):
    """What the service had done at a moment."""

    at_s: float
    cpu_s: float
    stored: float  # readings
    analysed: float  # readings
    written_mb: float


def _mark(service: Service) -> Mark:
    stored, analysed = map(service.count, ("canhlo_ingest_readings_total", "canhlo_monitor_readings_total"))
    return Mark(time.monotonic(), service.cpu_s(), stored, analysed, service.written_mb())


async def drive(service: Service, village: Village, load: Load, phones: Phones) -> Run:
    """Let every bridge post every `block_s` seconds what it has read since; note how it goes in equal windows."""
    loop = asyncio.get_running_loop()
    bridges = [Bridge(token) for token in village.tokens]
    run = Run([[] for _ in bridges])
    breaks_at = _breaks(len(bridges), load)
    begin, spacing = loop.time() + 0.5, load.block_s / len(bridges)
    offset_s = time.time() - loop.time()
    seqs, upto = (
        [1] * len(bridges),
        [begin + offset_s - load.block_s + number * spacing for number in range(len(bridges))],
    )
    marks_at = [load.warm_up_s + load.seconds * window / WINDOWS for window in range(WINDOWS + 1)]
    async with closing(bridges), phones.listening():
        for step in range(int((load.warm_up_s + load.seconds) / spacing) + 1):
            due = begin + step * spacing
            await asyncio.sleep(max(0.0, due - loop.time()))  # answers are read meanwhile, however late it is
            if due - begin >= marks_at[len(run.marks)]:
                if not run.marks:  # that all firings of a village begin in one minute is no part of it
                    phones.handed_over.clear()
                    for bridge in bridges:
                        bridge.acks_s.clear()
                run.marks.append(await asyncio.to_thread(_mark, service))
                if len(run.marks) == WINDOWS + 1:
                    break
            number = step % len(bridges)
            if not bridges[number].is_connected:  # a connection that says nothing for ten seconds is closed
                await bridges[number].connect(service)
            if not bridges[number].is_waiting:
                _post(run, bridges[number], number, seqs, upto, due + offset_s, village.channels, breaks_at[number])
        await asyncio.sleep(3)
    run.acks_s = [ack for bridge in bridges for ack in bridge.acks_s]
    run.refused = sum(bridge.refused for bridge in bridges)
    return run


def _post(
    run: Run,
    bridge: Bridge,
    number: int,
    seqs: list[int],
    upto: list[float],
    now_s: float,
    channels: int,
    breaks_s: float,
) -> None:
    at_s = upto[number] + np.arange(1, round(now_s - upto[number]) + 1)
    upto[number] += len(at_s)
    since_s = now_s - breaks_s - run.posts[number][0] if run.posts[number] else -1.0
    is_open = 0 <= since_s < BROKEN_FOR_S
    blocks = blocks_of(number, seqs[number], at_s, channels, [is_open, False])
    seqs[number] += KILNS_PER_WORKSHOP
    run.posts[number].append(float(at_s[-1]))
    bridge.post(encode(Post(blocks)))


def _breaks(workshops: int, load: Load) -> list[float]:
    """Return when a thermocouple of each workshop breaks, in seconds from its first post; never for most."""
    rng = np.random.default_rng(11)
    breaks_s = np.full(workshops, np.inf)
    count = min(workshops, round(BREAKS_PER_S * load.seconds))
    breaks_s[rng.permutation(workshops)[:count]] = load.warm_up_s + rng.uniform(0, load.seconds, count)
    return breaks_s.tolist()


def push_delays_s(run: Run, village: Village, phones: Phones) -> list[float]:
    """Return how long after the reading that made it certain each push was handed over.

    What is certain at the end of a bin was made so by the first post with a reading after it.
    """
    delays = []
    for number, at_s in phones.handed_over:
        taken_s = np.array(run.posts[number])
        judged = np.floor((taken_s - bins_from_s(village.workshop_ids[number])) / BIN_S)
        first_after = taken_s[np.flatnonzero(np.diff(judged, prepend=judged[0]) > 0)]
        before = first_after[first_after <= at_s]
        if len(before):
            delays.append(at_s - float(before[-1]))
    return delays


@dataclass(frozen=True)
class Measured:
    """What a run came to: medians of its windows, and percentiles over all of it."""

    readings_per_s: float
    analysed_per_s: float  # over all of it: it goes by half-minutes
    cores: float
    ack_p50_ms: float
    ack_p99_ms: float
    push_p50_s: float
    push_p99_s: float
    pushes: int
    rss_mb: float
    disk_mb: float
    written_mb_per_s: float
    refused: int


def measure_village(load: Load) -> Measured:
    """Start a service on a new village, load it, and return what it cost."""
    gc.disable()  # a driver that stands still would find answers late that were not
    phones = Phones()
    with new_database() as (database, folder):
        village = found(database, load.kilns // KILNS_PER_WORKSHOP, load.channels, push_to=phones.url)
        database.close()
        with serving(folder) as service:
            run = asyncio.run(drive(service, village, load, phones))
            rss_mb = service.rss_mb()
            disk_mb = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    at_s, cpu_s, stored, analysed, written_mb = (np.array(column) for column in zip(*run.marks, strict=True))
    acks_ms = np.array(run.acks_s) * 1000
    delays_s = push_delays_s(run, village, phones) or [np.nan]
    return Measured(
        readings_per_s=float(np.median(np.diff(stored) / np.diff(at_s))),
        analysed_per_s=float((analysed[-1] - analysed[0]) / (at_s[-1] - at_s[0])),
        cores=float(np.median(np.diff(cpu_s) / np.diff(at_s))),
        ack_p50_ms=float(np.percentile(acks_ms, 50)),
        ack_p99_ms=float(np.percentile(acks_ms, 99)),
        push_p50_s=float(np.percentile(delays_s, 50)),
        push_p99_s=float(np.percentile(delays_s, 99)),
        pushes=len(phones.handed_over),
        rss_mb=rss_mb,
        disk_mb=disk_mb,
        written_mb_per_s=float(np.median(np.diff(written_mb) / np.diff(at_s))),
        refused=run.refused,
    )


def measure(seconds: float = 600) -> Section:
    """Return the table of blocks of one second and of five."""
    rows = []
    for block_s in (1, 5):
        one = measure_village(Load(block_s=block_s, seconds=seconds))
        rows += [
            (
                f"{block_s} s",
                f"{one.readings_per_s:,.0f}",
                f"{one.cores / 2:.0%}",
                f"{one.ack_p50_ms:.0f} / {one.ack_p99_ms:.0f}",
                f"{one.push_p50_s:.2f} / {one.push_p99_s:.2f} ({one.pushes})",
                f"{one.rss_mb:.0f}",
                f"{one.written_mb_per_s:.1f}",
                str(one.refused),
            )
        ]
    header = (
        "blocks of",
        "readings/s",
        "of two cores",
        "ack p50 / p99 [ms]",
        "push p50 / p99 [s] (pushes)",
        "memory [MB]",
        "to the disk [MB/s]",
        "posts refused",
    )
    goals = ("goal", "20,800", "30 %", "- / 250", "- / 2", "1,500", "", "0")
    text = (
        f"2,600 kilns of 8 channels at 1 Hz, 1,300 bridges, {seconds:.0f} s after {WARM_UP_S:.0f} s of warming "
        f"up; analysis, alarms and sealing on, answers after the commit. Readings, processor and disk: medians of "
        f"{WINDOWS} windows. Push: from the reading that made the alarm certain to the push service's answer, "
        "thermocouples breaking at random.\n\n"
    )
    return Section(
        "A village", f"python -m benchmarks.village --seconds {seconds:.0f}", text + table(header, [*rows, goals])
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("kilns", 2600), ("channels", 8), ("block-s", 1), ("seconds", 600)):
        parser.add_argument(f"--{name}", type=int, default=default)
    said = parser.parse_args()
    print(measure_village(Load(said.kilns, said.channels, said.block_s, said.seconds)))


if __name__ == "__main__":
    main()
