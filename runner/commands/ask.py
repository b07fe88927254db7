"""Asking somebody whether to go on with what can't be undone."""

import sys

from ebats.pipelines.problems import EbatsError, UsageError


class Interrupted(EbatsError):
    """Raised instead of KeyboardInterrupt; its text says what was done."""

    #: As shells say it: 128 and the number of SIGINT.
    exit_code = 130


def is_sure(question: str, *, yes: bool) -> bool:
    """Return whether to go on: `yes` was said before, or is typed now.

    Raises:
        UsageError: nobody is there to be asked.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError(f"{question} Nobody can be asked here: say --yes")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
