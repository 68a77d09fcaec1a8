"""Bounds of what requests say, so that no number or time is larger than what stores it."""

import re
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

from service.errors import InvalidError

EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)

_FORM: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d", re.ASCII)


def _said_as_one(value: object) -> object:
    """Refuse what pydantic would take for seconds since 1970: a time is written as one."""
    if isinstance(value, str) and _FORM.match(value):
        return value
    msg = "is no time such as 2026-11-20T19:30:00+07:00, with its zone"
    raise ValueError(msg)


def _within(at: datetime) -> datetime:
    # Compared as numbers: the first and the last years cannot be moved to another zone.
    if not EARLIEST.timestamp() <= at.timestamp() < LATEST.timestamp():
        msg = f"{at.isoformat()} is not a time from 1970 to 2099"
        raise InvalidError(msg)  # the form was kept: it is answered as what makes no sense
    return at.astimezone(UTC)


Moment = Annotated[AwareDatetime, BeforeValidator(_said_as_one), AfterValidator(_within)]
