"""How far a spool has been sent, on disk: a segment's number, and a place in it."""

import os
import re
from contextlib import suppress
from pathlib import Path

from ebats.runner.sinks.elastic.files import open_private


class Cursor:
    """A file of one line, always as long: written over in place, which a full disk allows too."""

    def __init__(self, folder: Path) -> None:
        """Keep it in this folder."""
        self._path = folder / "cursor"
        self._fd: int | None = None

    def read(self) -> tuple[int, int]:
        """Return segment and offset in bytes; (0, 0) where nothing readable says more."""
        with suppress(OSError):
            fd = open_private(self._path, os.O_RDONLY)
            try:
                found = re.fullmatch(rb"(\d{8,}) (\d{12})\n", os.read(fd, 100))
            finally:
                os.close(fd)
            if found:
                return int(found[1]), int(found[2])
        return 0, 0

    def write(self, segment: int, offset: int) -> None:
        """Keep a place. What can't be written is sent again after a restart, which Elasticsearch refuses."""
        with suppress(OSError):
            if self._fd is None:
                self._fd = open_private(self._path, os.O_WRONLY | os.O_CREAT)
            os.pwrite(self._fd, b"%08d %012d\n" % (segment, offset), 0)

    def close(self) -> None:
        """Close the file."""
        if self._fd is not None:
            os.close(self._fd)
        self._fd = None
