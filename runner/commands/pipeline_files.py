"""Which files `ebats validate` looks at: those that are named, and those of folders that look like one."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from ebats.pipelines import disk
from ebats.pipelines.problems import UnreadableFile

#: These are pipelines, whatever is in them.
_NAMED = re.compile(r"(?:.+\.)?ebats\.ya?ml")
_YAML = re.compile(r".+\.ya?ml")

#: What a pipeline has at its left edge: enough to know one by, also where it is broken further down.
_MARKS = (
    re.compile(rb"^version:[ \t]+\d+[ \t]*(?:#.*)?\r?$", re.MULTILINE),
    re.compile(rb"^name:[ \t]+\S", re.MULTILINE),
    re.compile(
        rb"^(?:broker|exchanges|queues|ladders|tasks|events|producers|consumers|logs|alerts):",
        re.MULTILINE,
    ),
)
#: As much of a file as is looked at; a pipeline can't be larger.
_MOST_BYTES = 1_048_576

#: Folders in which nobody keeps pipelines; those that begin with a dot are left out too.
_LEFT_OUT = {"__pycache__", "node_modules", "site-packages", "build", "dist"}


def expand(name: str) -> list[str]:
    """Return the files that a name on the command line stands for: itself, or those in a folder, sorted.

    In a folder, and the folders below it, a file is a pipeline that is called `ebats.yaml` or
    `NAME.ebats.yaml`, or is any `*.yaml` (`*.yml`) with a `version: 1`, a `name:` and one of a pipeline's
    sections at its left edge.

    Raises:
        UnreadableFile: it is a folder without any, or one of its folders can't be read.
    """
    if not disk.is_folder(Path(name)):
        return [name]
    found = sorted(_in_folder(name))
    if not found:
        raise UnreadableFile(
            f"there is no pipeline file in {name}: call one ebats.yaml or NAME.ebats.yaml, or name it here"
        )
    return found


def _in_folder(top: str) -> Iterator[str]:
    for folder, below, files in os.walk(top, onerror=_refuse):
        below[:] = [each for each in below if not _is_left_out(folder, each)]
        for file in files:
            path = os.path.normpath(Path(folder, file))
            if _NAMED.fullmatch(file) or (_YAML.fullmatch(file) and _looks_like_one(path)):
                yield path


def _refuse(error: OSError) -> None:
    raise UnreadableFile(f"can't read {error.filename}: {error.strerror}") from error


def _is_left_out(folder: str, name: str) -> bool:
    # A virtual environment is known by this file, whatever it is called.
    return name.startswith(".") or name in _LEFT_OUT or disk.is_file(Path(folder, name, "pyvenv.cfg"))


def _looks_like_one(path: str) -> bool:
    try:
        with Path(path).open("rb") as file:
            start = file.read(_MOST_BYTES)
    except OSError:
        return True  # let it be told that it can't be read
    return all(mark.search(start) for mark in _MARKS)
