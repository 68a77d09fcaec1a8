"""`GET /api/v1/live`: the stream itself, and the clock that the page's ages run on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from service.api.deps import Follows, Language, Parts, PartsOf, may_still
from service.api.live import Viewer
from service.api.live_events import beat
from service.store.roles import Action

router = APIRouter(tags=["live"])


@router.get("/live", response_class=StreamingResponse)
async def follow(request: Request, who: Follows, language: Language, service: PartsOf) -> StreamingResponse:
    """Send `kiln`, `points`, `firing`, `alarm` and `clock` events until the viewer goes."""
    asked = request.query_params.get("language")
    viewer = service.hub.join(who, asked if asked in {"vi", "en"} else language)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

    def still_may() -> bool:
        return may_still(request, service, who, Action.FOLLOW, now=datetime.now(UTC))

    return StreamingResponse(_events(service, viewer, still_may), media_type="text/event-stream", headers=headers)


async def _events(service: Parts, viewer: Viewer, still_may: Callable[[], bool]) -> AsyncIterator[str]:
    try:
        yield beat(service.clock)
        while (message := await viewer.next()) is not None:
            if message:
                yield message
            elif not await asyncio.to_thread(still_may):
                return
    finally:
        service.hub.leave(viewer)
