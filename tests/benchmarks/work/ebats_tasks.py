"""The tasks of the benchmarks, for ebats."""

import asyncio

from tests.benchmarks.work import tasks
from tests.benchmarks.work.tasks import SLEEP_S, counter

from ebats import Retry

noop, first, second, third = tasks.noop, tasks.first, tasks.second, tasks.third
payload, cpu, sleep, stamped = tasks.payload, tasks.cpu, tasks.sleep, tasks.stamped


async def sleep_async(n: int) -> None:
    """Wait on the event loop."""
    await asyncio.sleep(SLEEP_S)
    counter.raise_it()


def fails(n: int) -> None:
    """Ask for another attempt; the records say when each began."""
    counter.raise_it()
    raise Retry("again")


def fails_once(n: int) -> None:
    """Fail at the first attempt of every tenth message."""
    if tasks.has_to_fail(n):
        raise Retry("again")
