"""How many bytes a sealed reading takes: `python -m benchmarks.sealed [--victoria]`.

Beside it stands the entropy of what the best simple predictor leaves, of values and of times. It is counted as if
whoever reads knew beforehand which numbers occur; with a few thousand readings of fifteen digits that is most of what
there is to say, so it stands there once more with those numbers told. With `--victoria` the same readings go into a
real VictoriaMetrics, which has merged them.
"""

import argparse
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import lgamma, log
from pathlib import Path
from typing import Final

import httpx
import numpy as np

from benchmarks import speed
from benchmarks.logs import DEMO, FOLDER
from benchmarks.peers import victoria_metrics
from benchmarks.section import Section, table
from firmware_bridge.wire import Unit
from service.core.series import FloatArray, Samples
from service.importers.log import LogError
from service.importers.read import read_log
from service.series.chunks import DAY_MS, HOUR_MS
from service.series.codec import _whole, pack
from service.series.columns import IntArray, Key, Readings
from service.series.seal import MOST_IN_A_DAY

VILLAGE_KILNS: Final = 8
FAR_MORE: Final = 1e12


@dataclass(frozen=True)
class Sizes:
    """Bytes of one set of readings, in all."""

    readings: int
    sealed: int
    entropy: float
    entropy_told: float
    victoria: int | None

    def row(self, name: str) -> tuple[str, ...]:
        sealed, entropy, told = (one / self.readings for one in (self.sealed, self.entropy, self.entropy_told))
        beside = "-" if self.victoria is None else f"{self.victoria / self.readings:.2f}"
        ratios = f"{sealed / entropy:.2f}", f"{told:.3f}", f"{sealed / told:.2f}"
        return (name, f"{self.readings:,}", f"{sealed:.3f}", f"{entropy:.3f}", *ratios, beside)


Kilns = Mapping[str, Mapping[str, Samples]]


def real_logs() -> Iterator[tuple[str, Kilns]]:
    """Go through the recorded logs: their recordings, by name."""
    folder = Path(os.environ.get(FOLDER, DEMO))
    for path in sorted(folder.iterdir()):
        try:
            log = read_log(path)
        except (LogError, OSError):
            continue
        yield path.name, {part.name or "all": part.temperatures for part in log.recordings}


def village() -> Kilns:
    """Return simulated kilns of eight probes for twelve hours, in steps of a quarter degree, read with a jitter."""
    kilns = {}
    for number in range(VILLAGE_KILNS):
        jitter_s = np.random.default_rng(number).integers(-3, 4, 12 * 3600) / 1000
        kilns[f"lo-{number}"] = {
            name: Samples(one.time_s + jitter_s, one.value) for name, one in speed.firing().items()
        }
    return kilns


def measure_sizes(kilns: Kilns, *, victoria: bool) -> Sizes:
    """Return what a set of readings comes to."""
    readings = sealed = 0
    entropy = entropy_told = 0.0
    for channels in kilns.values():
        columns = {name: _readings(samples) for name, samples in channels.items()}
        readings += sum(len(one.at_ms) for one in columns.values())
        sealed += sum(len(pack(row)) for row in _rows(columns))
        entropy += _entropy_bytes(columns, _shannon_bytes)
        entropy_told += _entropy_bytes(columns, _told_bytes)
    return Sizes(readings, sealed, entropy, entropy_told, victoria_bytes(kilns) if victoria else None)


def _readings(samples: Samples) -> Readings:
    at_ms, first = np.unique(np.rint(samples.time_s * 1000).astype(np.int64), return_index=True)
    return Readings(at_ms, samples.value[first], np.zeros(len(at_ms), np.uint8))


def _rows(columns: Mapping[str, Readings]) -> Iterator[dict[Key, Readings]]:
    """Go through what becomes a row each: a day of few readings, else its hours."""
    for day in _cut(columns, DAY_MS):
        if sum(len(one.at_ms) for one in day.values()) <= MOST_IN_A_DAY:
            yield {Key(name, Unit.CELSIUS): one for name, one in day.items()}
        else:
            yield from ({Key(name, Unit.CELSIUS): one for name, one in hour.items()} for hour in _cut(day, HOUR_MS))


def _cut(columns: Mapping[str, Readings], span_ms: int) -> Iterator[dict[str, Readings]]:
    for span in np.unique(np.concatenate([one.at_ms // span_ms for one in columns.values()])).tolist():
        found = {name: one.where(one.at_ms // span_ms == span) for name, one in columns.items()}
        yield {name: one for name, one in found.items() if len(one.at_ms)}


def _entropy_bytes(columns: Mapping[str, Readings], count: Callable[[IntArray], float]) -> float:
    """Return the bytes of times, each set of them once, and of values, by the best predictor of each."""
    times = {one.at_ms.tobytes(): one.at_ms for one in columns.values()}
    whole = [_whole(one.value[np.isfinite(one.value)])[1] for one in columns.values()]
    return sum(_residual_bytes(one, count) for one in (*times.values(), *whole))


def _residual_bytes(numbers: IntArray | FloatArray, count: Callable[[IntArray], float]) -> float:
    """Return what the best of four predictors leaves of numbers [bytes]."""
    if numbers.dtype.kind == "f":
        bits: IntArray = numbers.view(np.int64)
        return count(np.diff(bits, prepend=np.int64(0)).astype(np.int64))
    whole: IntArray = numbers.astype(np.int64)
    once: IntArray = np.diff(whole, prepend=np.int64(0))
    twice: IntArray = np.diff(once, prepend=np.int64(0))
    halfway = once - (np.concatenate([[0], once[:-1]]) // 2)
    return min(count(one) for one in (whole, once, twice, halfway))


def _shannon_bytes(numbers: IntArray) -> float:
    counts = np.unique(numbers, return_counts=True)[1]
    return float(-(counts * np.log2(counts / counts.sum())).sum() / 8)


def _told_bytes(numbers: IntArray) -> float:
    """Return the entropy, and what it takes to tell which of all numbers between the lowest and the highest occur."""
    if not len(numbers):
        return 0.0
    distinct, among = len(np.unique(numbers)), float(numbers.max()) - float(numbers.min()) + 1
    # ln of the binomial coefficient; of so many that lgamma loses its digits, they are far more than those that occur.
    choices = distinct * (log(among / distinct) + 1) if among > FAR_MORE else _ln_choices(among, distinct)
    return _shannon_bytes(numbers) + choices / log(2) / 8


def _ln_choices(among: float, distinct: int) -> float:
    return lgamma(among + 1) - lgamma(distinct + 1) - lgamma(among - distinct + 1)


# --- VictoriaMetrics -------------------------------------------------------------------------------------------------


def victoria_bytes(kilns: Kilns) -> int:
    """Return what VictoriaMetrics keeps of the same readings on its disk, after its merge and without its index."""
    with victoria_metrics() as peer:
        url = f"http://127.0.0.1:{peer.port}"
        for kiln, channels in kilns.items():
            for name, samples in channels.items():
                one = _readings(samples)
                good = np.isfinite(one.value)
                metric = {"__name__": "temp_c", "kiln": kiln, "channel": name}
                line = {"metric": metric, "values": one.value[good].tolist(), "timestamps": one.at_ms[good].tolist()}
                httpx.post(f"{url}/api/v1/import", json=line, timeout=60).raise_for_status()
        httpx.get(f"{url}/internal/force_flush").raise_for_status()
        httpx.get(f"{url}/internal/force_merge", timeout=60).raise_for_status()
        time.sleep(5)
        told = httpx.get(f"{url}/metrics").text
        kept = re.findall(r'^vm_data_size_bytes\{type="storage/\w+"\} (\d+)', told, re.MULTILINE)
        return sum(int(size) for size in kept)


ENTROPY: Final = """

The entropy (first ratio) is that of a reader who knows beforehand which numbers occur; no packer can say less, and none
can be that small: in a log of 1,500 readings of fifteen digits nearly every number occurs once, and an entropy counted
on them cannot exceed log2 of 1,500. With the numbers that occur told as well (second ratio; log2 of the ways to choose
so many between the lowest and the highest) it can be read. The goal is 1.15, and fewer bytes than VictoriaMetrics. In a
log of 58 readings names and lengths weigh more than they do.
"""


def measure(*, victoria: bool = True) -> Section:
    """Return the table."""
    logs = list(real_logs())
    together = {f"{name}/{part}": channels for name, kilns in logs for part, channels in kilns.items()}
    rows = [measure_sizes(kilns, victoria=False).row(name) for name, kilns in logs if any(map(len, kilns.values()))]
    rows.append(measure_sizes(together, victoria=victoria).row("**all recorded logs**"))
    rows.append(measure_sizes(village(), victoria=victoria).row("**simulated village**"))
    header = (
        "readings of",
        "number",
        "sealed [B each]",
        "entropy [B each]",
        "ratio",
        "numbers told [B each]",
        "ratio",
        "VictoriaMetrics [B each]",
    )
    return Section("Bytes of a sealed reading", "python -m benchmarks.sealed --victoria", table(header, rows) + ENTROPY)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--victoria", action="store_true", help="beside a real VictoriaMetrics")
    print(measure(victoria=parser.parse_args().victoria).markdown())


if __name__ == "__main__":
    main()
