"""Copies of what passes exchanges, without disturbing: a bounded queue that goes with its connection."""

import secrets
from collections.abc import Callable, Iterable
from typing import Any

from amqp.exceptions import IrrecoverableChannelError, NotFound
from kombu.connection import Connection

from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import EbatsError
from ebats.pipelines.topology import Binding, Topology
from ebats.runner.broker import received
from ebats.runner.broker.channel import working_channel
from ebats.runner.broker.connect import Say
from ebats.runner.broker.lock import alone, one_channel
from ebats.runner.broker.reader import Reader
from ebats.runner.broker.stored import Stored
from ebats.runner.execution.delivery import Delivery

#: Copies that wait for a slow tap; then the oldest go.
MOST_WAITING = 500
MOST_BYTES = 10_000_000
_IN_HAND = 50
_TICK_S = 0.5


class TapRefused(EbatsError):
    """Raised when the broker doesn't let a tap be made."""


def known(pipeline: Pipeline, say: Say, stop: Callable[[], bool]) -> list[Topology] | None:
    """Return the topologies that were applied last: one, mostly. None: `stop` became true.

    Declares nothing but, for a moment, the lock.
    """

    def work(connection: Connection) -> list[Topology]:
        try:
            with one_channel(connection) as channel:
                stored = Stored(connection, channel, pipeline)
                topologies = stored.topologies()
                stored.give_back()
                return topologies
        except NotFound:  # nothing was ever applied
            return []

    return alone(pipeline, say, stop, work)


def tap(
    connection: Connection,
    pipeline: Pipeline,
    bindings: Iterable[Binding],
    take: Callable[[Delivery], bool],
    on_ready: Callable[[], None],
) -> None:
    """Give `take` a copy of each message that one of the bindings takes, until it returns False.

    `on_ready` is called when it has begun. A key that nothing else is bound by must not be among them: what
    nobody takes would be taken, and not become a dead letter.

    Raises:
        TapRefused: the broker doesn't let it.
        BROKER_ERRORS: the connection is lost.
    """
    try:
        with working_channel(connection) as channel:
            _serve(connection, channel, _declare(channel, pipeline, bindings), take, on_ready)
    except IrrecoverableChannelError as error:
        raise TapRefused(f"the broker refuses: {error.reply_text}") from error


def _declare(channel: Any, pipeline: Pipeline, bindings: Iterable[Binding]) -> str:
    name = pipeline.on_broker(f"tap-{secrets.token_hex(4)}")
    arguments = {"x-queue-type": "classic", "x-max-length": MOST_WAITING, "x-max-length-bytes": MOST_BYTES}
    channel.queue_declare(name, durable=False, exclusive=True, auto_delete=True, arguments=arguments)
    for exchange, key in dict.fromkeys((binding.exchange, binding.key) for binding in bindings):
        channel.queue_bind(name, exchange, key)
    return name


def _serve(
    connection: Connection,
    channel: Any,
    queue: str,
    take: Callable[[Delivery], bool],
    on_ready: Callable[[], None],
) -> None:
    wants_more = True

    def receive(message: Any) -> None:
        nonlocal wants_more
        if wants_more:
            wants_more = take(received.delivery(message, queue))
            # Only now comes the next: what isn't acknowledged is limited, too.
            channel.basic_ack(message.delivery_info["delivery_tag"])

    channel.basic_qos(0, _IN_HAND, False)
    tag = channel.basic_consume(queue, callback=receive)
    on_ready()
    reader = Reader(connection)
    while wants_more:
        reader.read(_TICK_S)
    # What is on its way to a channel that closes, py-amqp complains about.
    channel.basic_cancel(tag)
