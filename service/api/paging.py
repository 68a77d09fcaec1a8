"""Paging: lists go on where a `Link` says, the same way everywhere."""

from collections.abc import Sequence
from typing import Protocol

from fastapi import Request, Response


class Numbered(Protocol):
    """A row with its number."""

    id: int


def link_next(request: Request, response: Response, found: Sequence[Numbered], limit: int) -> None:
    """Say where the list goes on (RFC 8288), if a whole page of it was found: after its last row."""
    if len(found) >= limit:
        following = request.url.include_query_params(before_id=found[-1].id)
        response.headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
