"""One thread that writes: posts that come within some milliseconds share one commit, and each waits for it."""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from firmware_bridge.wire import Post, Receipt
from service.clock import Clock
from service.errors import ServiceError
from service.ingest.store_post import store_post
from service.store.database import Database
from service.store.identity import BridgeIdentity

logger = logging.getLogger(__name__)

GATHER_S: Final = 0.01
MAX_POSTS_PER_COMMIT: Final = 256
MAX_WAITING: Final = 4096


class BusyError(ServiceError):
    """The writer cannot take more now; the bridge keeps its blocks and comes again."""

    code = "busy"


@dataclass
class _Job:
    bridge: BridgeIdentity
    post: Post
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[Receipt] = field(init=False)

    def __post_init__(self) -> None:
        self.done = self.loop.create_future()

    def finish(self, result: Receipt | ServiceError) -> None:
        def settle() -> None:
            if self.done.done():
                return
            if isinstance(result, ServiceError):
                self.done.set_exception(result)
            else:
                self.done.set_result(result)

        self.loop.call_soon_threadsafe(settle)


class Writer:
    """Stores posts durably, in groups; `on_stored` hears which kilns have news, after the commit."""

    def __init__(self, database: Database, clock: Clock, on_stored: Callable[[set[int]], None]) -> None:
        self._database = database
        self._clock = clock
        self._on_stored = on_stored
        self._jobs: queue.Queue[_Job | None] = queue.Queue(MAX_WAITING)
        self._thread = threading.Thread(target=self._run, name="ingest-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, then end."""
        self._jobs.put(None)
        self._thread.join()

    async def store(self, bridge: BridgeIdentity, post: Post) -> Receipt:
        """Return when the post is on disk."""
        job = _Job(bridge, post, asyncio.get_running_loop())
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
        now = self._clock.now()
        results: list[Receipt | ServiceError] = []
        touched: set[int] = set()
        try:
            with self._database.write() as session:
                for job in group:
                    try:
                        with session.begin_nested():
                            receipt, kiln_ids = store_post(session, job.bridge, job.post, now=now)
                    except ServiceError as error:
                        results.append(error)
                    else:
                        results.append(receipt)
                        touched |= kiln_ids
        except Exception:
            logger.exception("commit failed", extra={"posts": len(group)})
            results = [BusyError("the posts could not be written; come again")] * len(group)
            touched = set()
        for job, result in zip(group, results, strict=True):
            job.finish(result)
        if touched:
            self._on_stored(touched)
