"""The tasks for Dramatiq: `python -m tests.benchmarks.work.dramatiq_app KIND NUMBER` publishes."""

import os

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.errors import Retry
from tests.benchmarks.work import tasks
from tests.benchmarks.work.messages import body_of, tasks_of
from tests.benchmarks.work.sending import send

dramatiq.set_broker(RabbitmqBroker(url=os.environ["EBATS_BENCH_URL"]))
actors = {task.__name__: dramatiq.actor(task) for task in tasks.PLAIN}
noop = actors["noop"]


@dramatiq.actor(max_retries=3)
def fails_once(n: int) -> None:
    """Fail at the first attempt of every tenth message."""
    if tasks.has_to_fail(n):
        raise Retry("again", delay=1000)


actors["fails_once"] = fails_once


def publish(kind: str, n: int) -> None:
    """Publish with `send`: one message for each task."""
    body = body_of(kind, n)
    for name in tasks_of(kind):
        actors[name].send(**body)


if __name__ == "__main__":
    send(publish)
