"""One `canhlo serve` for a SQLite file: two would both watch every kiln and ring every phone twice."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

from service.errors import ConflictError


@contextmanager
def alone(url: str) -> Iterator[None]:
    """Hold a SQLite file; it is free again when this process ends, however it does. Others may read and write.

    Raises
    ------
    ConflictError
        If another process holds it.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        yield
        return
    # Not the file itself: to close it here would let go SQLite's own locks.
    with Path(f"{parsed.database}.lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            msg = f"another canhlo serve is at work on {parsed.database}; stop it, or let both share a PostgreSQL"
            raise ConflictError(msg) from error
        yield
