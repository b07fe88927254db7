"""When messages were published and when their tasks began, written by many processes into shared memory."""

import mmap
import os
import time
from functools import cache
from pathlib import Path

#: The most messages of a measurement.
SLOTS = 65_536
FILE = "moments"


class Moments:
    """A file of times: two for each message, of CLOCK_MONOTONIC, which all processes of a machine share."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(2 * 8 * SLOTS))
        with path.open("r+b") as file:
            self._times = memoryview(mmap.mmap(file.fileno(), 2 * 8 * SLOTS)).cast("Q")

    def published(self, number: int) -> None:
        """Note that a message is about to be published."""
        self._times[2 * number] = time.monotonic_ns()

    def started(self, number: int) -> None:
        """Note that its task runs; that of its first attempt counts."""
        self._times[2 * number + 1] = self._times[2 * number + 1] or time.monotonic_ns()

    def is_published(self, number: int) -> bool:
        """Say whether a message was published, or is about to be."""
        return self._times[2 * number] != 0

    def count(self, number: int) -> int:
        """Return how many of the first so many have started."""
        return sum(1 for one in range(number) if self._times[2 * one + 1])

    def wait(self, number: int, deadline_s: float = 120.0) -> None:
        """Wait until the first so many have started."""
        deadline = time.monotonic() + deadline_s
        while (count := self.count(number)) < number:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{count} of {number} have started after {deadline_s:g} s")
            time.sleep(0.1)

    def waited_ms(self, first: int, end: int) -> list[float]:
        """Return how long each of them waited, the shortest first."""
        pairs = ((self._times[2 * one], self._times[2 * one + 1]) for one in range(first, end))
        return sorted((started - published) / 1e6 for published, started in pairs)

    def pace(self, first: int, end: int) -> float:
        """Return how many a second were published of these."""
        return (end - 1 - first) * 1e9 / (self._times[2 * (end - 1)] - self._times[2 * first])


@cache
def of_environment() -> Moments:
    """Return those whose file lies in the folder that the variable EBATS_BENCH_FOLDER names."""
    return Moments(Path(os.environ["EBATS_BENCH_FOLDER"]) / FILE)
