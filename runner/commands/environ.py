"""The variables that a file is filled in with: the process's own, a file of them, the command line."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ebats.pipelines.problems import EbatsError, UnreadableFile, UsageError

_ASSIGNMENT = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<value>.*)")


class BadEnvFile(EbatsError):
    """Raised when a line of an environment file is none."""

    exit_code = 78


def merge(environ: Mapping[str, str], env_file: str | None, given: Iterable[str]) -> dict[str, str]:
    """Return the variables: those `given` as `NAME=VALUE` beat the process's, which beat those of the file.

    Raises:
        UsageError: a given one has no `=`.
        BadEnvFile: a line of the file is none of `NAME=VALUE`.
        UnreadableFile: there is no such file, or it can't be read.
    """
    from_file = read(env_file) if env_file is not None else {}
    return {**from_file, **environ, **dict(_split(text) for text in given)}


def read(path: str) -> dict[str, str]:
    """Return the variables of a file with `NAME=VALUE` lines, blank ones and comments, as docker reads it.

    `export` in front and quotes around the value are taken off. Raises as `merge` does.
    """
    try:
        lines = Path(path).read_text("utf-8-sig").splitlines()
    except OSError as error:
        raise UnreadableFile(f"can't read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"can't read {path}: it is no UTF-8 text") from error
    found = {}
    for number, line in enumerate(map(str.strip, lines), start=1):
        if not line or line.startswith("#"):
            continue
        match = _ASSIGNMENT.fullmatch(line)
        if not match:
            # The line itself may hold a password.
            raise BadEnvFile(f"{path}:{number}: error: this is no variable; write NAME=VALUE")
        found[match["name"]] = _unquoted(match["value"])
    return found


def _unquoted(value: str) -> str:
    is_quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if is_quoted else value


def _split(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError("-e takes NAME=VALUE")
    return name, value
