"""One thread that writes: posts that come within some milliseconds share one commit, and each waits for it."""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, NamedTuple

from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from firmware_bridge.wire import Post, Receipt
from service.clock import Clock
from service.counters import WRITER_THREAD
from service.errors import BusyError, ServiceError
from service.ingest.known import Known
from service.ingest.line_post import LinePosts
from service.ingest.line_readings import Gathered
from service.ingest.packed import MalformedError, Packed
from service.ingest.store_posts import store_posts
from service.series.blocks import Appended
from service.store.database import Database
from service.store.identity import BridgeIdentity

logger = logging.getLogger(__name__)

GATHER_S: Final = 0.03
ENOUGH_POSTS: Final = 32  # for a commit; whoever has as many to write does not wait for more
MAX_POSTS_PER_COMMIT: Final = 256
MAX_BYTES_PER_COMMIT: Final = 4_000_000  # as they came; one post may have as many
MAX_WAITING: Final = 4096
LONGEST_WAIT_S: Final = 10.0  # in the queue: a bridge that hears nothing for 20 s sends again, which helps nobody
WAIT_FOR_WATCH_S: Final = 1.0  # before a commit, at most: whatever becomes of the watch, what comes is stored


class Stored(NamedTuple):
    """What became of a post: its receipt, and the kilns that it speaks of."""

    receipt: Receipt
    kilns: frozenset[str]


Result = Stored | ServiceError


@dataclass
class _Job:
    """Something to be stored, and whom to tell."""

    bridge: BridgeIdentity
    sent: Packed | Post | Gathered
    done: Callable[[Result], None]
    result: Result | None = None
    came_s: float = field(default_factory=time.monotonic)

    @property
    def size(self) -> int:
        return len(self.sent.body) if isinstance(self.sent, Packed) else 0

    def read(self) -> Post | Gathered:
        """Return what was sent, read here and not where it came in: its many pieces then live and die in one thread."""
        if isinstance(self.sent, Packed):
            self.sent = self.sent.post()
        return self.sent

    def is_readable(self) -> bool:
        try:
            self.read()
        except ServiceError as error:
            self.result = error
            return False
        return True


def _finish(jobs: Sequence[_Job]) -> None:
    for job in jobs:
        try:
            job.done(job.result or BusyError("the posts could not be written; come again"))
        except Exception:
            logger.exception("a receipt could not be given", extra={"bridge": job.bridge.bridge_id})


def _in_turn(jobs: Sequence[_Job]) -> Iterator[list[_Job]]:
    """Go through the jobs in their order: what bridges sent in a row together, lines alone."""
    for is_post, some in groupby(jobs, key=lambda job: isinstance(job.sent, Post)):
        if is_post:
            yield list(some)
        else:
            yield from ([job] for job in some)


class Writer:
    """Stores posts durably, in groups; `on_stored` hears what each commit added.

    While the watch is not `in_step`, a commit waits for it. Storing and watching share one interpreter: under more than
    both can do, alarms would otherwise be the first to suffer. What does not fit is refused, and bridges keep it.
    """

    def __init__(
        self, database: Database, clock: Clock, on_stored: Callable[[Appended], None], in_step: threading.Event
    ) -> None:
        self._database = database
        self._clock = clock
        self._on_stored = on_stored
        self._in_step = in_step
        self._known = Known()
        self._lines = LinePosts()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._is_ending = False
        self._waited_s = 0.0  # the first of those that were taken last
        self._thread = threading.Thread(target=self._run, name=WRITER_THREAD, daemon=True)

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, then end; the watch has ended before, and nothing waits for it."""
        self._is_ending = True
        self._jobs.put(None)
        self._thread.join()

    @property
    def waiting(self) -> int:
        """Return how many posts nobody has begun to write."""
        return self._jobs.qsize()

    def put(self, bridge: BridgeIdentity, sent: Packed | Gathered, done: Callable[[Result], None]) -> None:
        """Let something be stored; `done` hears on the loop when it is on disk, or why it was refused.

        Raises
        ------
        BusyError
            If too much waits already.
        """
        if self.waiting >= MAX_WAITING or (self.waiting >= ENOUGH_POSTS and self._waited_s > LONGEST_WAIT_S):
            msg = f"{self.waiting} posts wait to be written, those before them for {self._waited_s:.0f} s; come again"
            raise BusyError(msg)
        self._jobs.put(_Job(bridge, sent, done))

    async def store(self, bridge: BridgeIdentity, sent: Packed | Gathered) -> Stored:
        """Return when something is on disk; raise why it was refused."""
        future: asyncio.Future[Result] = self._loop.create_future()
        self.put(bridge, sent, lambda result: None if future.done() else future.set_result(result))
        result = await future
        if isinstance(result, ServiceError):
            raise result
        return result

    def _run(self) -> None:
        while True:
            group, last = self._gather()
            if group:
                self._write(group)
            if last:
                return

    def _gather(self) -> tuple[list[_Job], bool]:
        """Return what came within a short time after the first, and whether it is the last."""
        job = self._jobs.get()
        if job is not None:
            if not self._is_ending:
                self._in_step.wait(WAIT_FOR_WATCH_S)
            if self.waiting < ENOUGH_POSTS:
                time.sleep(GATHER_S)  # rather than be woken by each that comes
            self._waited_s = time.monotonic() - job.came_s
        group: list[_Job] = []
        size = 0
        while job is not None:
            group.append(job)
            size += job.size
            if len(group) >= MAX_POSTS_PER_COMMIT or size >= MAX_BYTES_PER_COMMIT:
                return group, False
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return group, False
        return group, True

    def _write(self, group: Sequence[_Job]) -> None:
        try:
            readable = [job for job in group if job.is_readable()]
            self._commit(readable)
        except (IntegrityError, DataError):
            # Another process has stored some of these meanwhile, or one cannot be: look again, post by post.
            for job in readable:
                self._commit_alone(job)
        except Exception:
            logger.exception("commit failed", extra={"posts": len(group)})
        self._loop.call_soon_threadsafe(_finish, group)

    def _commit_alone(self, job: _Job) -> None:
        try:
            self._commit([job])
        except DataError as error:
            logger.warning("a post cannot be stored", extra={"bridge": job.bridge.bridge_id, "reason": str(error.orig)})
            job.result = MalformedError("the database takes no such text or number; sending it again cannot help")
        except Exception:
            logger.exception("commit failed", extra={"posts": 1})

    def _commit(self, jobs: Sequence[_Job]) -> None:
        """Store some jobs and note what became of them, or raise why none of them is stored."""
        try:
            with self._database.write() as session:
                done = [self._store_some(session, some) for some in _in_turn(jobs)]
        except BaseException:
            self._known.forget()
            self._lines.forget()
            raise
        for appended, results in done:
            for job, result in results:
                job.result = result
            if appended.blocks:
                self._on_stored(appended)

    def _store_some(self, session: Session, jobs: Sequence[_Job]) -> tuple[Appended, Sequence[tuple[_Job, Result]]]:
        """Store posts together; lines are held against what is stored by then, so each body has a turn of its own."""
        now = self._clock.now()
        try:
            posts = [(job.bridge, self._lines.post(session, job.bridge, job.read())) for job in jobs]
        except ServiceError as error:
            self._lines.forget()  # some of them may have got numbers
            return Appended(0, [], now), [(job, error) for job in jobs]
        results, appended = store_posts(session, posts, self._known, now=now)
        if any(isinstance(result, ServiceError) for result in results):
            self._lines.forget()
        return appended, [
            (job, _stored(result, post)) for job, (_, post), result in zip(jobs, posts, results, strict=True)
        ]


def _stored(result: Receipt | ServiceError, post: Post) -> Result:
    if isinstance(result, ServiceError):
        return result
    return Stored(result, frozenset(block.kiln for block in post.blocks))
