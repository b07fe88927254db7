"""A count that tasks in many processes and threads raise, cheap enough for a task that does nothing."""

import mmap
import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path

SLOTS = 8192
MESSAGES = 1 << 20
_here = threading.local()


class Counter:
    """A file of numbers in shared memory: each thread raises one of its own, the sum is the count."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(8 * SLOTS))
        with path.open("r+b") as file:
            self._numbers = memoryview(mmap.mmap(file.fileno(), 8 * SLOTS)).cast("Q")

    def raise_it(self) -> None:
        """Count one."""
        try:
            slot = _here.slot
        except AttributeError:
            slot = _here.slot = threading.get_native_id() % SLOTS
        self._numbers[slot] += 1

    def count(self) -> int:
        """Return the sum."""
        return sum(self._numbers)

    def is_raised_by(self, threads: Iterable[int]) -> bool:
        """Tell whether one of these threads has raised it, by their native ids."""
        return any(self._numbers[one % SLOTS] for one in threads)

    def wait(self, number: int, deadline_s: float = 300.0) -> None:
        """Wait until so many were counted."""
        deadline = time.monotonic() + deadline_s
        while (count := self.count()) < number:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{count} of {number} after {deadline_s:g} s")
            time.sleep(0.005)

    def rate(self, number: int, deadline_s: float = 180.0) -> float:
        """Return how many a second were counted, from the first to number `number`; waits for both."""
        deadline = time.monotonic() + deadline_s
        began = first = 0.0
        while (count := self.count()) < number:
            now = time.monotonic()
            if count and not began:
                began, first = now, count
            if now > deadline:
                raise TimeoutError(f"{count} of {number} after {deadline_s:g} s")
            time.sleep(0.005)
        return (number - first) / (time.monotonic() - began) if began else float("inf")


def of_environment() -> Counter:
    """Return the counter whose file the variable EBATS_BENCH_COUNTER names."""
    return Counter(Path(os.environ["EBATS_BENCH_COUNTER"]))


class Once:
    """A file of one byte a message, in shared memory: whether its first attempt was."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            with path.open("wb") as file:
                file.truncate(MESSAGES)
        with path.open("r+b") as file:
            self._seen = mmap.mmap(file.fileno(), MESSAGES)

    def is_first(self, number: int) -> bool:
        """Tell whether nobody has asked of this message before."""
        if self._seen[number]:
            return False
        self._seen[number] = 1
        return True

    @classmethod
    def of_environment(cls) -> "Once":
        """Return that which lies beside the counter."""
        return cls(Path(os.environ["EBATS_BENCH_COUNTER"] + "-once"))
