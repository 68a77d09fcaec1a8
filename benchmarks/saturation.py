"""As fast as it goes: `python -m benchmarks.saturation`.

All bridges of a village come back with a backlog at once. The same posts, as line protocol, go into InfluxDB and into
VictoriaMetrics, in the same run and from the same driver.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Final

import msgspec
import numpy as np

from benchmarks.load import KILNS_PER_WORKSHOP, Bridge, Service, blocks_of, found, new_database, serving
from benchmarks.peers import Peer, influxdb, victoria_metrics
from benchmarks.section import Section, table
from firmware_bridge.wire import Post

WORKSHOPS: Final = 1300
CHANNELS: Final = 8
SECONDS_A_POST: Final = 10
POSTS_EACH: Final = 24
AT_ONCE: Final = 256  # bridges; a peer refuses posts of all at once
FIRST_POSTS: Final = 8  # before the measurement: the firings of a village do not all begin in the same minute
RUNS: Final = 5
READINGS_A_POST: Final = KILNS_PER_WORKSHOP * CHANNELS * SECONDS_A_POST
READINGS: Final = READINGS_A_POST * WORKSHOPS * (POSTS_EACH - FIRST_POSTS)
encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True)
class Rate:
    """How fast it went, how much processor time it took, and which shares of that went into what."""

    readings_per_s: float
    readings_per_cpu_s: float
    shares: Mapping[str, float]


def posts(number: int, since_s: float) -> list[bytes]:
    """Return what a bridge has kept, post by post."""
    return [encode(Post(blocks)) for blocks in _backlog(number, since_s)]


def lines(number: int, since_s: float) -> list[bytes]:
    """Return the same as line protocol: a line for each kiln and second, with its channels as fields."""
    return [
        "\n".join(
            f"temp_c,workshop={number},kiln={block.kiln} "
            + ",".join(f"{column.channel}={column.value[index]}" for column in block.columns)
            + f" {at_ms}"
            for block in blocks
            for index, at_ms in enumerate(block.columns[0].at_ms)
        ).encode()
        for blocks in _backlog(number, since_s)
    ]


def _backlog(number: int, since_s: float) -> list[list]:  # type: ignore[type-arg]
    steps = np.arange(SECONDS_A_POST, dtype=float)
    return [
        blocks_of(
            number, 1 + step * KILNS_PER_WORKSHOP, since_s + step * SECONDS_A_POST + steps, CHANNELS, (False, False)
        )
        for step in range(POSTS_EACH)
    ]


async def _send(port: int, heads: Sequence[bytes], backlog: Sequence[list[bytes]], part: slice) -> None:
    """Send a part of each bridge's posts in order; so many bridges are at it at once."""
    loop = asyncio.get_running_loop()
    waiting = deque(range(len(backlog)))

    async def work() -> None:
        connection = Bridge("")
        await loop.create_connection(lambda: connection, "127.0.0.1", port)
        while waiting:
            number = waiting.popleft()
            connection.head = heads[number]
            for body in backlog[number][part]:
                connection.post(body)
                await connection.answered.wait()
        connection.close()
        if connection.refused:
            msg = f"{connection.refused} posts were refused"
            raise RuntimeError(msg)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(work())


def _timed(
    port: int,
    heads: Sequence[bytes],
    backlog: Sequence[list[bytes]],
    used_s: Callable[[], float],
    is_done: Callable[[], bool] = lambda: True,
    work_s: Callable[[], Mapping[str, float]] = dict,
) -> Rate:
    asyncio.run(_send(port, heads, backlog, slice(FIRST_POSTS)))
    while not is_done():
        time.sleep(0.05)
    begun_s, before_s, work_before_s = time.perf_counter(), used_s(), work_s()
    asyncio.run(_send(port, heads, backlog, slice(FIRST_POSTS, None)))
    while not is_done():
        time.sleep(0.05)
    lasted_s, cpu_s = time.perf_counter() - begun_s, used_s() - before_s
    shares = {work: (ran_s - work_before_s.get(work, 0.0)) / cpu_s for work, ran_s in work_s().items()}
    return Rate(READINGS / lasted_s, READINGS / cpu_s, shares)


def measure_service(backlog: Sequence[list[bytes]], *, is_analysed: bool) -> Rate:
    """Return how fast a service takes everything in, to the end of its analysis if it has any."""
    with new_database() as (database, folder):
        tokens = found(database, WORKSHOPS, CHANNELS).tokens
        database.close()
        heads = [Bridge(token).head for token in tokens]
        with serving(folder, module=None if is_analysed else "benchmarks.ingest_only") as service:
            if not is_analysed:
                return _timed(service.port, heads, backlog, service.cpu_s)
            return _timed(
                service.port, heads, backlog, service.cpu_s, partial(_is_looked_at, service), partial(_work_s, service)
            )


def _is_looked_at(service: Service) -> bool:
    return service.count("canhlo_monitor_blocks_behind") == 0


def _work_s(service: Service) -> Mapping[str, float]:
    return service.counts("canhlo_work_cpu_seconds_total")


def measure_peer(peer: Peer, backlog: Sequence[list[bytes]]) -> Rate:
    head = f"POST {peer.path} HTTP/1.1\r\nhost: village\r\ncontent-type: text/plain\r\ncontent-length: ".encode()
    heads = [head] * len(backlog)
    return _timed(peer.port, heads, backlog, peer.cpu_s)


def measure() -> Section:
    """Return the table."""
    since_s = float(int(time.time()) - POSTS_EACH * SECONDS_A_POST)
    ours = [posts(number, since_s) for number in range(WORKSHOPS)]
    theirs = [lines(number, since_s) for number in range(WORKSHOPS)]
    rates: dict[str, list[Rate]] = {}
    for _ in range(RUNS):
        rates.setdefault("Canh Lò, stored and analysed", []).append(measure_service(ours, is_analysed=True))
        rates.setdefault("Canh Lò, stored", []).append(measure_service(ours, is_analysed=False))
        for start in (influxdb, victoria_metrics):
            with ExitStack() as stack:
                peer = stack.enter_context(start())
                rates.setdefault(peer.name, []).append(measure_peer(peer, theirs))
    stored = median(one.readings_per_s for one in rates["Canh Lò, stored"])
    rows = [
        (
            name,
            f"{median(one.readings_per_s for one in found_rates):,.0f}",
            f"{stored / median(one.readings_per_s for one in found_rates):.2f}",
            f"{median(one.readings_per_cpu_s for one in found_rates):,.0f}",
        )
        for name, found_rates in rates.items()
    ]
    rows.append(("goal, stored and analysed", "200,000", "", ""))
    text = (
        f"{READINGS:,} readings in {READINGS // READINGS_A_POST:,} posts of {READINGS_A_POST}, {AT_ONCE} bridges at "
        f"once, each with one under way; medians of {RUNS} runs; driver and server share two cores. Canh Lò and "
        "InfluxDB answer when it is on the disk, VictoriaMetrics some seconds before.\n\n"
    )
    analysed = rates["Canh Lò, stored and analysed"]
    went_into = ", ".join(
        f"{work} {median(one.shares[work] for one in analysed):.0%}" for work in sorted(analysed[0].shares)
    )
    after = f"\n\nWhere ours goes, of the processor time while all is analysed: {went_into} (`/metrics` tells it)."
    header = ("", "readings/s", "storing alone is ... times as fast", "readings per second of processor")
    return Section("Saturation", "python -m benchmarks.saturation", text + table(header, rows) + after)


if __name__ == "__main__":
    print(measure().markdown())
