"""The files that a log file became when it was rotated: their names, their order, which are too old."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

#: What loguru puts between a name and its ending when it rotates; it counts up where that is taken.
_ROTATED = r"\.\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_\d{6}(?:\.\d+)*"
PACKED = ".gz"
#: A packed file that isn't whole yet.
PART = ".gz.part"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """A rotated file, plain or packed."""

    path: Path
    #: When it was last written to; a packed file keeps the time of the plain one. Unix time in seconds.
    time_s: float

    @property
    def is_packed(self) -> bool:
        """Whether it is compressed."""
        return self.path.name.endswith(PACKED)

    @property
    def plain(self) -> Path:
        """What it is called, or was before it was packed."""
        return Path(str(self.path).removesuffix(PACKED))


def rotated(path: Path) -> list[Rotated]:
    """Return the rotated files of a log file, the oldest first; of one that is there twice, the plain one."""
    found: dict[Path, Rotated] = {}
    for one in _listed(path, f"(?:{re.escape(PACKED)})?"):
        with suppress(OSError):  # it was packed, or removed, this moment
            file = Rotated(path=one, time_s=one.stat().st_mtime)
            if not file.is_packed or file.plain not in found:
                found[file.plain] = file
    return sorted(found.values(), key=lambda file: (file.time_s, file.path.name))


def parts(path: Path) -> list[Path]:
    """Return what a killed process left half packed, and what one is packing right now."""
    return list(_listed(path, re.escape(PART)))


def superfluous(
    files: list[Rotated], *, most: int | None, longest_s: float | None, now_s: float
) -> list[Rotated]:
    """Return those of the files, oldest first, that are too many, or too old at the Unix time `now_s`."""
    surplus = len(files) - most if most else 0
    return [
        file
        for place, file in enumerate(files)
        if place < surplus or (longest_s is not None and file.time_s < now_s - longest_s)
    ]


def remove(file: Rotated) -> None:
    """Remove a rotated file, packed or not; one that is gone is no error.

    Raises:
        OSError: it can't be removed.
    """
    file.plain.unlink(missing_ok=True)
    file.plain.with_name(file.plain.name + PACKED).unlink(missing_ok=True)


def _listed(path: Path, ending: str) -> Iterator[Path]:
    # Not by glob, whose patterns would also take files of the like name.
    pattern = re.compile(re.escape(path.stem) + _ROTATED + re.escape(path.suffix) + ending)
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(path.parent) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if pattern.fullmatch(entry.name):
                yield Path(entry.path)
