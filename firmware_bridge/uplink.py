"""Blocks to the service, obeying its answer: forget, keep, split or put aside."""

import asyncio
import gzip
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

import httpx
import msgspec

from firmware_bridge.answers import Answer, Verdict, no_answer, read_answer
from firmware_bridge.backoff import Backoff, wait_for_event
from firmware_bridge.clock import since_start_s
from firmware_bridge.spool import Parcel, Spool, Spooled
from firmware_bridge.wire import MAX_BLOCKS_PER_POST, MAX_POST_BYTES, Health

logger = logging.getLogger(__name__)


ROOM_BYTES: Final = MAX_POST_BYTES // 2
MANY_BLOCKS: Final = 512  # from here on the next post is made ready while one is under way
KEPT_OPEN_S: Final = 25.0  # a connection without a post: for two heartbeats, and less than the service keeps it
HALF_A_SECOND: Final = timedelta(seconds=0.5)  # an HTTP date has whole seconds
ASK_ANEW_AFTER_S: Final = 6 * 3600.0  # a board's quartz is off by a second at most by then


@dataclass(frozen=True)
class Patience:
    """How long the uplink waits, in seconds of the machine."""

    answer_s: float = 20.0
    idle_s: float = 5.0
    first_retry_s: float = 0.5
    longest_retry_s: float = 60.0
    refused_s: float = 60.0
    unpaired_s: float = 5.0
    last_try_s: float = 2.0


class Uplink:
    """The loop between the spool and the service."""

    def __init__(
        self,
        server: str,
        token_file: Path,
        spool: Spool,
        patience: Patience | None = None,
        is_clock_sure: Callable[[], bool] = lambda: True,
    ) -> None:
        self.failures = 0
        self.last_answer: Answer | None = None
        self._server = server
        self._url = f"{server}/api/v1/blocks"
        self._is_clock_sure = is_clock_sure
        self._service_time: tuple[datetime, float] | None = None
        self._service_knows = False
        self._knows_no_time = False
        self._token_file = token_file
        self._spool = spool
        self._patience = patience or Patience()
        self._backoff = Backoff(first_s=self._patience.first_retry_s, longest_s=self._patience.longest_retry_s)
        self._batch = MAX_BLOCKS_PER_POST
        self._news = asyncio.Event()

    def service_now(self) -> datetime | None:
        """Return the service's time if it knows it and has told it; good to about a second."""
        return self.service_guess() if self._service_knows else None

    def service_guess(self) -> datetime | None:
        """Return the service's time, as it last told it, though nobody may have set its clock."""
        if self._service_time is None:
            return None
        told_at, heard_s = self._service_time
        return told_at + timedelta(seconds=since_start_s() - heard_s)

    def _wants_time(self) -> bool:
        if self._service_knows and self._service_time is not None:
            return since_start_s() - self._service_time[1] > ASK_ANEW_AFTER_S
        return not self._is_clock_sure()

    async def _ask_time(self, client: httpx.AsyncClient) -> None:
        """Ask the service what time it is: a board without a battery may have nobody else to ask."""
        asked_s = since_start_s()
        try:
            answer = await client.get(f"{self._server}/healthz")
        except httpx.HTTPError as error:
            self._note(no_answer(error))
            return
        if answer.is_server_error:  # it may know once it is well again
            self._note(read_answer(answer.status_code, answer.content))
            return
        told = _read_health(answer)
        if told is None:
            self._knows_no_time = True
            return
        health, told_at = told
        self._service_knows = health.is_clock_set is not False
        # A guess of the service is taken over before any of ours is sent.
        self._knows_no_time = not self._service_knows and self._service_time is not None
        self._service_time = told_at + HALF_A_SECOND, (asked_s + since_start_s()) / 2

    def wake(self) -> None:
        """Say that there is something new to send."""
        self._news.set()

    async def run(self) -> None:
        """Send whatever waits, until cancelled."""
        async with self._client() as client:
            while True:
                try:
                    wait_s = await self._round(client)
                except Exception:
                    self.failures += 1
                    logger.exception("sending failed")
                    wait_s = self._backoff.next_s()
                await asyncio.sleep(wait_s)

    async def send_last(self) -> None:
        """Send what waits as long as that goes well, for a moment at most."""
        try:
            async with asyncio.timeout(self._patience.last_try_s), self._client() as client:
                while self._spool.counts().waiting_blocks and await self._round(client) == 0:
                    pass
        except TimeoutError:
            logger.info("the service did not answer in time; the rest waits on disk")

    def _client(self) -> httpx.AsyncClient:
        limits = httpx.Limits(keepalive_expiry=KEPT_OPEN_S)
        return httpx.AsyncClient(timeout=self._patience.answer_s, limits=limits)

    async def _round(self, client: httpx.AsyncClient) -> float:
        """Send one parcel and do what the answer asks; return how long to wait before the next."""
        self._news.clear()
        if self._wants_time():
            await self._ask_time(client)
        parcel = await self._take()
        if not parcel.blocks and not parcel.skipped:
            await wait_for_event(self._news, self._patience.idle_s)
            return 0
        token = await asyncio.to_thread(_read_token, self._token_file)
        if token is None:
            self._note(Answer(Verdict.REFUSED, f"no token in {self._token_file}; run canhlo-bridge pair CODE"))
            return self._patience.unpaired_s
        return await self._send_on(client, token, parcel)

    async def _send_on(self, client: httpx.AsyncClient, token: str, parcel: Parcel) -> float:
        """Send a parcel and, while all goes well, those behind it; each is made ready while the service writes one."""
        body = await asyncio.to_thread(_pack, parcel)
        while True:
            answer, ready = await asyncio.gather(self._post(client, token, body), self._make_ready(parcel))
            wait_s = await self._settle(client, token, parcel, answer)
            if ready is None or not _covers_all(answer, parcel):
                return wait_s
            parcel, body = ready

    async def _make_ready(self, parcel: Parcel) -> tuple[Parcel, bytes] | None:
        """Return what follows a parcel that is on its way, if there is much."""
        if len(parcel.blocks) < MANY_BLOCKS:
            return None
        following = await self._take(after=parcel.blocks[-1])
        return (following, await asyncio.to_thread(_pack, following)) if following.blocks else None

    async def _take(self, after: Spooled | None = None) -> Parcel:
        also_unsure = self._knows_no_time and not self._is_clock_sure()
        return await asyncio.to_thread(self._spool.take, self._batch, ROOM_BYTES, also_unsure=also_unsure, after=after)

    async def _settle(self, client: httpx.AsyncClient, token: str, parcel: Parcel, answer: Answer) -> float:
        """Do what the answer asks, or look for the block that the service cannot read; return how long to wait."""
        if answer.verdict is Verdict.MALFORMED and parcel.blocks:
            return await self._send_singly(client, token, parcel)
        return await self._obey(parcel, answer)

    async def _send_singly(self, client: httpx.AsyncClient, token: str, parcel: Parcel) -> float:
        """Find the blocks that the service cannot read and put them aside; the others get through."""
        for block in parcel.blocks:
            answer = await self._post(client, token, _pack(Parcel((block,), ())))
            if answer.verdict is Verdict.MALFORMED:
                fields = {"boot": block.boot, "seq": block.seq, "reason": answer.detail}
                logger.error("block put into quarantine", extra=fields)
                await asyncio.to_thread(self._spool.reject, block.boot, block.seq, answer.detail)
            elif answer.marks is not None:
                await asyncio.to_thread(self._spool.accept, answer.marks)
            else:
                return await self._obey(parcel, answer)
        return 0

    async def _post(self, client: httpx.AsyncClient, token: str, body: bytes) -> Answer:
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/msgpack",
            "Content-Encoding": "gzip",
        }
        try:
            async with asyncio.timeout(self._patience.answer_s):
                response = await client.post(self._url, content=body, headers=headers)
        except (httpx.HTTPError, TimeoutError) as error:
            answer = no_answer(error)
        else:
            answer = read_answer(response.status_code, response.content)
        self._note(answer)
        for kiln in answer.new_kilns:
            fields = {"kiln": kiln}
            logger.warning("kiln was not known to the service until now; it is listed as a new kiln", extra=fields)
        return answer

    async def _obey(self, parcel: Parcel, answer: Answer) -> float:
        """Do what the answer asks; return how long to wait before sending again."""
        if answer.marks is not None:
            await asyncio.to_thread(self._spool.accept, answer.marks)
            if _covers_some(answer.marks, parcel):
                self._backoff.reset()
                self._batch = min(MAX_BLOCKS_PER_POST, self._batch * 2)
                return 0
        elif answer.verdict is Verdict.TOO_LARGE and len(parcel.blocks) > 1:
            self._batch = len(parcel.blocks) // 2
            return 0
        elif answer.verdict is Verdict.REFUSED:
            return self._patience.refused_s
        return self._backoff.next_s()

    def _note(self, answer: Answer) -> None:
        """Log a change of mind of the service, once."""
        known = self.last_answer
        if known is None or (answer.verdict, answer.cause) != (known.verdict, known.cause):
            level = logging.INFO if answer.verdict is Verdict.STORED else logging.WARNING
            fields = {"verdict": answer.verdict.value, "detail": answer.detail, "url": self._url}
            logger.log(level, "the service answers anew", extra=fields)
        self.last_answer = answer


def _read_health(answer: httpx.Response) -> tuple[Health, datetime] | None:
    """Return what our service says and when; None of others: a log-in page has a date too, of nobody knows whom."""
    try:
        health = msgspec.json.decode(answer.content, type=Health)
        told_at = parsedate_to_datetime(answer.headers["date"]).astimezone(UTC)
    except (KeyError, ValueError, msgspec.DecodeError):
        return None
    return (health, told_at) if (answer.status_code, health.status) == (200, "ok") else None


def _read_token(path: Path) -> str | None:
    """Return the token that pairing wrote; read anew each time, so that pairing again needs no restart."""
    try:
        token = path.read_text("ascii").strip()
    except (OSError, ValueError):
        return None
    return token if token.isprintable() and token else None


def _pack(parcel: Parcel) -> bytes:
    """Return the body of a post; the blocks go in as they lie in the spool."""
    post = {"blocks": [msgspec.Raw(block.body) for block in parcel.blocks], "skipped": parcel.skipped}
    return gzip.compress(msgspec.msgpack.encode(post), compresslevel=1)


def _covers_some(marks: Mapping[str, int], parcel: Parcel) -> bool:
    names = [(block.boot, block.seq) for block in parcel.blocks] + [(gap.boot, gap.seq) for gap in parcel.skipped]
    return any(seq <= marks.get(boot, 0) for boot, seq in names)


def _covers_all(answer: Answer, parcel: Parcel) -> bool:
    last = parcel.blocks[-1] if parcel.blocks else None
    return answer.marks is not None and last is not None and last.seq <= answer.marks.get(last.boot, 0)
