"""What people look at: `python -m benchmarks.charts`, asked over HTTP of a service that runs.

A chart of a 12 h firing and one of a year, and the list of all kilns of a village that fires: while it posts, and when
what it posted is taken in.
"""

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Final

import httpx

from benchmarks.history import History
from benchmarks.load import KILNS_PER_WORKSHOP, Phones, Service, Village, found, new_database, serving
from benchmarks.section import Section, table
from benchmarks.village import Load, drive
from service.store import identity, kilns, sessions
from service.store.database import Database
from service.store.models import Membership, Workshop
from service.store.roles import Role

KILNS: Final = 2600
CHANNELS: Final = 8
YEAR_DAYS: Final = 365
TRIES: Final = 25
WIDTH: Final = 1000
LIVE_FOR_S: Final = 60.0
ASKED_AFTER_S: Final = 15.0
QUIET: Final = 0.1  # of a core: the watch has caught up ...
QUIET_FOR_S: Final = 6  # ... and has begun to write analyses down, and done so
QUIET_WITHIN_S: Final = 300.0


def _viewer(database: Database, now: datetime) -> str:
    """Return the session of somebody who sees every workshop."""
    with database.write() as session:
        account = identity.create_account(
            session, name="Hội", login="hoi@example.org", password_hash="-", language="vi", now=now
        )
        workshops = [row for (row,) in session.query(Workshop.id)]
        session.add_all(
            Membership(account_id=account.id, workshop_id=one, role=Role.ASSOCIATION.value) for one in workshops
        )
        session.flush()
        return sessions.open_session(session, account, now=now)


def _with_a_past(database: Database, now: datetime) -> tuple[int, datetime]:
    """Give one kiln a year of firings; return it, and when the last of them began."""
    with database.write() as session:
        owner = identity.create_account(
            session, name="Chủ", login="chu@example.org", password_hash="-", language="vi", now=now
        )
        workshop = identity.create_workshop(session, name="Xưởng cũ", owner=owner, now=now)
        kiln = kilns.create_kiln(session, workshop.id, name="Lò cũ", key="lo-cu")
        for place in range(CHANNELS):
            kilns.add_channel(session, kiln, f"c{place}", "c")
        bridge = identity.bridge_of_logs(session, workshop.id, now=now)
        kiln_id = kiln.id
    since = (now - timedelta(days=YEAR_DAYS + 2)).replace(hour=1, minute=0, second=0, microsecond=0)
    past = History(database, bridge, kiln_id, "lo-cu")
    past.fill(since, YEAR_DAYS)
    return kiln_id, since + timedelta(days=(YEAR_DAYS - 1) // 3 * 3)


def _ms(client: httpx.Client, path: str, **params: str | int) -> tuple[float, int]:
    """Return the median of several tries, and the size of the answer [kB]."""
    took, size = [], 0
    for _ in range(TRIES):
        begun_s = time.perf_counter()
        answer = client.get(path, params=params)
        took.append((time.perf_counter() - begun_s) * 1000)
        answer.raise_for_status()
        size = len(answer.content)
    return median(took), size // 1000


def _asked(service: Service, token: str, kiln_id: int, last_at: datetime) -> list[tuple[str, str, float, int]]:
    """Return what each is, its goal [ms], what it took [ms] and the size of the answer [kB]."""
    with httpx.Client(base_url=f"{service.url}/api/v1", cookies={"canhlo": token}, timeout=60) as client:
        path = f"/kilns/{kiln_id}/curve"
        spans = {
            "chart, 12 h of 8 probes at 1 Hz": (last_at, last_at + timedelta(hours=12), "20"),
            "chart, a year of 8 probes": (last_at - timedelta(days=YEAR_DAYS), last_at + timedelta(hours=12), "200"),
        }
        rows = [
            (name, goal, *_ms(client, path, from_at=from_at.isoformat(), to_at=to_at.isoformat(), width=WIDTH))
            for name, (from_at, to_at, goal) in spans.items()
        ]
        listed = f"list of {KILNS:,} live kilns, without the cones of each probe"
        return [*rows, (listed, "50", *_ms(client, "/kilns", cones="false"))]


def _live(folder: Path, village: Village, token: str, kiln_id: int, last_at: datetime) -> list[tuple[str, ...]]:
    """Let the village post, and ask meanwhile and when all of it is taken in."""
    load = Load(kilns=len(village.tokens) * KILNS_PER_WORKSHOP, channels=CHANNELS, seconds=LIVE_FOR_S)
    with serving(folder) as service:
        posting = threading.Thread(target=lambda: asyncio.run(drive(service, village, load, Phones())))
        posting.start()
        time.sleep(ASKED_AFTER_S)
        busy = _asked(service, token, kiln_id, last_at)
        posting.join()
        _wait_until_quiet(service)
        quiet = _asked(service, token, kiln_id, last_at)
    return [
        (name, f"{ms:.0f}", goal, f"{busy_ms:.0f}", str(size_kb))
        for (name, goal, ms, size_kb), (_, _, busy_ms, _) in zip(quiet, busy, strict=True)
    ]


def _wait_until_quiet(service: Service) -> None:
    until_s = time.monotonic() + QUIET_WITHIN_S
    used_s, quiet_s = service.cpu_s(), 0
    while quiet_s < QUIET_FOR_S:
        if time.monotonic() > until_s:
            raise TimeoutError
        time.sleep(1.0)
        before_s, used_s = used_s, service.cpu_s()
        quiet_s = quiet_s + 1 if used_s - before_s < QUIET else 0


def measure() -> Section:
    """Return the table."""
    now = datetime.now(UTC)
    with new_database() as (database, folder):
        village = found(database, KILNS // KILNS_PER_WORKSHOP, CHANNELS)
        kiln_id, last_at = _with_a_past(database, now)
        token = _viewer(database, now)
        database.close()
        rows = _live(folder, village, token, kiln_id, last_at)
    text = (
        f"From the request to its last byte, median of {TRIES}, charts of {WIDTH:,} pixels with every extreme; the "
        "year is of a kiln that is fired 12 h every third day. While the village posts, the program that posts takes "
        "its share of the two cores.\n\n"
    )
    header = ("", "measured [ms]", "goal [ms]", "while the village posts [ms]", "answer [kB]")
    return Section("What people look at", "python -m benchmarks.charts", text + table(header, rows))


if __name__ == "__main__":
    print(measure().markdown())
