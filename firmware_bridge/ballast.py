"""Some megabytes kept in hand: a disk that others have filled takes no write, not even one that makes room."""

import os
import shutil
from pathlib import Path
from typing import Final

# The spool's log grows to 4 MB, and what it holds has to fit into the file beside it.
BALLAST_BYTES: Final = 8_000_000


class Ballast:
    """A file that holds room on the disk until it is needed."""

    def __init__(self, path: Path, size_bytes: int = BALLAST_BYTES) -> None:
        self._path = path
        self._size_bytes = size_bytes

    @property
    def is_there(self) -> bool:
        return self._path.exists()

    def take_up(self) -> bool:
        """Hold the room if the disk has plenty; say whether it is held."""
        if self.is_there:
            return True
        if shutil.disk_usage(self._path.parent).free < 2 * self._size_bytes:
            return False
        try:
            with self._path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self._size_bytes)
        except OSError:  # somebody was quicker
            self.give_up()
        return self.is_there

    def give_up(self) -> None:
        self._path.unlink(missing_ok=True)
