"""The no-op task for Celery."""

import os

from celery import Celery
from tests.benchmarks.counter import of_environment

app = Celery("bench", broker=os.environ["EBATS_BENCH_URL"])
app.conf.task_acks_late = True
counter = of_environment()


@app.task(ignore_result=True)
def noop(n: int) -> None:
    """Do nothing."""
    counter.raise_it()
