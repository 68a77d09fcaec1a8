"""One thread that writes: posts that come within some milliseconds share one commit, and each waits for it."""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from firmware_bridge.wire import Post, Receipt
from service.clock import Clock
from service.errors import ServiceError
from service.ingest.known import Known
from service.ingest.line_post import LinePosts
from service.ingest.line_readings import Gathered
from service.ingest.store_posts import store_posts
from service.series.blocks import Appended
from service.store.database import Database
from service.store.identity import BridgeIdentity

logger = logging.getLogger(__name__)

GATHER_S: Final = 0.03
MAX_POSTS_PER_COMMIT: Final = 256
MAX_WAITING: Final = 4096


class BusyError(ServiceError):
    """The writer cannot take more now; the bridge keeps its blocks and comes again."""

    code = "busy"


@dataclass
class _Job:
    bridge: BridgeIdentity
    sent: Post | Gathered
    done: asyncio.Future[Receipt]


def _finish(results: Sequence[tuple[_Job, Receipt | ServiceError]]) -> None:
    for job, result in results:
        if job.done.done():
            continue
        if isinstance(result, ServiceError):
            job.done.set_exception(result)
        else:
            job.done.set_result(result)


def _in_turn(group: Sequence[_Job]) -> Iterator[list[_Job]]:
    """Go through the jobs in their order: what bridges sent in a row together, lines alone."""
    for is_post, jobs in groupby(group, key=lambda job: isinstance(job.sent, Post)):
        if is_post:
            yield list(jobs)
        else:
            yield from ([job] for job in jobs)


class Writer:
    """Stores posts durably, in groups; `on_stored` hears what each commit added."""

    def __init__(self, database: Database, clock: Clock, on_stored: Callable[[Appended], None]) -> None:
        self._database = database
        self._clock = clock
        self._on_stored = on_stored
        self._known = Known()
        self._lines = LinePosts()
        self._jobs: queue.Queue[_Job | None] = queue.Queue(MAX_WAITING)
        self._thread = threading.Thread(target=self._run, name="ingest-writer", daemon=True)

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, then end."""
        self._jobs.put(None)
        self._thread.join()

    async def store(self, bridge: BridgeIdentity, post: Post) -> Receipt:
        """Return when the post is on disk."""
        return await self._store(bridge, post)

    async def store_lines(self, bridge: BridgeIdentity, gathered: Gathered) -> Receipt:
        """Return when what is new of some lines is on disk."""
        return await self._store(bridge, gathered)

    async def _store(self, bridge: BridgeIdentity, sent: Post | Gathered) -> Receipt:
        job = _Job(bridge, sent, self._loop.create_future())
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            msg = f"{MAX_WAITING} posts are waiting to be written; come again"
            raise BusyError(msg) from None
        return await job.done

    def _run(self) -> None:
        while True:
            group, last = self._gather()
            if group:
                self._write(group)
            if last:
                return

    def _gather(self) -> tuple[list[_Job], bool]:
        first = self._jobs.get()
        if first is None:
            return [], True
        group = [first]
        deadline = time.monotonic() + GATHER_S
        while len(group) < MAX_POSTS_PER_COMMIT:
            try:
                job = self._jobs.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if job is None:
                return group, True
            group.append(job)
        return group, False

    def _write(self, group: list[_Job]) -> None:
        try:
            results = self._commit(group)
        except IntegrityError:
            # Another process has stored some of these meanwhile: look again, post by post.
            results = [self._commit_alone(job) for job in group]
        except Exception:
            logger.exception("commit failed", extra={"posts": len(group)})
            results = [BusyError("the posts could not be written; come again")] * len(group)
        self._loop.call_soon_threadsafe(_finish, list(zip(group, results, strict=True)))

    def _commit(self, group: list[_Job]) -> list[Receipt | ServiceError]:
        try:
            with self._database.write() as session:
                done = [self._store_some(session, some) for some in _in_turn(group)]
        except BaseException:
            self._known.forget()
            self._lines.forget()
            raise
        for _, appended in done:
            if appended.blocks:
                self._on_stored(appended)
        return [result for results, _ in done for result in results]

    def _store_some(self, session: Session, jobs: list[_Job]) -> tuple[list[Receipt | ServiceError], Appended]:
        """Store posts together; lines are held against what is stored by then, so each body has a turn of its own."""
        now = self._clock.now()
        try:
            posts = [(job.bridge, self._lines.post(session, job.bridge, job.sent)) for job in jobs]
        except ServiceError as error:
            return [error], Appended(0, [], now)
        results, appended = store_posts(session, posts, self._known, now=now)
        if any(isinstance(result, ServiceError) for result in results):
            self._lines.forget()
        return results, appended

    def _commit_alone(self, job: _Job) -> Receipt | ServiceError:
        try:
            return self._commit([job])[0]
        except Exception:
            logger.exception("commit failed", extra={"posts": 1})
            return BusyError("the post could not be written; come again")
