"""The variables that a file is filled in with: the process's own, a file of them, the command line."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from ebats.pipelines.problems import BadFile, UnreadableFile, UsageError
from ebats.pipelines.source import MOST_BYTES


def merge(environ: Mapping[str, str], env_file: str | None, given: Iterable[str]) -> dict[str, str]:
    """Return the variables: those `given` as `NAME=VALUE` beat the process's, which beat those of the file.

    With a file, the `.env` beside a pipeline's isn't read.

    Raises:
        UsageError: a given one has no `=`.
        BadFile: a line of the file is none of `NAME=VALUE`.
        UnreadableFile: there is no such file, or it can't be read.
    """
    own = {**environ, **dict(_split(text) for text in given)}
    if env_file is None:
        return own
    from ebats.pipelines import dotenv  # most commands need none

    return dotenv.Complete({**read(env_file, own), **own})


def read(path: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a file with `NAME=VALUE` lines, as docker compose reads it.

    `environ` is for the variables in its values. Raises as `merge` does.
    """
    from ebats.pipelines import dotenv

    try:
        with Path(path).open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise UnreadableFile(f"can't read {path}: it is larger than 1 MiB")
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise UnreadableFile(f"can't read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"can't read {path}: it is no UTF-8 text") from error
    try:
        return dotenv.parse(text, environ)
    except dotenv.BadLine as error:
        # The line itself may hold a password.
        raise BadFile((dotenv.problem(path, error),)) from None


def _split(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError("-e takes NAME=VALUE")
    return name, value
