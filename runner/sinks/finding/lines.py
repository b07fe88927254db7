"""The lines of a log file, plain or packed, and the records that they hold."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from ebats.runner.execution.record import decode
from ebats.runner.sinks.ecs_back import record
from ebats.runner.sinks.finding.found import Found
from ebats.runner.sinks.rotated import PACKED

#: How the project's own records begin; a file whose format was changed has lines of both.
_OWN = b'{"kind":'


def found_in(line: bytes) -> Found | None:
    """Return the record of a line, without its line end; None: there is none in it."""
    try:
        if line.startswith(_OWN):
            return Found(decode(line), line, "json")
        return Found(record(line), line, "ecs")
    except (msgspec.MsgspecError, ValueError):
        return None


def lines_of(path: Path, spoiled: Callable[[str], None]) -> Iterator[bytes]:
    """Yield the lines of a rotated file, without line ends; nothing where it is gone.

    `spoiled` is told of a packed file that can't be unpacked to its end.

    Raises:
        OSError: it can't be read.
    """
    try:
        with _open(path) as file:
            for line in file:
                yield line.rstrip(b"\n")
    except FileNotFoundError:
        # Retention removed it this moment.
        return
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        spoiled(f"{path} can't be unpacked to its end ({error}): what stands there is left out")


def _open(path: Path) -> BinaryIO:
    if path.name.endswith(PACKED):
        return cast(BinaryIO, gzip.open(path))
    try:
        return path.open("rb")
    except FileNotFoundError:
        # It was packed this moment.
        return cast(BinaryIO, gzip.open(path.with_name(path.name + PACKED)))
