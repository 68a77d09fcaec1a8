"""Readings as files, told piece by piece."""

from typing import Annotated, Literal

from fastapi import Query
from starlette.responses import StreamingResponse

from service.archive.hand_out import MEDIA_TYPES, Handed, write

Form = Annotated[Literal["csv", "parquet", "json"], Query(alias="format")]


def file_response(handed: Handed, form: str) -> StreamingResponse:
    """Answer with a file that a browser keeps."""
    disposition = f'attachment; filename="{handed.name}.{form}"'
    return StreamingResponse(
        write(handed, form), media_type=MEDIA_TYPES[form], headers={"content-disposition": disposition}
    )
