"""So many at once and no more: who comes beyond that is told so, and does not wait."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Semaphore

from service.errors import BusyError


@contextmanager
def place(places: Semaphore, refusal: str) -> Iterator[None]:
    """Hold one of some places.

    Raises
    ------
    BusyError
        With these words, if all are taken.
    """
    if not places.acquire(blocking=False):
        raise BusyError(refusal)
    try:
        yield
    finally:
        places.release()
