"""The process that tries to import what a file names: a fork, so that it starts in no time."""

import json
import os
import signal
import sys
import types
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn

from ebats.pipelines.entry_points import Use
from ebats.pipelines.suggestion import suggest


def begin(todo: Sequence[tuple[int, Use]], folders: Sequence[str], limit_s: float) -> tuple[int, int]:
    """Start a process that imports these one after another; return its id, and where it tells of it.

    It tells lines of JSON: `trying` with a number before each, `good` or `bad` after it, `done` at the end.
    What it starts is in its process group. An import that takes longer than `limit_s`, in seconds, ends it a
    little later. Call it where no other thread runs.
    """
    told, telling = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        _be(todo, folders, limit_s, telling)
    os.close(telling)
    with suppress(OSError):  # it has done so itself, or has ended
        os.setpgid(pid, pid)
    return pid, told


def _be(todo: Sequence[tuple[int, Use]], folders: Sequence[str], limit_s: float, telling: int) -> NoReturn:
    """Be that process, whatever a module does: it ends here."""
    try:
        with suppress(OSError):
            os.setpgid(0, 0)
        _be_quiet()
        # What `python -m ebats`, or its script, put in front isn't there when the file runs.
        sys.path[:] = [*folders, *sys.path[0 if sys.flags.safe_path else 1 :]]
        for number, use in todo:
            # An orphan ends too: the parent waits for less.
            signal.alarm(int(limit_s) + 5)
            _tell(telling, trying=number)
            _tell(telling, **{"number": number, **_try(use)})
        _tell(telling, done=True)
    finally:
        os._exit(0)


def _be_quiet() -> None:
    """Let a module print what it likes, and read nothing."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nothing, fd)
    # What this process had there may be something else than these, and may hold what isn't written yet.
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - for as long as it lives
    sys.stdout = sys.stderr = open(1, "w", closefd=False)  # noqa: SIM115


def _tell(telling: int, **words: object) -> None:
    data = json.dumps(words).encode() + b"\n"
    while data:
        data = data[os.write(telling, data) :]


def _try(use: Use) -> dict[str, Any]:
    # Imported here: the parent gets along without them.
    from ebats.runner.execution.call import BadEntryPoint, Function, find
    from ebats.runner.execution.entry_points import INSPECT

    try:
        found = INSPECT[use.kind](find(use.entry))
    except BadEntryPoint as error:
        return {"bad": str(error), "hint": _hint(use, error.__cause__)}
    return {"good": sorted(found.required) if isinstance(found, Function) else []}


def _hint(use: Use, error: BaseException | None) -> str:
    """Return what may have been meant where a module has no such function."""
    if not isinstance(error, AttributeError) or error.name not in use.entry.attribute.split("."):
        return ""
    holder = error.obj
    if not isinstance(holder, types.ModuleType | type):
        return ""
    names = [name for name, value in vars(holder).items() if callable(value) and not name.startswith("_")]
    near = suggest(error.name, names)
    return near if near.startswith("did") else ""
