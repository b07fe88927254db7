"""A message of the broker's as a value, for whoever decides about it without knowing the broker."""

import time
from typing import Any

from ebats.runner.execution.delivery import Delivery


def delivery(message: Any, queue: str, generation: int = 0) -> Delivery:
    """Return what py-amqp, or the embedded broker, has handed over from a queue (the broker's name of it).

    `generation` says which connection its tag belongs to.
    """
    info = message.delivery_info
    body = message.body
    return Delivery(
        info["delivery_tag"],
        generation,
        queue,
        info["exchange"],
        info["routing_key"],
        info["redelivered"],
        # py-amqp makes an empty one a str.
        body.encode() if isinstance(body, str) else bytes(body),
        message.headers or {},
        message.properties,
        time.time(),
    )
