"""What py-amqp publishes from a loop: `bare_publish.py unconfirmed|each|pipelined NUMBER`."""

import json
import sys
from collections.abc import Callable

import amqp
from tests.benchmarks.work.one_each import amqp_connection
from tests.benchmarks.work.usage import measured

QUEUE = "bare"
#: Unconfirmed ones at most, before it waits until half of them are confirmed.
WINDOW = 1_000


class Pipeline:
    """Publishes ahead of the confirms."""

    def __init__(self, channel: amqp.Channel) -> None:
        self._channel = channel
        self._tag = 0
        #: The tags of those that are unconfirmed, in the order in which they were published.
        self._open: dict[int, None] = {}
        channel.confirm_select()
        channel.events["basic_ack"].add(self._acknowledged)

    def publish(self, message: amqp.Message) -> None:
        """Publish one, after waiting where too many are unconfirmed."""
        self._channel.basic_publish(message, exchange="", routing_key=QUEUE)
        self._tag += 1
        self._open[self._tag] = None
        if len(self._open) >= WINDOW:
            self.wait(WINDOW // 2)

    def wait(self, most: int = 0) -> None:
        """Wait until at most so many are unconfirmed."""
        while len(self._open) > most:
            self._channel.connection.drain_events()

    def _acknowledged(self, tag: int, multiple: bool) -> None:
        self._open.pop(tag, None)
        while multiple and self._open and (first := next(iter(self._open))) < tag:
            del self._open[first]


def loop(publish: Callable[[amqp.Message], None], number: int) -> None:
    """Publish so many small persistent messages."""
    for n in range(number):
        body = json.dumps({"n": n})
        publish(amqp.Message(body, content_type="application/json", delivery_mode=2))


def main(way: str, number: int) -> None:
    """Declare, warm up, measure."""
    with amqp_connection() as connection:
        channel = connection.channel()
        channel.queue_declare(QUEUE, durable=True, auto_delete=False)
        if way == "pipelined":
            pipeline = Pipeline(channel)
            loop(pipeline.publish, 100)
            pipeline.wait()
            with measured():
                loop(pipeline.publish, number)
                pipeline.wait()
            return
        one = channel.basic_publish_confirm if way == "each" else channel.basic_publish

        def publish(message: amqp.Message) -> None:
            one(message, exchange="", routing_key=QUEUE)

        loop(publish, 100)
        with measured():
            loop(publish, number)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
