"""A pipeline of long tasks, between stand-ins for what keeps their leases."""

import time
from collections.abc import Callable
from typing import Any

from ebats.pipelines.model import Pipeline
from ebats.runner.broker.lease_queues import Filling
from ebats.runner.execution.delivery import Delivery
from ebats.runner.execution.slots import Run
from ebats.runner.roles.leases import Leases
from tests.unit.core.shop import Bench, again, death, pipeline
from tests.unit.core.tasks import fine

SHOP = """
version: 1
name: shop
broker: {url: "amqp://127.0.0.1", CONSUMER}
queues: {demo: {}, slow: {}, fast: {ack: early}}
tasks:
  close_order: {python: "a:b", queue: demo, timeout: none}
  ship: {python: "a:b", queues: [demo, slow, fast], timeout: 21m, retry: [1s]}
  report: {python: "a:b", queue: demo, timeout: 20m}
events:
  order_paid: {tasks: [close_order, ship]}
"""


def long_shop(consumer: str = "consumer_timeout: 30m") -> Pipeline:
    return pipeline(SHOP.replace("CONSUMER", consumer))


class FakeQueues:
    """Stands in for the lease queues: keeps what is asked of it."""

    failure = None

    def __init__(self) -> None:
        self.fillings: list[Filling] = []
        self.deleted: list[str] = []
        self.spares: list[str] = []

    def spare(self) -> str | None:
        """Return a name that may be used again, once."""
        return self.spares.pop() if self.spares else None

    def fill(self, filling: Filling) -> None:
        """Keep it."""
        self.fillings.append(filling)

    def delete(self, queue: str) -> None:
        """Keep it."""
        self.deleted.append(queue)


class Running:
    """Stands in for the slots."""

    def __init__(self) -> None:
        self.running: set[Run] = set()


class LongBench(Bench):
    """An engine whose runs are at work, and whose leases are attended to."""

    def __init__(self, consumer: str = "consumer_timeout: 30m", **tasks: Callable[..., Any]) -> None:
        super().__init__(long_shop(consumer), **(tasks or {"close_order": fine, "ship": fine}))
        self.queues, self.slots = FakeQueues(), Running()
        self.leases = Leases(
            self.shop,
            self.engine,
            self.slots,  # type: ignore[arg-type]
            self.queues,  # type: ignore[arg-type]
            self.engine.journal,
        )
        self.engine.came_back = self.leases.came_back

    def start(self, one: Delivery, *, age_s: float = 700.0) -> list[Run]:
        """Take a delivery, and have its runs at work for so long."""
        self.held.runs = []
        self.take(one)
        for run in self.held.runs:
            run.came = run.started = time.monotonic() - age_s
        self.slots.running |= {*self.held.runs}
        return self.held.runs

    def filled(self, number: int = -1, *, done: bool = True) -> str:
        """Let a filling end; return its queue."""
        filling = self.queues.fillings[number]
        filling.on_done(done)
        return filling.queue

    def back(self, number: int = -1, tag: int = 9) -> Delivery:
        """Return the delivery of what comes back from a filling's queue."""
        filling = self.queues.fillings[number]
        one = again(filling.message, "shop.demo", tag=tag)
        one.exchange, one.key = "shop.tasks", dict(filling.arguments)["x-dead-letter-routing-key"]  # type: ignore[assignment]
        one.headers |= death(filling.queue)
        return one
