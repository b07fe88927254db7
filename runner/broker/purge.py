"""Emptying a queue."""

from amqp.exceptions import IrrecoverableChannelError, NotFound
from kombu.connection import Connection

from ebats.pipelines.problems import EbatsError


class PurgeRefused(EbatsError):
    """Raised when the broker doesn't let a queue be emptied."""


def purge(connection: Connection, queue: str) -> int:
    """Delete the ready messages of a queue (the broker's name); return how many that were.

    Raises:
        PurgeRefused: the broker doesn't let it.
        BROKER_ERRORS: the connection is lost.
    """
    channel = connection.channel()
    try:
        return int(channel.queue_purge(queue) or 0)
    except NotFound:
        return 0
    except IrrecoverableChannelError as error:
        raise PurgeRefused(f"the broker refuses: {error.reply_text}") from error
