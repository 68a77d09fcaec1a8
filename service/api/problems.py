"""Problem documents (RFC 9457): the one place that gives each expected failure its HTTP status."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Match

from service.api.headers import security_headers
from service.api.limits import TryLimit
from service.api.texts import said_back
from service.counters import REFUSALS
from service.errors import ServiceError, TooManyError
from service.store.database import is_away, is_there_already

MOST_FIELDS: Final = 8
UNREACHABLE: Final = (OperationalError, NoConnectionError)  # what `away` looks at
AWAY_FOR_S: Final = 5  # after so long who asked may ask again
MEDIA_TYPE: Final = "application/problem+json"
# Every route may answer so: which failure it was stands in the code, and nothing of it in the form.
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    "4XX": {
        "description": "What was wrong: a problem document (RFC 9457) whose `code` stays",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}

logger = logging.getLogger(__name__)
# What somebody meets who tries doors.
TOLD: Final = frozenset({"refused", "wrong_proof", "passkey_needed", "signed_out", "too_many", "busy"})
FOREIGN: Final = "foreign_origin"
_lines = TryLimit(tries=20, refill_s=30)

STATUS: Final = {
    "not_found": 404,
    "conflict": 409,
    "damaged": 409,
    "refused": 403,
    "wrong_proof": 403,
    "too_late": 403,
    "passkey_needed": 403,
    "signed_out": 401,
    "changed_meanwhile": 412,
    "invalid": 400,
    "impossible_plan": 400,
    "unreadable_schedule": 400,
    "unreadable_log": 400,
    "undated_log": 400,
    "took_too_long": 503,
    "too_many": 429,
    "busy": 503,
    "full": 409,
    "delivery_failed": 502,
    "provider_failed": 502,
    "sink_failed": 503,
}


def problem(
    status: int,
    code: str,
    title: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    *,
    errors: Sequence[Mapping[str, str]] = (),
) -> JSONResponse:
    """Return a problem document; `errors` names the fields that were not as wanted, each with what is wrong."""
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status}
    body |= {"detail": said_back(detail), "code": code}
    if errors:
        body["errors"] = [dict(one) for one in errors]
    return JSONResponse(body, status, headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    app.add_exception_handler(ServiceError, expected)
    app.add_exception_handler(IntegrityError, _overtaken)
    for unreachable in UNREACHABLE:
        app.add_exception_handler(unreachable, away)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


async def expected(request: Request, error: Exception) -> JSONResponse:
    """Return what a failure of ours that is expected says."""
    assert isinstance(error, ServiceError)  # noqa: S101 - registered for it
    if error.code in TOLD:
        tell(request, error.code)
    headers = {"Retry-After": str(error.wait_s)} if isinstance(error, TooManyError) else None
    return problem(STATUS.get(error.code, 500), error.code, error.code.replace("_", " "), str(error), headers)


async def _overtaken(_request: Request, error: Exception) -> JSONResponse:
    """Say so where two did the same at once, each having found that nobody had; the database let one of them."""
    assert isinstance(error, IntegrityError)  # noqa: S101 - registered for it
    if not is_there_already(error):
        raise error
    said = "somebody did the same at this very moment; look at what stands now, and try again if it is still to be done"
    return problem(409, "conflict", "conflict", said)


async def away(_request: Request, error: Exception) -> JSONResponse:
    """Say so where the database cannot be had now; the log has why."""
    assert isinstance(error, SQLAlchemyError)  # noqa: S101 - registered for it
    if not is_away(error):
        raise error
    logger.error("the database cannot be had", exc_info=error)
    said = "the service cannot reach its database now; try again in a moment"
    return problem(503, "busy", "busy", said, {"Retry-After": str(AWAY_FOR_S)})


async def _malformed(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    wrong = [{"field": _field(one["loc"]), "message": said_back(one["msg"])} for one in error.errors()[:MOST_FIELDS]]
    seen = "; ".join(f"{one['field']}: {one['message']}" for one in wrong)
    return problem(422, "malformed", "the request is not of the wanted form", seen, errors=wrong)


def _field(loc: Sequence[str | int]) -> str:
    """Return the place of a mistake as people say it: `fuel_used.amount`, `points[3].temp_c`, `limit in the query`."""
    where, *parts = loc
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).removeprefix(".")
    named = said_back(name or "all of it")
    return named if where == "body" else f"{named} in the {where}"


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    detail = str(error.detail)
    headers = {"Allow": ", ".join(_methods(request))} if error.status_code == 405 else error.headers
    return problem(error.status_code, f"http_{error.status_code}", detail, detail, headers)


def foreign(request: Request) -> JSONResponse:
    """Return the refusal of what another site made a browser send."""
    tell(request, FOREIGN)
    return problem(403, FOREIGN, "refused", "the request comes from another site")


def tell(request: Request, code: str) -> None:
    """Log that something was refused to somebody, so many times for each address; the counter has them all."""
    REFUSALS.labels(code).inc()
    host = request.client.host if request.client else ""
    try:
        _lines.spend(f"{code} {host}")
    except TooManyError:
        return
    who = getattr(request.state, "who", None)
    fields = {"code": code, "method": request.method, "path": request.url.path[:200], "host": host}
    logger.warning("request refused", extra={**fields, "account": who.account_id if who else None})


def _methods(request: Request) -> list[str]:
    """Return what may be done at this address; each method has a route of its own, which names only itself."""
    return [
        method
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.routes)
    ]


async def _unexpected(request: Request, _error: Exception) -> JSONResponse:
    """Say nothing of the inside; the server logs the error, with where it came from."""
    headers = security_headers(request.url.path, is_https=request.app.state.parts.is_https)  # it stands before `Guard`
    return problem(500, "unexpected", "unexpected", "something went wrong in the service; its log says what", headers)
