"""The tasks for Celery: `python -m tests.benchmarks.work.celery_app KIND NUMBER` publishes."""

import os

from celery import Celery, Task
from tests.benchmarks.work import tasks
from tests.benchmarks.work.messages import body_of, tasks_of
from tests.benchmarks.work.sending import send

# Named here: the module is `__main__` where it publishes.
app = Celery("bench", broker=os.environ["EBATS_BENCH_URL"])
app.conf.task_acks_late = True
app.conf.task_ignore_result = True
# For many short tasks, its documentation says: 50, 100, or 150.
app.conf.worker_prefetch_multiplier = 100
by_name = {task.__name__: app.task(name=task.__name__)(task) for task in tasks.PLAIN}
noop = by_name["noop"]


@app.task(name="fails_once", bind=True, max_retries=3)
def fails_once(self: Task, n: int) -> None:
    """Fail at the first attempt of every tenth message."""
    if tasks.has_to_fail(n):
        raise self.retry(countdown=1)


by_name["fails_once"] = fails_once


def publish(kind: str, n: int) -> None:
    """Publish with `apply_async`: one message for each task."""
    body = body_of(kind, n)
    for name in tasks_of(kind):
        by_name[name].apply_async(kwargs=body)


if __name__ == "__main__":
    send(publish)
