"""What the runners of this machine are doing: a file for each, which only a living runner keeps locked."""

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ebats.pipelines.model import Pipeline
from ebats.runner.broker.connect import masked


class StateFile:
    """The state of this process, for others to read while it lives.

    Nothing depends on it: what can't be written is left out.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        """Say nothing yet."""
        self._path = _folder() / f"{_prefix(pipeline)}{os.getpid()}.json"
        self._locked: int | None = None

    def write(self, state: Mapping[str, Any]) -> None:
        """Say how things are, in place of what was said before. Readers see the one or the other."""
        with suppress(OSError):
            self._make_folder()
            new = _write_locked(self._path.with_suffix(".new"), json.dumps(state).encode())
            try:
                self._path.with_suffix(".new").replace(self._path)
            except OSError:
                os.close(new)
                raise
            self._unlock()
            self._locked = new

    def _make_folder(self) -> None:
        folder = self._path.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Below /tmp anybody may have made it, with links in it to files of ours.
        if folder.stat().st_uid not in (0, os.geteuid()):
            raise PermissionError(f"{folder} is somebody else's")

    def remove(self) -> None:
        """Say nothing any more."""
        with suppress(OSError):
            if self._locked is not None:
                self._path.unlink()
        self._unlock()

    def _unlock(self) -> None:
        if self._locked is not None:
            os.close(self._locked)
        self._locked = None


def folder_of(pipeline: Pipeline) -> Path:
    """Return the folder, on this machine, for what outlives a pipeline's runners. Nobody has made it."""
    return _folder() / _prefix(pipeline).removesuffix("-")


def read_all(pipeline: Pipeline) -> list[dict[str, Any]]:
    """Return the states of this machine's living runners of a pipeline, and remove those of dead ones."""
    return [state for path in sorted(_folder().glob(f"{_prefix(pipeline)}*.json")) for state in _read(path)]


def _read(path: Path) -> Iterator[dict[str, Any]]:
    with suppress(OSError, ValueError), path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            yield json.load(file)
        else:
            # A living runner replaces its file, and lets go of the old one afterwards.
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                path.unlink()
            else:
                yield from _read(path)


def _write_locked(path: Path, content: bytes) -> int:
    """Return the descriptor of a new file that is locked as long as it is open."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.write(descriptor, content) < len(content):
            raise OSError("the disk is full")
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _prefix(pipeline: Pipeline) -> str:
    """Return how the files of this pipeline begin: the name alone may be in use on other brokers, too."""
    address = " ".join(masked(url) for url in pipeline.broker.urls)
    return f"{pipeline.name}-{hashlib.sha256(address.encode()).hexdigest()[:12]}-"


def _folder() -> Path:
    """Return where the files are: see the XDG Base Directory Specification for the second place."""
    if given := os.environ.get("EBATS_STATE_DIR"):
        return Path(given)
    if base := os.environ.get("XDG_STATE_HOME"):
        return Path(base, "ebats")
    home = Path.home() if "HOME" in os.environ else Path("/")
    if os.access(home, os.W_OK):
        return home / ".local" / "state" / "ebats"
    # A service's user often has no home.
    return Path(tempfile.gettempdir(), f"ebats-{os.geteuid()}")
