"""The no-op task for Dramatiq."""

import os

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from tests.benchmarks.counter import of_environment

dramatiq.set_broker(RabbitmqBroker(url=os.environ["EBATS_BENCH_URL"]))
counter = of_environment()


@dramatiq.actor
def noop(n: int) -> None:
    """Do nothing."""
    counter.raise_it()
