"""Wait for a state instead of for a while."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: A machine that does other things too takes several times as long: deadlines are for what never comes.
PATIENCE = 3


def wait_until(
    predicate: Callable[[], T],
    deadline_s: float = 10,
    message: str | Callable[[], str] = "",
    every_s: float = 0.02,
) -> T:
    """Poll until the predicate is truthy and return what it said; fail with the message at the deadline.

    `deadline_s` is what it takes at most on a machine that is ours alone; see `PATIENCE`.
    """
    end = time.monotonic() + deadline_s * PATIENCE
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            text = message() if callable(message) else message
            raise AssertionError(
                f"not within {deadline_s * PATIENCE} s: {text or predicate} (last: {value!r})"
            )
        time.sleep(every_s)
