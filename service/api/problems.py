"""Problem documents (RFC 9457): the one place that gives each expected failure its HTTP status."""

from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from service.errors import ServiceError

_STATUS: Final = {
    "not_found": 404,
    "conflict": 409,
    "refused": 403,
    "signed_out": 401,
    "invalid": 400,
    "too_many": 429,
    "delivery_failed": 502,
}


def problem(status: int, code: str, title: str, detail: str) -> JSONResponse:
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code}
    return JSONResponse(body, status, media_type="application/problem+json")


def install(app: FastAPI) -> None:
    app.add_exception_handler(ServiceError, _expected)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)


async def _expected(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ServiceError)  # noqa: S101 - registered for it
    return problem(_STATUS.get(error.code, 500), error.code, error.code.replace("_", " "), str(error))


async def _malformed(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    seen = "; ".join(f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()[:8])
    return problem(422, "malformed", "the request is not of the wanted form", seen)


async def _http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    return problem(error.status_code, f"http_{error.status_code}", str(error.detail), str(error.detail))
