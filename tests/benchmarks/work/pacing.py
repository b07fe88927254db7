"""Publishes at an even pace, and notes each moment: first so many that warm up, then those that count."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator

from tests.benchmarks.kinds import LATENCY_PER_S, WARMING_UP
from tests.benchmarks.moments import of_environment


def pace(publish: Callable[[int], object], number: int) -> None:
    """Publish from a loop."""
    for numbers in parts(number):
        for n, wait_s in due(numbers):
            time.sleep(wait_s)
            of_environment().published(n)
            publish(n)


async def pace_async(publish: Callable[[int], Awaitable[object]], number: int) -> None:
    """Publish on an event loop, one after the other as well."""
    for numbers in parts(number):
        for n, wait_s in due(numbers):
            await asyncio.sleep(wait_s)
            of_environment().published(n)
            await publish(n)


def parts(number: int) -> Iterator[range]:
    """Yield the numbers of those that warm up, and when all of them have started those of the others."""
    yield range(WARMING_UP)
    of_environment().wait(WARMING_UP)
    yield range(WARMING_UP, number)


def due(numbers: range) -> Iterator[tuple[int, float]]:
    """Yield each number, and how long it is until it is due; who is late doesn't hurry to catch up."""
    next_s = time.monotonic()
    for n in numbers:
        now = time.monotonic()
        next_s = max(next_s, now)
        yield n, next_s - now
        next_s += 1 / LATENCY_PER_S
