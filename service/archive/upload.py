"""A log that somebody sent: read, looked at and stored by a program of its own, bounded in memory and time.

What it holds is anybody's guess, and a long one takes many seconds of a processor: the service goes on beside it.
"""

import os
import resource
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from service.analysis.words import Words
from service.archive.bring_in import bring_in, look_at
from service.busy import place
from service.errors import ServiceError, TooLongError
from service.importers.log import Asked
from service.importers.read import read_log
from service.importers.times import zone_called
from service.one_processor import anywhere
from service.store import audit, kilns
from service.store.database import Database

MOST_MEMORY_BYTES: Final = 2 * 1024**3
MOST_PROCESSOR_S: Final = 60
WITHIN_S: Final = 100.0
_PROGRAM: Final = (sys.executable, "-m", "service.archive.upload")
_NO_MEMORY: Final = 3  # what it ends with
_at_work = threading.Semaphore(1)


class Order(msgspec.Struct, frozen=True):
    """What is to be brought in, and for whom; `file_name` is what its sender calls it."""

    database_url: str
    path: str
    file_name: str
    kiln_id: int
    workshop_id: int
    who: str
    language: str
    start_at: datetime | None = None
    target_cone: str | None = None
    unit: str | None = None
    time_zone: str | None = None
    interval_s: float | None = None
    most_memory_bytes: int = MOST_MEMORY_BYTES
    most_processor_s: int = MOST_PROCESSOR_S


class Told(msgspec.Struct, frozen=True):
    """What became of it: `code` and `message` are those of the failure, empty if there was none."""

    format: str = ""
    readings: int = 0
    firing_ids: list[int] = []
    remarks: list[str] = []
    code: str = ""
    message: str = ""


class UploadError(ServiceError):
    """The other program refused a log, and why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def bring_in_apart(order: Order) -> Told:
    """Bring in a log by a program of its own, one at a time.

    Raises
    ------
    UploadError
        If the log is refused, with the code of what refused it.
    TooLongError
        If it takes more time or memory than it may.
    BusyError
        If another one is being brought in.
    """
    with place(_at_work, "another log is being read at this moment; try again in a minute"):
        said = msgspec.json.encode(order)
        try:
            with anywhere():
                done = subprocess.run(_PROGRAM, input=said, stdout=subprocess.PIPE, timeout=WITHIN_S, check=False)  # noqa: S603 - ours
        except subprocess.TimeoutExpired as error:
            raise _too_long() from error
    if done.returncode < 0 or done.returncode == _NO_MEMORY:  # the system ended it, or it found no more room
        raise _too_long()
    done.check_returncode()
    told = msgspec.json.decode(done.stdout, type=Told)
    if told.code:
        raise UploadError(told.code, told.message)
    return told


def _too_long() -> TooLongError:
    msg = "this log takes more time or memory than it may here; bring it in in parts, or with `canhlo import`"
    return TooLongError(msg)


def _do(order: Order) -> Told:
    now = datetime.now(UTC)
    asked = Asked(order.unit, zone_called(order.time_zone), order.interval_s)
    database = Database(order.database_url)
    try:
        log = read_log(Path(order.path), asked)
        with database.read() as session:
            kiln = kilns.get_kiln(session, [order.workshop_id], order.kiln_id)
        found = look_at(kiln, log, start_at=order.start_at, target_cone=order.target_cone, now=now)
        with database.write() as session:
            kiln = kilns.get_kiln(session, [order.workshop_id], order.kiln_id)
            came = bring_in(session, kiln, found, now=now)
            firing_ids = [firing.id for firing in came.firings]
            audit.note(
                session,
                order.workshop_id,
                who=order.who,
                what="log brought in",
                now=now,
                kiln=kiln.id,
                file=order.file_name,
                firings=len(firing_ids),
            )
    finally:
        database.close()
    words = Words(order.language)
    remarks = [words(f"remark.{one.key}", **one.values) for one in log.remarks]
    return Told(log.format, came.readings, firing_ids, remarks)


def main() -> None:
    """Do what standard input orders, and tell it on standard output."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    with suppress(OSError):  # a courtesy: bridges come first. The unit's filter of system calls refuses it
        os.nice(10)
    resource.setrlimit(resource.RLIMIT_AS, (order.most_memory_bytes, order.most_memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (order.most_processor_s, order.most_processor_s))
    try:
        told = _do(order)
    except ServiceError as error:
        told = Told(code=error.code, message=str(error))
    except MemoryError:
        sys.exit(_NO_MEMORY)
    sys.stdout.buffer.write(msgspec.json.encode(told))


if __name__ == "__main__":
    main()
