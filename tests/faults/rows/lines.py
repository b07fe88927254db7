"""What a runner says at a fault: a line when it begins, a line when it is over, and no flood."""

import re

from tests.commands import RunningCommand
from tests.waiting import wait_until


def check_told(said: RunningCommand | str, *, begins: str, over: str = "", at_most: int = 1) -> None:
    """Check that it is said when a fault began, and when it was over: each at most so often.

    `said` is who says it, and may be about to, or what was said. `begins` and `over` are regular expressions
    of lines; without `over` nothing is said at the end.
    """
    _check(said, "begins", begins, at_most)
    if over:
        _check(said, "is over", over, at_most)


def _check(said: RunningCommand | str, what: str, pattern: str, at_most: int) -> None:
    def output() -> str:
        return said if isinstance(said, str) else said.output

    wait_until(
        lambda: told(output(), pattern),
        0 if isinstance(said, str) else 30,
        lambda: f"nothing says that it {what}: no {pattern!r} in\n{output()[-4000:]}",
    )
    count = told(output(), pattern)
    assert count <= at_most, f"{count} lines say that it {what}: {pattern!r} in\n{output()[-4000:]}"


def told(output: str, pattern: str) -> int:
    """Count the lines in which a regular expression is found."""
    return sum(1 for line in output.splitlines() if re.search(pattern, line))
