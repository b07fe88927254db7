"""JavaScript that tests run under Node: the scripts of tests/node, with the packages that they need.

The packages are installed once, from the lock file beside the scripts, into a folder outside the tree.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).with_name("node")
_INSTALL = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error")


class MissingNodeError(Exception):
    """Raised when Node, npm or a package that the scripts need can't be had here."""


@dataclass(frozen=True, slots=True)
class Node:
    """A Node that finds the packages."""

    program: str
    modules: Path

    def run(self, script: str, *args: object, stdin: str = "", timeout_s: float = 60) -> str:
        """Run a script of tests/node to its end; return what it printed, and fail where it failed."""
        done = subprocess.run(
            [self.program, str(SCRIPTS / script), *map(str, args)],
            env={**os.environ, "NODE_PATH": str(self.modules)},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert done.returncode == 0, f"{script} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def popen(self, script: str, *args: object) -> "subprocess.Popen[str]":
        """Start a script that runs beside the test, which ends it; its output comes through a pipe."""
        return subprocess.Popen(
            [self.program, str(SCRIPTS / script), *map(str, args)],
            env={**os.environ, "NODE_PATH": str(self.modules)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )


def find_node() -> Node:
    """Find Node, and install the packages where nobody has yet.

    Raises:
        MissingNodeError: something isn't there.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        raise MissingNodeError("Node isn't installed (apt-get install nodejs npm)")
    return Node(node, _installed(npm) / "node_modules")


def _installed(npm: str) -> Path:
    lock = (SCRIPTS / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "ebats"
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"node-{hashlib.sha256(lock).hexdigest()[:12]}"
    with _alone(folder.with_suffix(".lock")):
        if not folder.exists():
            _install(npm, folder)
    return folder


def _install(npm: str, folder: Path) -> None:
    half = folder.with_suffix(".new")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SCRIPTS / name, half)
    try:
        done = subprocess.run(
            [npm, *_INSTALL], cwd=half, capture_output=True, text=True, timeout=200, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise MissingNodeError(f"npm has not ended: {error}") from None
    if done.returncode:
        raise MissingNodeError(f"npm can't install what the scripts need:\n{done.stderr}")
    half.rename(folder)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
