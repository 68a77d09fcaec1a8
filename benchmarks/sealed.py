"""How many bytes a sealed reading takes: `python -m benchmarks.sealed [--victoria]`.

Beside it stands the entropy of what the best simple predictor leaves, of values (at the resolution at which they are
sealed) and of times. With `--victoria` what comes back of the sealed readings goes into a real VictoriaMetrics, which
has merged it.
"""

import argparse
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
from service.series.codec import pack, whole
from service.series.columns import IntArray, Key, Readings
from service.series.seal import MOST_IN_A_DAY

VILLAGE_KILNS: Final = 8


@dataclass(frozen=True)
class Sizes:
    """Bytes of one set of readings, in all."""

    readings: int
    sealed: int
    entropy: float
    victoria: int | None

    def row(self, name: str) -> tuple[str, ...]:
        sealed, entropy = self.sealed / self.readings, self.entropy / self.readings
        beside = "-" if self.victoria is None else f"{self.victoria / self.readings:.2f}"
        return (name, f"{self.readings:,}", f"{sealed:.3f}", f"{entropy:.3f}", f"{sealed / entropy:.2f}", beside)


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
    entropy = 0.0
    for channels in kilns.values():
        columns = {name: _readings(samples) for name, samples in channels.items()}
        readings += sum(len(one.at_ms) for one in columns.values())
        sealed += sum(len(pack(row)) for row in _rows(columns))
        entropy += _entropy_bytes(columns)
    return Sizes(readings, sealed, entropy, victoria_bytes(kilns) if victoria else None)


def _readings(samples: Samples) -> Readings:
    """Return readings at the resolution at which they are sealed, so that all three are of the same numbers."""
    at_ms, first = np.unique(np.rint(samples.time_s * 1000).astype(np.int64), return_index=True)
    value = samples.value[first]
    good = np.isfinite(value)
    steps, numbers = whole(value[good], Unit.CELSIUS)
    value[good] = numbers / steps if steps else numbers
    return Readings(at_ms, value, np.zeros(len(at_ms), np.uint8))


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


def _entropy_bytes(columns: Mapping[str, Readings]) -> float:
    """Return the bytes of times, each set of them once, and of values, by the best predictor of each."""
    times = {one.at_ms.tobytes(): one.at_ms for one in columns.values()}
    values = [whole(one.value[np.isfinite(one.value)], Unit.CELSIUS)[1] for one in columns.values()]
    return sum(_residual_bytes(one) for one in (*times.values(), *values))


def _residual_bytes(numbers: IntArray | FloatArray) -> float:
    """Return what the best of four predictors leaves of whole numbers [bytes]."""
    there: IntArray = numbers.astype(np.int64)
    once: IntArray = np.diff(there, prepend=np.int64(0))
    twice: IntArray = np.diff(once, prepend=np.int64(0))
    halfway = once - (np.concatenate([[0], once[:-1]]) // 2)
    return min(_shannon_bytes(one) for one in (there, once, twice, halfway))


def _shannon_bytes(numbers: IntArray) -> float:
    counts = np.unique(numbers, return_counts=True)[1]
    return float(-(counts * np.log2(counts / counts.sum())).sum() / 8)


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

The entropy is that of what the best of four predictors leaves (none, as before, as steep as before, half as steep),
times and values, at the resolution at which they are sealed. The goal is 1.15 for all together, and fewer bytes than
VictoriaMetrics, which is given the same numbers. In a log of some dozens of readings names and lengths weigh more than
they do; where two channels are read in turn, and in a kiln that comes back to where it was, there is more to be found
than these predictors do.
"""


def measure(*, victoria: bool = True) -> Section:
    """Return the table."""
    logs = list(real_logs())
    together = {f"{name}/{part}": channels for name, kilns in logs for part, channels in kilns.items()}
    rows = [measure_sizes(kilns, victoria=False).row(name) for name, kilns in logs if any(map(len, kilns.values()))]
    rows.append(measure_sizes(together, victoria=victoria).row("**all recorded logs**"))
    rows.append(measure_sizes(village(), victoria=victoria).row("**simulated village**"))
    header = ("readings of", "number", "sealed [B each]", "entropy [B each]", "ratio", "VictoriaMetrics [B each]")
    return Section("Bytes of a sealed reading", "python -m benchmarks.sealed --victoria", table(header, rows) + ENTROPY)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--victoria", action="store_true", help="beside a real VictoriaMetrics")
    print(measure(victoria=parser.parse_args().victoria).markdown())


if __name__ == "__main__":
    main()
