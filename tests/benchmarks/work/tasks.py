"""What the tasks of all contenders do."""

import time
from collections.abc import Callable

from tests.benchmarks.counter import Once, of_environment
from tests.benchmarks.kinds import CPU_MS, EVERY, SLEEP_MS
from tests.benchmarks.moments import of_environment as moments

SLEEP_S = SLEEP_MS / 1000

counter = of_environment()
_once = Once.of_environment()


def noop(n: int) -> None:
    """Do nothing."""
    counter.raise_it()


def first(n: int) -> None:
    """Do nothing, as the first of three."""
    counter.raise_it()


def second(n: int) -> None:
    """Do nothing, as the second of three."""
    counter.raise_it()


def third(n: int) -> None:
    """Do nothing, as the third of three."""
    counter.raise_it()


def payload(n: int, text: str) -> None:
    """Do nothing, with a long text."""
    counter.raise_it()


def cpu(n: int) -> None:
    """Burn processor time, the time of this thread alone."""
    end = time.thread_time() + CPU_MS / 1000
    while time.thread_time() < end:
        pass
    counter.raise_it()


def sleep(n: int) -> None:
    """Wait, as a task does that asks another server."""
    time.sleep(SLEEP_S)
    counter.raise_it()


def stamped(n: int) -> None:
    """Note the moment."""
    moments().started(n)


def has_to_fail(n: int) -> bool:
    """Tell whether this is the first attempt of a message that fails once; what needn't fail is counted."""
    if n % EVERY == 0 and _once.is_first(n):
        return True
    counter.raise_it()
    return False


#: Those that need nothing of a contender.
PLAIN: tuple[Callable[..., None], ...] = (noop, first, second, third, payload, cpu, sleep, stamped)
