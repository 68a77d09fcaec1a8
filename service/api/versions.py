"""Versions of what people change, so that two of them do not overwrite each other without knowing."""

import hashlib
from typing import Annotated, Final

import msgspec
from fastapi import Depends, Header, Response
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session

from service.errors import NotFoundError, StaleError

LENGTH: Final = 12  # hexadecimal digits; two states of one thing that share them are not to be met with


def version_of(row: object, *columns: str) -> str:
    """Return a name for what people may change of a row: another state has another name."""
    said = [getattr(row, name) for name in columns]
    return hashlib.blake2b(msgspec.json.encode(said, order="sorted"), digest_size=LENGTH // 2).hexdigest()


def locked_version(session: Session, row: object, *columns: str) -> str:
    """Return the version of a row, which nobody else changes until the session ends.

    PostgreSQL would let two who have seen the same version both change it. What refers to it may come meanwhile.

    Raises
    ------
    NotFoundError
        If somebody has just removed it.
    """
    try:
        session.refresh(row, with_for_update={"of": type(row), "key_share": True})
    except InvalidRequestError as error:
        msg = "it is not there any more: somebody else has just removed it"
        raise NotFoundError(msg) from error
    return version_of(row, *columns)


def show(response: Response, version: str) -> None:
    """Put a version on an answer, for `If-Match` to be asked with."""
    response.headers["ETag"] = f'"{version}"'


class IfMatch:
    """What a request says that it has seen of the thing that it changes; it need not say anything."""

    def __init__(self, said: Annotated[str | None, Header(alias="If-Match", max_length=500)] = None) -> None:
        self._said = said

    def check(self, version: str) -> None:
        """Refuse a change of something that is no longer as the caller has seen it."""
        if self._said is None or self._said.strip() == "*":
            return
        seen = [one.strip().removeprefix("W/").strip('"') for one in self._said.split(",")]
        # An answer's tag is the version, and what else it showed; only the version matters to who changes it.
        if version not in [one.partition("-")[0] for one in seen]:
            msg = f"somebody has changed this since you looked (it is now {version}): look again, then say it again"
            raise StaleError(msg)


Seen = Annotated[IfMatch, Depends(IfMatch)]
