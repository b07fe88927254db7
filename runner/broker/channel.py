"""A channel for a piece of work with messages in hand, which go back whatever happens in it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from kombu.connection import Connection

from ebats.runner.broker.connect import BROKER_ERRORS


@contextmanager
def working_channel(connection: Connection) -> Iterator[Any]:
    """Give a channel; at its end what is unacknowledged on it goes back to its queue.

    At a Ctrl-C the connection goes with it: that may come amidst a frame, where nothing can be read any more.
    """
    channel = connection.channel()
    # py-amqp would decode bodies that name a content_encoding.
    channel.auto_decode = False
    try:
        yield channel
    except KeyboardInterrupt:
        connection.collect()
        raise
    finally:
        with suppress(*BROKER_ERRORS):  # with the connection all goes back, too
            channel.close()
