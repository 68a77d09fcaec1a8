"""What one sink gets: blocks as they arrive, then what it is owed of what was sealed without it.

First the lines go, then the mark, and of a debt what is paid of it: a service that dies in between sends the same lines
again, which changes nothing. So does one whose sink has failed: VictoriaMetrics loses its last seconds in a crash.
"""

import asyncio
import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.clock import Clock
from service.counters import SINK_FAILURES, SINK_LAG, SINK_OWED, SINK_READINGS
from service.series import chunks
from service.series.chunks import AS_TAKEN, DAY_AS_TAKEN, DAY_MS
from service.series.columns import Key
from service.series.kept import DamagedBlockError, KeptBlock, read_whole
from service.series.sinks import lines
from service.series.sinks.errors import SinkError
from service.store import sinks
from service.store.database import Database
from service.store.kilns import kilns_by_id
from service.store.models import OwedToSink, Sink, StoredBlock
from service.store.months import month_bounds_ms
from service.store.sinks import Stretch

if TYPE_CHECKING:
    from service.series.sinks.sending import Sender

logger = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0  # between tries of a sink that fails
PAYS_FOR_S: Final = 2.0  # of what is owed, before it looks for what has arrived
MAX_BLOCKS: Final = 4000  # at a time ...
MAX_READINGS: Final = 200_000  # ... and no more than these: a log that was brought in has an hour of them in a block
# VictoriaMetrics answers before what it took is on its disk or can be found: within some seconds it is.
SETTLES_AFTER: Final = timedelta(seconds=30)
_SEALED: Final = (AS_TAKEN, DAY_AS_TAKEN)
_BLOCKS_AT_A_TIME: Final = 100


class _Blocks(NamedTuple):
    """Blocks up to one that went out, and when."""

    at_s: float
    upto_id: int


class _Part(NamedTuple):
    """What went out of a debt, up to a time, and when."""

    at_s: float
    debt: OwedToSink
    upto_ms: int


class Feed:
    """Keeps one sink up to date; of several processes one at a time does."""

    def __init__(self, database: Database, clock: Clock, sender: "Sender") -> None:
        self._database = database
        self._clock = clock
        self._sender = sender
        self._name = sender.name
        self._who = secrets.token_hex(8)
        self._unsettled: deque[_Blocks | _Part] = deque()  # what may not outlive a crash of the sink yet
        self._last_blocks: _Blocks | None = None  # of these
        self._last_parts: dict[tuple[int, str], _Part] = {}  # of these, by kiln and month
        self._sink_began = sender.began()
        self._claimed_until = datetime.fromtimestamp(0, UTC)
        self._busy = threading.Lock()
        self._is_closed = False
        self._kilns: dict[int, str] = {}
        self._series: dict[tuple[int, Key], str] = {}

    async def run(self) -> None:
        """Work until cancelled."""
        pause_s = LOOK_EVERY_S
        try:
            while True:
                went_well = await self._step()
                pause_s = LOOK_EVERY_S if went_well else min(LONGEST_PAUSE_S, 2 * pause_s)
                await asyncio.sleep(pause_s)
        finally:
            await asyncio.to_thread(self.close)

    async def _step(self) -> bool:
        try:
            return await asyncio.to_thread(self.step)
        except Exception:  # the database is away: what is to be sent waits in it
            logger.exception("a sink was not fed", extra={"sink": self._name})
            SINK_FAILURES.labels(self._name).inc()
            return False

    def close(self) -> None:
        """Leave the sink to another process."""
        self._is_closed = True
        with self._busy, self._database.write() as session:
            sinks.release(session, self._name, self._who)
        self._sender.close()

    def step(self) -> bool:
        """Pass on what there is; return whether the sink took it all."""
        with self._busy:
            if not self._claim():
                return True
            failure = None
            try:
                self._pass_on()
            except SinkError as error:
                failure = str(error)
            except Exception as error:
                logger.exception("a sink was not fed", extra={"sink": self._name})
                failure = f"sink {self._name} was not fed: {type(error).__name__}, see the service's log"
            if failure is not None:
                self._begin_again()
            self._note(failure)
        return failure is None

    def sent_upto(self) -> int:
        """Return the last block that went out."""
        if self._last_blocks is not None:
            return self._last_blocks.upto_id
        with self._database.read() as session:
            sink = session.get(Sink, self._name)
            return 0 if sink is None else sink.block_id

    def _claim(self) -> bool:
        """Make sure that for the next while no other process feeds the sink."""
        now = datetime.now(UTC)
        if self._is_closed:
            return False
        if now > self._claimed_until:
            self._begin_again()  # somebody else may have fed it meanwhile, and what it is owed is not what it was
        if now > self._claimed_until - sinks.CLAIM_LASTS / 2:
            with self._database.write() as session:
                sinks.enter(session, self._name)
                if not sinks.claim(session, self._name, self._who, now=now):
                    return False
            self._claimed_until = now + sinks.CLAIM_LASTS
        return True

    def _begin_again(self) -> None:
        """Send once more what the sink may have lost: it may be a crash that made it fail."""
        self._unsettled.clear()
        self._last_blocks = None
        self._last_parts.clear()

    def _settle(self) -> None:
        """Write down what the sink has had for long enough; all of it, if it keeps what it takes at once."""
        due_s = time.monotonic() - (0.0 if self._sender.keeps_at_once else SETTLES_AFTER.total_seconds())
        if not self._unsettled or self._unsettled[0].at_s > due_s:
            return
        if (began := self._sender.began()) != self._sink_began:
            self._sink_began = began
            self._begin_again()
            return
        with self._database.write() as session:
            while self._unsettled and self._unsettled[0].at_s <= due_s:
                match sent := self._unsettled.popleft():
                    case _Blocks():
                        sinks.advance(session, self._name, to_id=sent.upto_id, now=datetime.now(UTC))
                        self._last_blocks = None if self._last_blocks is sent else self._last_blocks
                    case _Part():
                        sinks.pay(session, sent.debt, upto_ms=sent.upto_ms)
                        of = sent.debt.kiln_id, sent.debt.month
                        if self._last_parts[of] is sent:
                            del self._last_parts[of]

    def _pass_on(self) -> None:
        self._settle()
        self._list_what_is_sealed()
        while self._pass_on_blocks() and self._claim():
            pass
        ends_s = time.monotonic() + PAYS_FOR_S
        while time.monotonic() < ends_s and self._claim():
            if (found := self._next_debt()) is None:
                return
            self._pay(*found)

    def _list_what_is_sealed(self) -> None:
        """Owe a new sink everything that was sealed before; what is sealed from now on, whoever seals it owes."""
        with self._database.read() as session:
            if sinks.enter(session, self._name).is_listed:
                return
            found = []
            for month in self._database.months.names(session):
                from_ms, next_ms = month_bounds_ms(month)
                with self._database.months.reading(session, month) as held:
                    found += [Stretch(*of, from_ms, next_ms - 1) for of in chunks.kilns_of(held, month)]
        with self._database.write() as session:
            for stretch in found:
                sinks.owe(session, self._name, stretch)
            sinks.enter(session, self._name).is_listed = True

    def _pass_on_blocks(self) -> bool:
        """Send the next blocks, no more than is good for one time; return whether there are others."""
        found: list[str] = []
        blocks = readings = last_id = 0
        with self._database.read() as session:
            query = (
                select(
                    StoredBlock.id,
                    StoredBlock.workshop_id,
                    StoredBlock.kiln_id,
                    StoredBlock.readings,
                    StoredBlock.payload,
                )
                .where(StoredBlock.id > self.sent_upto())
                .order_by(StoredBlock.id)
                .limit(MAX_BLOCKS)
            )
            with session.execute(query, execution_options={"yield_per": _BLOCKS_AT_A_TIME}) as rows:
                for last_id, workshop_id, kiln_id, its_readings, payload in rows:  # noqa: B007 - the last is asked for
                    found += self._lines_of(workshop_id, kiln_id, its_readings, payload)
                    blocks += 1
                    readings += its_readings
                    if readings >= MAX_READINGS:
                        break
        if not blocks:
            return False
        self._send(found)
        self._last_blocks = _Blocks(time.monotonic(), last_id)
        self._unsettled.append(self._last_blocks)
        self._settle()
        return blocks == MAX_BLOCKS or readings >= MAX_READINGS

    def _lines_of(self, workshop_id: int, kiln_id: int, readings: int, payload: bytes) -> list[str]:
        try:
            block = read_whole(payload, readings)
        except DamagedBlockError:
            self._tell_of_damage(kiln_id)
            return []
        self._learn_kilns({kiln_id})
        return list(self._lines(workshop_id, kiln_id, block))

    def _lines(self, workshop_id: int, kiln_id: int, block: KeptBlock) -> Iterator[str]:
        for column in block.columns:
            key = Key(column.channel, column.unit, lines.ESTIMATED if block.is_estimated else "")
            yield from lines.of_column(self._series_of(workshop_id, kiln_id, key), column)

    def _series_of(self, workshop_id: int, kiln_id: int, key: Key) -> str:
        place = kiln_id, key
        if place not in self._series:
            self._series[place] = lines.series_of(workshop_id, kiln_id, self._kilns[kiln_id], key)
        return self._series[place]

    def _learn_kilns(self, kiln_ids: set[int]) -> None:
        if not kiln_ids <= self._kilns.keys():
            with self._database.read() as session:
                self._kilns |= {kiln.id: kiln.key for kiln in kilns_by_id(session, kiln_ids - self._kilns.keys())}

    def _next_debt(self) -> tuple[OwedToSink, int] | None:
        """Return a debt that has not gone out whole, and from when on it has not."""
        with self._database.read() as session:
            debts = sinks.owed(session, self._name, limit=len(self._last_parts) + 1)
        for debt in debts:
            sent = self._last_parts.get((debt.kiln_id, debt.month))
            next_ms = sent.upto_ms if sent is not None and sent.debt.changes == debt.changes else debt.next_ms
            if next_ms <= debt.to_ms:
                return debt, next_ms
        return None

    def _pay(self, debt: OwedToSink, next_ms: int) -> None:
        """Send the next day of what is owed."""
        self._learn_kilns({debt.kiln_id})
        with self._database.read() as session:
            upto_ms = debt.to_ms + 1
            if debt.month in self._database.months.names(session):  # else it was dropped, and is owed no more
                with self._database.months.reading(session, debt.month) as held:
                    day_ms = chunks.next_day_ms(held, debt.kiln_id, next_ms, debt.to_ms)
                    if day_ms is not None:
                        upto_ms = day_ms + DAY_MS
                        for step_ms in _SEALED:
                            for from_ms in chunks.begins_of(held, debt.kiln_id, step_ms, day_ms, upto_ms - 1):
                                self._send_sealed(held, debt, step_ms, from_ms)
        sent = self._last_parts[debt.kiln_id, debt.month] = _Part(time.monotonic(), debt, upto_ms)
        self._unsettled.append(sent)
        self._settle()

    def _send_sealed(self, held: Session, debt: OwedToSink, step_ms: int, from_ms: int) -> None:
        one = chunks.load(held, debt.kiln_id, step_ms, from_ms)
        if one.is_damaged:
            self._tell_of_damage(debt.kiln_id)
            return
        serieses = {key: self._series_of(debt.workshop_id, debt.kiln_id, key) for key in one.columns}
        self._send(list(lines.of_columns(serieses, one.columns)))

    def _tell_of_damage(self, kiln_id: int) -> None:
        """Say that the sink lacks something, as `canhlo verify` does; what lies behind it is sent all the same."""
        logger.warning("a sink lacks readings", extra={"sink": self._name, "kiln_id": kiln_id})
        SINK_FAILURES.labels(self._name).inc()

    def _send(self, found: list[str]) -> None:
        self._sender.send(found)
        SINK_READINGS.labels(self._name).inc(len(found))

    def _note(self, failure: str | None) -> None:
        """Keep on record how it went, for `/metrics` and `canhlo sinks`."""
        with self._database.read() as session:
            sink = sinks.enter(session, self._name)
            behind = sinks.lag(session, self._name, self.sent_upto())
        SINK_LAG.labels(self._name).set(behind.seconds(self._clock.now()))
        SINK_OWED.labels(self._name).set(behind.owed)
        if failure is not None:
            SINK_FAILURES.labels(self._name).inc()
        if failure != sink.failure:
            self._tell(failure)
            with self._database.write() as session:
                if failure is None:
                    sinks.note_success(session, self._name)
                else:
                    sinks.note_failure(session, self._name, failure, now=datetime.now(UTC))

    def _tell(self, failure: str | None) -> None:
        if failure is None:
            logger.info("a sink takes readings again", extra={"sink": self._name})
        else:
            logger.warning("a sink fails", extra={"sink": self._name, "reason": failure})
