"""Browsers that look on while a village posts: `python -m benchmarks.viewers [--seconds 30] [--turns 5]`.

Every viewer is a person of one workshop, signed in, with the live stream open. They come and go several times in one
run, and the processor time of the service is taken without them and with them by turns: it drifts by more than they
take. How late an event is counts from the newest reading in it.
"""

import argparse
import asyncio
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import median
from typing import Final, cast

import numpy as np
from sqlalchemy import select

from benchmarks.load import KILNS_PER_WORKSHOP, Phones, Service, found, new_database, serving
from benchmarks.section import Section, table
from benchmarks.village import WARM_UP_S, Load, drive
from service.store import identity, sessions
from service.store.database import Database
from service.store.models import Membership, Workshop
from service.store.roles import Role

TURNS: Final = 5
SETTLE_S: Final = 5.0  # after the last of them has come, and after they have gone
JOINING_S: Final = 15.0
OPENED_WITHIN_S: Final = 60.0
LAST_AT: Final = re.compile(rb'"last_at":"([^"]+)"')
NEWEST: Final = re.compile(rb'"time_s":\[(?:[^\]]*,)?([0-9.]+)\]')


@dataclass(frozen=True)
class Looking:
    """How many look on, how often they come, and how long the service is measured without them and with them."""

    load: Load
    viewers: int
    each_s: float
    turns: int

    @classmethod
    def at(cls, kilns: int, viewers: int, each_s: float, turns: int, *, warm_up_s: float = WARM_UP_S) -> "Looking":
        """Return a run in which the village posts for as long as people look on."""
        lasts_s = turns * (2 * each_s + JOINING_S + 2 * SETTLE_S) + OPENED_WITHIN_S
        return cls(Load(kilns=kilns, seconds=lasts_s, warm_up_s=warm_up_s), viewers, each_s, turns)


@dataclass
class Seen:
    """What all viewers have seen while they were counted."""

    is_counted: bool = False
    events: dict[str, int] = field(default_factory=lambda: {"kiln": 0, "points": 0})
    late_s: dict[str, list[float]] = field(default_factory=lambda: {"kiln": [], "points": []})
    bytes: int = 0
    lost: int = 0  # streams that ended though nobody closed them


class Viewer(asyncio.Protocol):
    """One browser with the stream open; it notes how late each event of readings is."""

    def __init__(self, cookie: str, seen: Seen) -> None:
        self._request = (
            "GET /api/v1/live HTTP/1.1\r\nhost: village\r\naccept: text/event-stream\r\n"
            f"cookie: canhlo={cookie}\r\n\r\n"
        ).encode()
        self._seen = seen
        self._heard = b""
        self.is_leaving = False
        self.opened: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._request)

    def connection_lost(self, _error: Exception | None) -> None:
        self._seen.lost += not self.is_leaving

    def data_received(self, data: bytes) -> None:
        if not self.opened.done():
            self.opened.set_result(data.partition(b"\r\n")[0])
        self._heard += data
        *events, self._heard = self._heard.split(b"\n\n")
        if self._seen.is_counted:
            self._seen.bytes += len(data)
            for event in events:
                self._note(event, time.time())

    def _note(self, event: bytes, now_s: float) -> None:
        for kind, sought in (("kiln", LAST_AT), ("points", NEWEST)):
            if b"event: " + kind.encode() + b"\n" in event:
                self._seen.events[kind] += 1
                if newest := sought.search(event):
                    self._seen.late_s[kind].append(now_s - _seconds(newest[1].decode()))


def _seconds(said: str) -> float:
    return datetime.fromisoformat(said).timestamp() if "T" in said else float(said)


def sign_in(database: Database, viewers: int) -> list[str]:
    """Return the cookies of so many people: an owner of each workshop, then again from the first."""
    now = datetime.now(UTC)
    cookies = []
    with database.write() as session:
        workshops = session.scalars(select(Workshop.id).order_by(Workshop.id)).all()
        for number in range(viewers):
            account = identity.create_account(
                session,
                name="Người xem",
                login=f"xem{number}@example.org",
                password_hash="-",
                language="vi",
                now=now,
            )
            workshop_id = workshops[number % len(workshops)]
            session.add(Membership(account_id=account.id, workshop_id=workshop_id, role=Role.OWNER.value))
            cookies.append(sessions.open_session(session, account, now=now))
    return cookies


async def look_on(service: Service, cookies: list[str], seen: Seen, *, within_s: float) -> list[Viewer]:
    """Open a stream for each cookie, evenly over some time; return when all are open."""
    loop = asyncio.get_running_loop()
    viewers = []
    for cookie in cookies:
        viewer = Viewer(cookie, seen)
        await loop.create_connection(lambda viewer=viewer: viewer, "127.0.0.1", service.port)  # type: ignore[misc]
        viewers.append(viewer)
        await asyncio.sleep(within_s / len(cookies))
    async with asyncio.timeout(OPENED_WITHIN_S):
        for viewer in viewers:
            status = await viewer.opened
            if b" 200 " not in status:
                msg = f"a viewer wanted its stream, and was answered {status.decode()}"
                raise ValueError(msg)
    return viewers


@dataclass(frozen=True)
class Measured:
    """Cores that the service takes without viewers and with them, turn by turn, and what these saw."""

    cores_before: list[float]
    cores_with: list[float]
    seen: Seen
    looked_s: float

    @property
    def cores(self) -> list[float]:
        """Return what the viewers take, turn by turn."""
        return [with_them - before for before, with_them in zip(self.cores_before, self.cores_with, strict=True)]


async def _run(service: Service, cookies: list[str], looking: Looking) -> Measured:
    seen, before, during = Seen(), [], []
    await asyncio.sleep(looking.load.warm_up_s)
    for _ in range(looking.turns):
        before.append(await _cores(service, looking.each_s))
        viewers = await look_on(service, cookies, seen, within_s=min(JOINING_S, looking.each_s))
        await asyncio.sleep(min(SETTLE_S, looking.each_s))
        seen.is_counted = True
        during.append(await _cores(service, looking.each_s))
        seen.is_counted = False
        for viewer in viewers:
            viewer.is_leaving = True
            viewer.transport.abort()
        await asyncio.sleep(min(SETTLE_S, looking.each_s))
    return Measured(before, during, seen, looking.turns * looking.each_s)


async def _cores(service: Service, seconds: float) -> float:
    """Return how many cores a service takes over some time."""
    began_s, used_s = time.monotonic(), service.cpu_s()
    await asyncio.sleep(seconds)
    return (service.cpu_s() - used_s) / (time.monotonic() - began_s)


def measure_viewers(looking: Looking) -> Measured:
    """Start a service on a new village, load it, let people look on, and return what that cost."""
    load = looking.load
    with new_database() as (database, folder):
        village = found(database, load.kilns // KILNS_PER_WORKSHOP, load.channels)
        cookies = sign_in(database, looking.viewers)
        database.close()

        async def both(service: Service) -> Measured:
            driven = asyncio.create_task(drive(service, village, load, Phones()))
            try:
                return await _run(service, cookies, looking)
            finally:
                driven.cancel()
                await asyncio.gather(driven, return_exceptions=True)

        with serving(folder) as service:
            return asyncio.run(both(service))


def measure(each_s: float = 30, viewers: int = 1300, turns: int = TURNS) -> Section:
    """Return the table of what viewers cost and how late they see."""
    one = measure_viewers(Looking.at(2600, viewers, each_s, turns))
    low, high = min(one.cores), max(one.cores)
    rows = [
        (f"processor with {viewers:,} viewers", f"{median(one.cores_with):.0%} of a core", ""),
        ("without, in the same run", f"{median(one.cores_before):.0%} of a core", ""),
        (
            "the viewers' part (lowest to highest)",
            f"{median(one.cores):.1%} of a core ({low:.1%} to {high:.1%})",
            "15 %",
        ),
        ("streams lost", str(one.seen.lost), "0"),
        ("sent", f"{one.seen.bytes / one.looked_s / 1e6:.2f} MB/s", ""),
    ]
    for kind, late_s in one.seen.late_s.items():
        p50, p99 = np.percentile(late_s, [50, 99]) if late_s else (np.nan, np.nan)
        rows.append(
            (
                f"`{kind}`: {one.seen.events[kind] / one.looked_s:,.0f}/s, late p50 / p99 / most",
                f"{p50:.2f} / {p99:.2f} / {max(late_s, default=np.nan):.2f} s",
                "- / - / 2 s",
            )
        )
    text = (
        f"2,600 kilns of 8 channels at 1 Hz in blocks of 1 s, analysis, alarms and sealing on; after {WARM_UP_S:.0f} s "
        f"of warming up {turns} times {each_s:.0f} s without viewers and {each_s:.0f} s with one for every workshop; "
        "medians of these. Late: from the newest reading in an event to its receipt; a bridge's second of gathering "
        "is in it.\n\n"
    )
    return Section(
        "People who look on",
        f"python -m benchmarks.viewers --viewers {viewers} --seconds {each_s:.0f} --turns {turns}",
        text + table(("", "measured", "goal"), rows),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=1300)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--turns", type=int, default=TURNS)
    said = parser.parse_args()
    print(measure(said.seconds, said.viewers, said.turns).markdown())


if __name__ == "__main__":
    main()
