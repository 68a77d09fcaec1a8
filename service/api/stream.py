"""`GET /api/v1/live`: the stream itself, and the clock that the page's ages run on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from service.api import schemas
from service.api.deps import Follows, Language, Parts, PartsOf, machine_now, may_still
from service.api.live import Viewer, encode
from service.store.roles import Action

router = APIRouter(tags=["live"])

BEAT_S: Final = 5.0
LOOK_AGAIN_S: Final = 60.0  # whether whoever follows still may: a session ends, a person leaves, elsewhere


class ClockBeat(schemas.Out):
    """What time it is for the service, and how fast its time runs (1, but in a replay)."""

    now_at: datetime
    clock_rate: float


@router.get("/live", response_class=StreamingResponse)
async def follow(request: Request, who: Follows, language: Language, service: PartsOf) -> StreamingResponse:
    """Send `kiln`, `points`, `firing`, `alarm` and `clock` events until the viewer goes."""
    asked = request.query_params.get("language")
    viewer = service.hub.join(who, asked if asked in {"vi", "en"} else language)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

    def still_may() -> bool:
        return may_still(request, service, who, Action.FOLLOW, now=machine_now())

    return StreamingResponse(_events(service, viewer, still_may), media_type="text/event-stream", headers=headers)


async def _events(service: Parts, viewer: Viewer, still_may: Callable[[], bool]) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    next_beat_s = loop.time()
    look_again_s = loop.time() + LOOK_AGAIN_S
    try:
        while True:
            if loop.time() >= look_again_s:
                if not await asyncio.to_thread(still_may):
                    return
                look_again_s = loop.time() + LOOK_AGAIN_S
            if loop.time() >= next_beat_s:
                yield encode("clock", ClockBeat(now_at=service.clock.now(), clock_rate=service.clock.rate))
                next_beat_s = loop.time() + BEAT_S
            try:
                message = await viewer.next(timeout_s=max(0.0, next_beat_s - loop.time()))
            except TimeoutError:
                continue
            if message is None:
                return
            yield message
    finally:
        service.hub.leave(viewer)
