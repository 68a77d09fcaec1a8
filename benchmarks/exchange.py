"""What one process tells another by NOTIFY: `python -m benchmarks.exchange --kilns 2600`.

Every kiln's event of each second, as a browser would get it, from one process to one other on the same PostgreSQL.
"""

import argparse
import json
import random
import statistics
import time
from typing import Final

from sqlalchemy import create_engine, text

from service.store.database import Database
from service.store.exchange import Exchange
from service.store.migrate import upgrade
from tests.service.postgres import postgres_server

CHANNELS: Final = 8


class Hearing:
    """Notes how long each word was on its way."""

    def __init__(self) -> None:
        self.took_s: list[float] = []
        self.gaps = 0

    def heard(self, sender: str, word: bytes) -> None:
        self.took_s.append(time.monotonic() - json.loads(word)["said_s"])

    def missed(self) -> None:
        self.gaps += 1


def event(kiln: int, chance: random.Random) -> bytes:
    """Return about what the page gets of a kiln with one new reading of each channel."""
    channels = [
        {"channel_id": 8 * kiln + place, "value_c": round(900 + chance.random(), 2), "rate_c_per_h": chance.random()}
        for place in range(CHANNELS)
    ]
    points = [
        {"channel_id": 8 * kiln + place, "time_s": [time.time()], "value_c": [900.25]} for place in range(CHANNELS)
    ]
    return json.dumps({"said_s": time.monotonic(), "kiln_id": kiln, "now": channels, "points": points}).encode()


def main() -> None:
    """Print how many words came, how long they took, and what that cost in processor time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kilns", type=int, default=2600)
    parser.add_argument("--seconds", type=int, default=10)
    options = parser.parse_args()
    chance, hearing = random.Random(1), Hearing()  # noqa: S311 - figures to be sent
    with postgres_server() as cluster:
        server = create_engine(cluster.format(name="postgres"), isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.execute(text("CREATE DATABASE exchange"))
        server.dispose()
        databases = [Database(cluster.format(name="exchange")) for _ in range(2)]
        upgrade(databases[0])
        exchanges = [Exchange(database, f"process-{n}", hearing) for n, database in enumerate(databases)]
        for one in exchanges:
            one.start()
        time.sleep(1)
        sizes: list[int] = []
        making_s, began_s = 0.0, time.monotonic()
        cpu_s = time.process_time()
        for second in range(options.seconds):
            for tenth in range(10):  # a look every 0.1 s has a tenth of them
                before_s = time.thread_time()
                words = [event(kiln, chance) for kiln in range(tenth, options.kilns, 10)]
                making_s += time.thread_time() - before_s
                sizes += map(len, words)
                for word in words:
                    exchanges[0].say(word)
                time.sleep(max(0.0, began_s + second + (tenth + 1) / 10 - time.monotonic()))
        time.sleep(1)
        cpu_s = time.process_time() - cpu_s - making_s
        for one in exchanges:
            one.stop()
        for database in databases:
            database.close()
    took_ms = sorted(1000 * one for one in hearing.took_s)
    print(f"words said: {options.kilns * options.seconds}, heard: {len(took_ms)}, gaps: {hearing.gaps}")
    print(f"bytes of a word: {statistics.mean(sizes):.0f}")
    print(f"on the way: median {statistics.median(took_ms):.0f} ms, p99 {took_ms[int(0.99 * len(took_ms))]:.0f} ms")
    print(f"processor, both sides together: {100 * cpu_s / options.seconds:.0f} % of a core")


if __name__ == "__main__":
    main()
