"""Publishing a few messages on a channel that is there, and waiting for their confirms."""

import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from kombu.connection import Connection

from ebats.runner.broker.confirming import Confirming, Sending
from ebats.runner.execution.settle import Outgoing

_CONFIRM_TIMEOUT_S = 30.0


def publish_confirmed(connection: Connection, channel: Any, messages: Sequence[Outgoing]) -> None:
    """Publish a few messages and wait until the broker has them all.

    Raises:
        ConnectionError: it refuses one, or confirms nothing for half a minute.
    """
    confirming = Confirming(channel)
    unroutable: list[Outgoing] = []
    for outgoing in messages:
        confirming.publish(Sending(outgoing, lambda: None, partial(unroutable.append, outgoing)))
    open_, deadline = len(messages), time.monotonic() + _CONFIRM_TIMEOUT_S
    while confirming.unconfirmed:
        with suppress(TimeoutError):
            connection.drain_events(timeout=1.0)
        if len(confirming.unconfirmed) < open_:
            open_, deadline = len(confirming.unconfirmed), time.monotonic() + _CONFIRM_TIMEOUT_S
        elif time.monotonic() > deadline:
            raise ConnectionError(f"the broker has confirmed nothing for {_CONFIRM_TIMEOUT_S:.0f} s")
    for outgoing in (*(sending.outgoing for sending in confirming.refused), *unroutable):
        raise ConnectionError(f"it takes no message into {outgoing.exchange or outgoing.key}")
