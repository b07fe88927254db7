"""The tasks for Taskiq: `python -m tests.benchmarks.work.taskiq_app KIND NUMBER` publishes."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop
from taskiq import SmartRetryMiddleware
from taskiq_aio_pika import AioPikaBroker, Queue
from tests.benchmarks.work import tasks
from tests.benchmarks.work.messages import body_of, tasks_of
from tests.benchmarks.work.sending import send_many

#: As many as a worker runs at once by default (`--max-async-tasks`).
PREFETCH = int(os.environ.get("EBATS_BENCH_PREFETCH") or 100)
broker = AioPikaBroker(
    os.environ["EBATS_BENCH_URL"], qos=PREFETCH, delay_queue=Queue(name="taskiq.delay")
).with_middlewares(SmartRetryMiddleware(default_retry_count=3, default_delay=1))


def on_loop(task: Callable[..., None]) -> Callable[..., Awaitable[None]]:
    """Make a coroutine function of a task: those that aren't go through a pool of threads."""

    async def run(**body: Any) -> None:
        task(**body)

    return run


async def sleep(n: int) -> None:
    """Wait on the event loop."""
    await asyncio.sleep(tasks.SLEEP_S)
    tasks.counter.raise_it()


async def fails_once(n: int) -> None:
    """Fail at the first attempt of every tenth message."""
    if tasks.has_to_fail(n):
        raise RuntimeError("again")


functions = {task.__name__: on_loop(task) for task in tasks.PLAIN} | {"sleep": sleep}
# Named here: the module is `__main__` where it publishes.
by_name = {name: broker.register_task(function, name) for name, function in functions.items()}
by_name["fails_once"] = broker.register_task(fails_once, "fails_once", retry_on_error=True)


async def publish(kind: str, n: int) -> None:
    """Publish with `kiq`: one message for each task."""
    body = body_of(kind, n)
    for name in tasks_of(kind):
        await by_name[name].kiq(**body)


async def main() -> None:
    """Publish what the command line says."""
    await broker.startup()
    await send_many(publish)
    await broker.shutdown()


if __name__ == "__main__":
    uvloop.run(main())
