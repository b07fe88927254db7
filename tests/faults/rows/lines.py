"""What a runner says at a fault: a line when it begins, a line when it is over, and no flood."""

import re


def check_told(output: str, *, begins: str, over: str = "", at_most: int = 1) -> None:
    """Check that what was printed says when a fault began, and when it was over: each at most so often.

    `begins` and `over` are regular expressions of lines; without `over` nothing is said at the end.
    """
    for what, pattern in (("begins", begins), ("is over", over)):
        if pattern:
            count = told(output, pattern)
            assert count, f"nothing says that it {what}: no {pattern!r} in\n{output[-4000:]}"
            assert count <= at_most, f"{count} lines say that it {what}: {pattern!r} in\n{output[-4000:]}"


def told(output: str, pattern: str) -> int:
    """Count the lines in which a regular expression is found."""
    return sum(1 for line in output.splitlines() if re.search(pattern, line))
