"""Where a message goes that leaves its queue by expiring or being refused, and how it looks then; pure."""

from typing import NamedTuple

from ebats.runner.broker.sqlite import deaths
from ebats.runner.broker.sqlite.deaths import Meta
from ebats.runner.broker.sqlite.routing import Queue, Topology


class Burial(NamedTuple):
    """A message on its way out of a queue."""

    exchange: str
    key: str
    #: Its stored properties, with this death.
    meta: Meta
    #: None: nobody takes it, and its queue keeps it until somebody does.
    targets: tuple[Queue, ...] | None


def bury(
    topology: Topology, queue: Queue, meta: Meta, exchange: str, key: str, reason: str, now_s: float
) -> Burial | None:
    """Return where a message goes from `queue`, for which it was published with that exchange and key.

    None: nowhere, the queue has no dead letter exchange. `now_s` is the Unix time in seconds.
    """
    if queue.dead_letter_exchange is None:
        return None
    after = deaths.bury(meta, queue=queue.name, reason=reason, exchange=exchange, key=key, now_s=now_s)
    new_key = key if queue.dead_letter_key is None else queue.dead_letter_key
    found = _targets(topology, queue.dead_letter_exchange, new_key)
    if not found and queue.at_least_once:
        return Burial(queue.dead_letter_exchange, new_key, after, None)
    targets = (each for each in found if reason == "rejected" or not deaths.is_cycle(after, each.name))
    return Burial(queue.dead_letter_exchange, new_key, after, tuple(targets))


def _targets(topology: Topology, exchange: str, key: str) -> tuple[Queue, ...]:
    try:
        return topology.route(exchange, key)
    except KeyError:
        return ()
