"""The subscribers for FastStream: `python -m tests.benchmarks.work.faststream_app KIND NUMBER` publishes."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop
from faststream import AckPolicy, FastStream
from faststream.rabbit import Channel, ExchangeType, RabbitBroker, RabbitExchange, RabbitQueue
from tests.benchmarks.work import tasks
from tests.benchmarks.work.messages import TASKS, body_of, tasks_of
from tests.benchmarks.work.sending import send_many

# A broker without a limit sends one worker all that it has. The number is also how many run at once.
PREFETCH = int(os.environ.get("EBATS_BENCH_PREFETCH") or 100)
# It logs each message at `info` otherwise.
broker = RabbitBroker(
    os.environ["EBATS_BENCH_URL"], default_channel=Channel(prefetch_count=PREFETCH), logger=None
)
app = FastStream(broker)
#: What makes one message of an event: each of its tasks has a queue.
happens = RabbitExchange("happens", type=ExchangeType.FANOUT, durable=True)


def handler(task: Callable[..., None]) -> Callable[[dict[str, Any]], Awaitable[None]]:
    """Make a subscriber's function of a task."""

    async def handle(message: dict[str, Any]) -> None:
        task(**message)

    return handle


async def sleep(message: dict[str, Any]) -> None:
    """Wait on the event loop."""
    await asyncio.sleep(tasks.SLEEP_S)
    tasks.counter.raise_it()


def subscribe(name: str, function: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    """Subscribe to the queue of a task; acknowledged when the function has returned."""
    queue = RabbitQueue(name, durable=True)
    exchange = happens if name in TASKS["three"] else None
    broker.subscriber(queue, exchange, ack_policy=AckPolicy.NACK_ON_ERROR)(function)


for name in tasks_of(os.environ.get("EBATS_BENCH_KIND", "noop")):
    subscribe(name, sleep if name == "sleep" else handler(getattr(tasks, name)))


async def publish(kind: str, n: int) -> None:
    """Publish one persistent message; three queues get it of `three`."""
    body = body_of(kind, n)
    if kind == "three":
        await broker.publish(body, exchange=happens, persist=True)
    else:
        await broker.publish(body, tasks_of(kind)[0], persist=True)


async def main() -> None:
    """Publish what the command line says."""
    async with broker:
        await app.start()  # declares the queues
        await broker.stop()
    async with broker:
        await send_many(publish)


if __name__ == "__main__":
    uvloop.run(main())
