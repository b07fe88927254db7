"""The tasks for huey, on SQLite; huey_send publishes: huey knows a function by its module, not `__main__`."""

import os
from pathlib import Path

from huey import SqliteHuey
from huey.exceptions import RetryTask
from tests.benchmarks.work import tasks
from tests.benchmarks.work.messages import body_of, tasks_of

huey = SqliteHuey(
    "bench", filename=str(Path(os.environ["EBATS_BENCH_FOLDER"]) / "huey.db"), results=False, fsync=False
)
by_name = {task.__name__: huey.task(name=task.__name__)(task) for task in tasks.PLAIN}
noop = by_name["noop"]


@huey.task(name="fails_once", retries=3)
def fails_once(n: int) -> None:
    """Fail at the first attempt of every tenth message."""
    if tasks.has_to_fail(n):
        raise RetryTask(delay=1)


by_name["fails_once"] = fails_once


def publish(kind: str, n: int) -> None:
    """Publish by calling: one message for each task."""
    body = body_of(kind, n)
    for name in tasks_of(kind):
        by_name[name](**body)
