"""Publishes so many messages, the first hundred of them to warm up, and prints what the others took."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from functools import partial

from tests.benchmarks.work.pacing import pace, pace_async
from tests.benchmarks.work.usage import measured

WARM_UP = 100
#: How many publishes an event loop has under way at once.
AT_ONCE = 100


def send(publish: Callable[[str, int], object]) -> None:
    """Publish in a loop: `python -m APP KIND NUMBER` calls `publish(KIND, n)` for each `n`."""
    kind, number = sys.argv[1], int(sys.argv[2])
    if kind == "latency":
        pace(partial(publish, kind), number)
        return
    for n in range(WARM_UP):
        publish(kind, n)
    with measured():
        for n in range(WARM_UP, number):
            publish(kind, n)


async def send_many(publish: Callable[[str, int], Awaitable[object]]) -> None:
    """Publish on an event loop, many at once."""
    kind, number = sys.argv[1], int(sys.argv[2])
    if kind == "latency":
        await pace_async(partial(publish, kind), number)
        return
    await _publish(publish, kind, range(WARM_UP))
    with measured():
        await _publish(publish, kind, range(WARM_UP, number))


async def _publish(publish: Callable[[str, int], Awaitable[object]], kind: str, numbers: range) -> None:
    for start in range(0, len(numbers), AT_ONCE):
        await asyncio.gather(*(publish(kind, n) for n in numbers[start : start + AT_ONCE]))
