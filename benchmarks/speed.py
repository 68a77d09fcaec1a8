"""Speed and size of the live watch: a 12 h firing of 8 probes, read once a second, in blocks of 5 s."""

import gc
import json
import tracemalloc
from time import process_time
from typing import Final

import numpy as np

from benchmarks.section import Section, table
from benchmarks.yardstick import addition_ns
from service.core.assess import assess
from service.core.live import LiveFiring, Watch
from service.core.series import Chunk, Samples

START_S: Final = 1_700_000_000.0
HOURS: Final = 12
PROBES: Final = 8
BLOCK_S: Final = 5
NOISE_C: Final = 0.5
STEP_C: Final = 0.25
ROUNDS: Final = range(3)  # other work on the machine only ever adds
WATCH: Final = Watch(target_cone="6")


def firing(hours: float = HOURS) -> dict[str, Samples]:
    """Return readings of a simulated firing: to 1200 °C in 8 h, held half an hour, cooling; probes 3 °C apart."""
    elapsed_s = np.arange(0.0, hours * 3600)
    noise = np.random.default_rng(1).normal(0.0, NOISE_C, (PROBES, len(elapsed_s)))
    channels = {}
    for place in range(PROBES):
        temp_c = np.interp(elapsed_s / 3600, [0, 3, 8, 8.5, 12], np.array([30, 330, 1200, 1200, 600]) + 3 * place)
        channels[f"zone_{place}"] = Samples(START_S + elapsed_s, np.round((temp_c + noise[place]) / STEP_C) * STEP_C)
    return channels


def blocks(channels: dict[str, Samples]) -> list[Chunk]:
    """Return the readings in blocks of 5 s, as they arrive."""
    count = len(channels["zone_0"].time_s)
    return [
        Chunk(
            START_S + start + BLOCK_S,
            {
                name: Samples(one.time_s[start : start + BLOCK_S], one.value[start : start + BLOCK_S])
                for name, one in channels.items()
            },
        )
        for start in range(0, count, BLOCK_S)
    ]


def live_us_per_reading(channels: dict[str, Samples]) -> float:
    """Return the CPU time of the live watch for one reading [µs]."""
    cut = blocks(channels)
    live = LiveFiring(WATCH)
    began_s = process_time()
    for block in cut:
        live.advance(block)
    return (process_time() - began_s) / sum(len(one.time_s) for one in channels.values()) * 1e6


def assess_s(channels: dict[str, Samples]) -> float:
    """Return the CPU time of looking at the whole firing at once [s]."""
    began_s = process_time()
    assess(channels, WATCH)
    return process_time() - began_s


def memory_kb(channels: dict[str, Samples]) -> tuple[float, float]:
    """Return what one running firing holds in memory and as its snapshot, after all of its readings [kB]."""
    cut = blocks(channels)
    warm = LiveFiring(WATCH)  # tables are read once, for all kilns
    for block in cut[::60]:
        warm.advance(block)
    tracemalloc.start()
    live = LiveFiring(WATCH)
    for block in cut:
        live.advance(block)
    gc.collect()  # what the interpreter keeps for reuse is no state
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return held / 1000, len(json.dumps(live.snapshot())) / 1000


def measure() -> Section:
    """Return time and memory of the live watch."""
    channels = firing()
    held_kb, snapshot_kb = memory_kb(channels)
    rows = [
        ("live, blocks of 5 s", f"{min(live_us_per_reading(channels) for _ in ROUNDS):.1f} µs a reading", "5 µs"),
        ("assessed as a whole", f"{min(assess_s(channels) for _ in ROUNDS):.2f} s", "0.5 s"),
        ("memory of one running firing", f"{held_kb:.0f} kB", "100 kB"),
        ("its snapshot as JSON", f"{snapshot_kb:.0f} kB", "100 kB"),
    ]
    intro = (
        f"CPU time, the least of {len(ROUNDS)} runs; {HOURS} h, {PROBES} probes, one reading a second of each; an "
        f"addition in a loop of Python took {addition_ns():.0f} ns here, and machines differ three times. Beside "
        "what others have made: `pytest --benchmark-only tests/benchmarks/test_beside_peers.py`."
    )
    text = f"{intro}\n\n{table(('', 'measured', 'goal'), rows)}"
    return Section("Speed", "python -m benchmarks.validate speed", text)
