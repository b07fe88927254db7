"""A loop over py-amqp, as small as one can be: `python -m tests.benchmarks.work.amqp_app KIND NUMBER`
publishes, `... consume KIND BATCH PROCESSES` works off, and acknowledges so many at once.
"""

import json
import multiprocessing
import os
import sys
from functools import partial
from urllib.parse import unquote, urlsplit

import amqp
from tests.benchmarks.work import tasks
from tests.benchmarks.work.messages import body_of, tasks_of
from tests.benchmarks.work.sending import send

QUEUE = "bench"
#: As long as a batch isn't full, its first message waits no longer.
IDLE_S = 0.02


def connect() -> amqp.Connection:
    """Return an open connection."""
    url = urlsplit(os.environ["EBATS_BENCH_URL"])
    connection = amqp.Connection(
        f"{url.hostname}:{url.port}",
        url.username,
        url.password,
        virtual_host=unquote(url.path[1:]),
    )
    connection.connect()
    return connection


def publish(channel: amqp.Channel, kind: str, n: int) -> None:
    """Publish one persistent message, unconfirmed."""
    body = json.dumps(body_of(kind, n))
    channel.basic_publish(amqp.Message(body, delivery_mode=2), routing_key=QUEUE)


def consume(kind: str, batch: int) -> None:
    """Work messages off for ever."""
    channel = connect().channel()
    channel.basic_qos(0, max(100, 4 * batch), False)
    task = getattr(tasks, tasks_of(kind)[0])
    open_count = last = 0

    def handle(message: amqp.Message) -> None:
        nonlocal open_count, last
        task(**json.loads(message.body))
        open_count, last = open_count + 1, message.delivery_tag
        if open_count >= batch:
            channel.basic_ack(last, multiple=batch > 1)
            open_count = 0

    channel.basic_consume(QUEUE, callback=handle)
    while True:
        try:
            channel.connection.drain_events(timeout=IDLE_S if open_count else None)
        except TimeoutError:
            channel.basic_ack(last, multiple=True)
            open_count = 0


def main() -> None:
    """Publish, or work off."""
    if sys.argv[1] == "consume":
        kind, batch, count = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
        processes = [multiprocessing.Process(target=consume, args=(kind, batch)) for _ in range(count)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
    else:
        with connect() as connection:
            channel = connection.channel()
            channel.queue_declare(QUEUE, durable=True, auto_delete=False)
            send(partial(publish, channel))


if __name__ == "__main__":
    main()
