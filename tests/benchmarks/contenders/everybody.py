"""Everybody who is measured, ebats first: a new contender is a line here."""

from tests.benchmarks.contenders.bare import Bare
from tests.benchmarks.contenders.celery import Celery
from tests.benchmarks.contenders.contender import Contender
from tests.benchmarks.contenders.dramatiq import Dramatiq
from tests.benchmarks.contenders.ebats import Ebats
from tests.benchmarks.contenders.faststream import FastStream
from tests.benchmarks.contenders.huey import Huey
from tests.benchmarks.contenders.perftest import PerfTest
from tests.benchmarks.contenders.taskiq import Taskiq

EBATS = Ebats()
CLASSIC = Ebats(
    name="ebats, classic queues",
    queues="classic",
    kinds=frozenset({"noop", "payload"}),
    brokers=frozenset({"rabbitmq"}),
)
ASYNC = Ebats(name="ebats, coroutines", is_async=True, kinds=frozenset({"sleep"}))
PREFORK = Celery()
THREADS = Celery(pool="threads", kinds=Celery.kinds | {"sleep"})
DRAMATIQ, FASTSTREAM, TASKIQ = Dramatiq(), FastStream(), Taskiq()
# Fifty processes aren't one that waits for fifty at once.
HUEY, HUEY_THREADS = Huey(speed=1.5), Huey(workers="thread", kinds=Huey.kinds | {"sleep"})
BARE = Bare(kinds=frozenset({"noop"}))
BARE_BATCHES = Bare(batch=50, speed=3)
PERFTEST, PERFTEST_QUORUM = PerfTest(), PerfTest("quorum", speed=24.0)

EVERYBODY: tuple[Contender, ...] = (
    *(EBATS, CLASSIC, ASYNC, PREFORK, THREADS, DRAMATIQ, FASTSTREAM, TASKIQ),
    *(HUEY, HUEY_THREADS, BARE, BARE_BATCHES),
    *(PERFTEST, PERFTEST_QUORUM),
)
#: Those who show whether a release of RabbitMQ makes a difference.
SOME: tuple[Contender, ...] = (EBATS, CLASSIC, PREFORK, DRAMATIQ, PERFTEST, PERFTEST_QUORUM)
