"""How many messages are ready in queues."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from amqp.exceptions import NotFound
from kombu.connection import Connection

from ebats.pipelines.model import Broker
from ebats.runner.broker.connect import BROKER_ERRORS, Say, check_lasting, connect


def counts(connection: Connection, names: Iterable[str]) -> dict[str, int | None]:
    """Return the ready messages of each queue (the broker's names); None: there is no such queue.

    What is delivered and unacknowledged, and what a rung is handing on, isn't counted.

    Raises:
        BROKER_ERRORS: the connection is lost, or the queues may not be looked at.
    """
    found: dict[str, int | None] = {}
    channel: Any = None
    for name in names:
        channel = channel or connection.channel()
        try:
            found[name] = channel.queue_declare(name, passive=True).message_count
        except NotFound:
            found[name] = None
            channel.close()
            channel = None  # the broker has closed it
    if channel:
        channel.close()
    return found


class Inspector:
    """Counts on a connection that is opened when it is needed, and opened anew when it was lost."""

    def __init__(self, broker: Broker, say: Say, stop: Callable[[], bool]) -> None:
        """Count on a broker; one that can't be reached is tried again until `stop` is true."""
        self._broker = broker
        self._say = say
        self._stop = stop
        self._connection: Connection | None = None

    def counts(self, names: Iterable[str]) -> dict[str, int | None]:
        """Return the ready messages of each queue; None: there is no such queue, or `stop` became true.

        Raises:
            BrokerUnusable: the embedded broker's file is damaged.
        """
        wanted = list(names)
        while (connection := self._connection or connect(self._broker, self._say, self._stop)) is not None:
            self._connection = connection
            try:
                return counts(connection, wanted)
            except BROKER_ERRORS as error:
                self.close()
                check_lasting(self._broker, error)
                self._say("warning", f"the connection to the broker was lost: {error}")
            if self._stop():
                break
        return dict.fromkeys(wanted)

    def close(self) -> None:
        """Close the connection; the next count opens another."""
        connection, self._connection = self._connection, None
        if connection:
            with suppress(*BROKER_ERRORS):  # it may be broken
                connection.close()
