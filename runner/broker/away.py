"""Queues that can't be taken from for now: they are looked for until they can, and the others go on."""

import time
from typing import Any

from amqp.exceptions import AMQPError, IrrecoverableChannelError, NotFound, ResourceLocked

from ebats.runner.broker.connect import Say
from ebats.runner.broker.rights import lacking

#: What the broker refuses about one queue; the channel is closed by it.
QUEUE_ERRORS = (IrrecoverableChannelError, ResourceLocked)
_EVERY_S = 1.0


class Away:
    """Which queues are away, and when each is looked for again."""

    def __init__(self, say: Say) -> None:
        self._say = say
        #: When to look for each, monotonic.
        self._look_at: dict[str, float] = {}
        #: Those that were there, and refused.
        self._refused: set[str] = set()

    def __contains__(self, queue: str) -> bool:
        return queue in self._look_at

    def refused(self, queue: str, error: AMQPError) -> None:
        """Note that the broker doesn't let us take from a queue."""
        text = error.reply_text or type(error).__name__
        if isinstance(error, NotFound):
            self._note(queue, "warning", f"there is no queue {queue} on the broker")
            return
        self._refused.add(queue)
        self._note(queue, "error", lacking(text, "read") or f"nothing comes from the queue {queue}: {text}")

    def cancelled(self, queue: str) -> None:
        """Note that the broker has ended the consumer of a queue, as it does when the queue is deleted."""
        self._note(queue, "warning", f"the queue {queue} was deleted, or its node is down")

    def due(self) -> list[str]:
        """Return the queues that should be looked for now."""
        now = time.monotonic()
        return [queue for queue, look_at in self._look_at.items() if now >= look_at]

    def is_back(self, queue: str, channel: Any) -> bool:
        """Return whether a queue can be taken from again, tried on a channel that is then of no more use."""
        self._look_at[queue] = time.monotonic() + _EVERY_S
        try:
            channel.queue_declare(queue, passive=True)
            if queue in self._refused:
                # What this is given goes back when the channel is closed.
                channel.basic_qos(0, 1, False)
                channel.basic_consume(queue, callback=_leave)
        except QUEUE_ERRORS:
            return False
        del self._look_at[queue]
        self._refused.discard(queue)
        self._say("info", f"takes from the queue {queue} again")
        return True

    def _note(self, queue: str, level: str, text: str) -> None:
        if queue not in self._look_at:
            self._say(level, f"{text}; waiting for it, the other queues go on")
        self._look_at[queue] = time.monotonic() + _EVERY_S


def _leave(_message: Any) -> None:
    """Leave a message unacknowledged."""
