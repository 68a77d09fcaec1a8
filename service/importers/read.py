"""A log file read: whose it is is seen from what it holds, never from its name."""

import codecs
import io
import zipfile
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Final

from service.importers import (
    camera_logger,
    kiln_controller,
    multizone,
    piln_console,
    piln_database,
    qtkiln_messages,
    sampler,
    table,
)
from service.importers.log import Asked, Log, LogError, MonthFirstError

MOST_BYTES: Final = 256 * 1024 * 1024
HEAD: Final = 100_000
_ZIP: Final = b"PK\x03\x04"
_FORMATS: Final[tuple[ModuleType, ...]] = (
    multizone,
    qtkiln_messages,
    kiln_controller,
    piln_console,
    camera_logger,
    sampler,
    table,
)


def read_log(path: Path, asked: Asked | None = None) -> Log:
    """Return what a log holds.

    Raises
    ------
    LogError
        If it cannot be read; the message says what was seen, what was wanted and what to do.
    """
    asked = asked or Asked()
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        msg = f"{path.name or path} cannot be opened: {(error.strerror or str(error)).lower()}"
        raise LogError(msg) from error
    try:
        return piln_database.read(path, asked) if content.startswith(piln_database.MAGIC) else _read(content, asked)
    except LogError as error:
        msg = f"{path.name}: {error}"
        raise LogError(msg) from error


def _read(content: bytes, asked: Asked) -> Log:
    if content.startswith(_ZIP):
        content = _unpacked(content)
    if len(content) > MOST_BYTES:
        msg = f"larger than {MOST_BYTES // 2**20} MB, which no log of a kiln needs; give it in parts"
        raise LogError(msg)
    is_wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))  # a spreadsheet's "Unicode text"
    text = content.decode("utf-16" if is_wide else "utf-8-sig", errors="replace")
    for one in _FORMATS:
        if one.recognises(text[:HEAD]):
            try:
                return _with_temperatures(one.read(text, asked))
            except MonthFirstError:
                return _with_temperatures(one.read(text, replace(asked, is_month_first=True)))
    first = next((line.strip() for line in text[:HEAD].splitlines() if line.strip()), "")
    if not first:
        msg = "the file is empty"
        raise LogError(msg)
    known = ", ".join(one.NAME for one in _FORMATS)
    msg = (
        f"not a log that is known; it begins {first[:60]!r}. Wanted: a CSV with a header such as time,top_c,bottom_c "
        f"(time as ISO 8601 or seconds), or one of: {known}, PiLN database"
    )
    raise LogError(msg)


def _with_temperatures(log: Log) -> Log:
    if not any(recording.temperatures for recording in log.recordings):
        msg = f"{log.format} without a temperature in it"
        raise LogError(msg)
    return log


def _unpacked(content: bytes) -> bytes:
    """Return the one file of a zip archive, unpacked no further than a log may be long."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [one for one in archive.infolist() if not one.is_dir()]
            if len(names) != 1:
                msg = f"an archive of {len(names)} files; give one log at a time"
                raise LogError(msg)
            with archive.open(names[0]) as member:
                return member.read(MOST_BYTES + 1)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError, ValueError) as error:
        msg = f"a zip archive that cannot be unpacked: {error}"
        raise LogError(msg) from error
