"""What the service counts about itself, shown at /metrics: every refusal and every drop has a number."""

import threading
from collections import Counter as Counts
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from prometheus_client import REGISTRY, Counter, Gauge
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

POSTS = Counter("canhlo_ingest_posts", "Posts of bridges, by how they ended", ["result"])
READINGS = Counter("canhlo_ingest_readings", "Readings stored")
LINE_POSTS = Counter("canhlo_ingest_line_posts", "Bodies of line protocol, by how they ended", ["result"])
LINES_REFUSED = Counter("canhlo_ingest_lines_refused", "Lines of line protocol that say no reading")
DUPLICATE_BLOCKS = Counter("canhlo_ingest_duplicate_blocks", "Blocks that were stored before")
SKIPPED_BLOCKS = Counter("canhlo_ingest_skipped_blocks", "Blocks that a bridge has put into quarantine")
SEALED_READINGS = Counter("canhlo_sealed_readings", "Readings that were sealed")
DAMAGED_ROWS = Counter("canhlo_damaged_rows", "Rows of readings that were asked for and are not as written")
SEALING_FAILURES = Counter(
    "canhlo_sealing_failures", "Kilns whose readings could not be sealed and will be tried again"
)
BLOCKS_BEHIND = Gauge("canhlo_monitor_blocks_behind", "Blocks that this process has stored and not looked at yet")
ANALYSED = Counter("canhlo_monitor_readings", "Readings that the analysis has taken in")
MONITOR_FAILURES = Counter("canhlo_monitor_failures", "Kilns whose analysis failed and will be tried again")
KILNS_WATCHED = Gauge("canhlo_monitor_kilns_watched", "Kilns whose analysis this process holds in memory")
LEASES_HELD = Gauge("canhlo_leases_held", "Of 120 slots of workshops, those whose kilns this process watches")
EXCHANGE_FAILURES = Counter("canhlo_exchange_failures", "Times that other processes could not be told or heard")
LEASE_FAILURES = Counter("canhlo_lease_failures", "Times that the leases could not be renewed")
DELIVERIES = Counter("canhlo_deliveries", "Alerts handed over, by how they ended", ["result"])
LIVE_VIEWERS = Gauge("canhlo_live_viewers", "Browsers that follow the live stream")
SINK_READINGS = Counter("canhlo_sink_readings", "Readings passed on to a sink, repeats among them", ["sink"])
SINK_FAILURES = Counter("canhlo_sink_failures", "Times that a sink took nothing and will be asked again", ["sink"])
SINK_BEYOND_RETENTION = Counter(
    "canhlo_sink_beyond_retention", "Posts of which a sink keeps less by its own retention", ["sink"]
)
SINK_LAG = Gauge("canhlo_sink_lag_seconds", "For how long the oldest block that a sink lacks has waited", ["sink"])
SINK_OWED = Gauge("canhlo_sink_owed_kiln_months", "Kiln-months of which a sink is owed sealed readings", ["sink"])
SINK_READS = Counter(
    "canhlo_sink_reads", "Questions to a sink, by who answered: it, or our own store for it", ["sink", "result"]
)
REFUSALS = Counter("canhlo_api_refusals", "Requests that were refused to whoever asked, by why", ["code"])
CONNECTIONS_CUT = Counter("canhlo_http_connections_cut", "Connections of no use that were ended, by why", ["why"])

WRITER_THREAD: Final = "ingest-writer"
WATCH_THREAD: Final = "watch"
_WORK: Final = {"MainThread": "answering", WRITER_THREAD: "writing", f"{WATCH_THREAD}_0": "watching"}


class _Work(Collector):
    """Tells what processor time goes into: who answers, who writes readings, who watches kilns; on Linux."""

    def collect(self) -> Iterator[CounterMetricFamily]:
        said = "Processor time of what takes the most; `process_cpu_seconds_total` has all of it"
        used = CounterMetricFamily("canhlo_work_cpu_seconds", said, labels=["work"])
        ran_ns: Counts[str] = Counts()
        for thread in threading.enumerate():
            if thread.name in _WORK:
                with suppress(OSError):
                    ran = Path(f"/proc/self/task/{thread.native_id}/schedstat").read_text()
                    ran_ns[_WORK[thread.name]] += int(ran.split()[0])
        for work, ns in ran_ns.items():
            used.add_metric([work], ns / 1e9)
        yield used


REGISTRY.register(_Work())
