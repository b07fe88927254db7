"""The no-op task for huey, on SQLite."""

import os

from huey import SqliteHuey
from tests.benchmarks.counter import of_environment

huey = SqliteHuey("bench", filename=os.environ["EBATS_BENCH_HUEY"], results=False)
counter = of_environment()


@huey.task()
def noop(n: int) -> None:
    """Do nothing."""
    counter.raise_it()
