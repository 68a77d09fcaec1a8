"""Logs brought into a kiln's history: what a logger or a controller wrote before there was a bridge."""

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request

from service.api import schemas
from service.api.bounds import Moment
from service.api.deps import Language, Parts, PartsOf, SetsUp
from service.api.limits import receiving_log
from service.api.texts import WRITABLE
from service.archive.upload import Order, Told, bring_in_apart
from service.errors import InvalidError
from service.store import kilns
from service.store.tenancy import confine
from service.store.who import Who

router = APIRouter(tags=["logs"])

_TYPE: Final = "application/octet-stream"
_FILE: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "the file as it is, or zipped; its format is seen from what it holds",
        "content": {_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    }
}


class BroughtInOut(schemas.Out):
    """What a log came to."""

    format: str
    readings: int
    firing_ids: list[int]
    remarks: list[str]


@router.post("/kilns/{kiln_id}/logs", response_model=BroughtInOut, status_code=201, openapi_extra=_FILE)
async def bring_in_log(
    kiln_id: schemas.Id,
    request: Request,
    who: SetsUp,
    service: PartsOf,
    language: Language,
    file_name: Annotated[str, Query(min_length=1, max_length=120, pattern=WRITABLE)] = "log",
    unit: Annotated[Literal["c", "f"] | None, Query(description="of temperatures that name none")] = None,
    time_zone: Annotated[
        str | None, Query(max_length=60, pattern=WRITABLE, description="of times without one (UTC)")
    ] = None,
    interval_s: Annotated[float | None, Query(gt=0, le=86_400, description="between readings without times")] = None,
    start_at: Annotated[Moment | None, Query(description="when a log without a calendar began")] = None,
    target_cone: Annotated[schemas.ConeName | None, Query(description="that its firings were to reach")] = None,
) -> Told:
    """Read a log of any known system into a kiln's history, all of it or nothing; its firings are looked at as ever.

    A log that names no unit, or whose times are no calendar's, is refused until that is said.
    """
    workshop_id = await asyncio.to_thread(_workshop_of, service, who, kiln_id)
    _check_type(request)
    with receiving_log(), tempfile.TemporaryDirectory(prefix="canhlo-log-") as folder:
        path = Path(folder) / "log"
        with path.open("wb") as file:
            async for piece in request.stream():
                file.write(piece)
        order = Order(
            database_url=service.database.engine.url.render_as_string(hide_password=False),
            path=str(path),
            file_name=file_name,
            kiln_id=kiln_id,
            workshop_id=workshop_id,
            who=who.name,
            language=language,
            start_at=start_at,
            target_cone=target_cone,
            unit=unit,
            time_zone=time_zone,
            interval_s=interval_s,
        )
        return await asyncio.to_thread(bring_in_apart, order)


def _workshop_of(service: Parts, who: Who, kiln_id: int) -> int:
    with service.database.read() as session:
        return kilns.get_kiln(confine(session, who.workshop_ids), who.workshop_ids, kiln_id).workshop_id


def _check_type(request: Request) -> None:
    """Refuse what a form of another site could send: a browser sends this type nowhere without asking first."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _TYPE:
        msg = f"send the file as it is, with the content type {_TYPE}"
        raise InvalidError(msg)
