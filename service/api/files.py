"""Readings as files, told piece by piece."""

from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import Depends, Query
from starlette.responses import StreamingResponse

from service.api.limits import handing_out
from service.archive.hand_out import MEDIA_TYPES, Handed, write

Form = Annotated[Literal["csv", "parquet", "json"], Query(alias="format")]
AsTaken = Annotated[
    bool, Query(description="without the calibrations of the probes: for a kiln that puts readings right by its own")
]


def _place() -> Iterator[None]:
    with handing_out():
        yield


# From before the readings are read until the last of them is sent, or whoever asked has gone.
Place = Annotated[None, Depends(_place, scope="request")]


def file_response(handed: Handed, form: str) -> StreamingResponse:
    """Answer with a file that a browser keeps."""
    disposition = f'attachment; filename="{handed.name}.{form}"'
    return StreamingResponse(
        write(handed, form), media_type=MEDIA_TYPES[form], headers={"content-disposition": disposition}
    )
