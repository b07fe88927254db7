"""What all runs of a delivery share: whose message it is, which attempt, where it was first published."""

from typing import Any

import msgspec

from ebats.pipelines.addresses import DUE
from ebats.pipelines.routes import Routes, Rung
from ebats.runner.execution.delivery import MANY, Delivery, Headers
from ebats.runner.execution.fields import as_name, as_number
from ebats.runner.execution.ids import new_id

#: Of a message that a runner gave back: which version of the file it went by, and since when it had it.
HELD_BY = "ebats-held-by"
HELD_SINCE = "ebats-held-since"
#: Which requests of a message have succeeded: numbers, from 1. Since when others wait for their hosts.
DONE = "ebats-done"
POSTPONED_SINCE = "ebats-postponed-since"
_MOST_ATTEMPTS = 1_000_000
_MOST_REQUESTS = 1_000


class Envelope(msgspec.Struct, frozen=True):
    """What all runs of a delivery share."""

    id: str
    event: str | None
    #: The exchange and the key that the message was first published with.
    exchange: str
    key: str
    #: The broker's name of the queue that it is worked off from.
    queue: str
    attempt: int
    #: When the first and the last attempt ended, Unix times in seconds.
    first: float | None
    last: float | None
    #: How often it has ended the lane's process.
    crashes: int
    #: Since when it waits for a runner that knows it.
    unknown_since: float | None
    #: Before this moment it isn't run, a Unix time in seconds.
    due: float | None
    delivery: Delivery
    #: How often it came back from a lease: its process had died.
    cut: int = 0
    #: A runner gave it back before it had begun: by whose file (`wiring.mark`), and since when it had it.
    held: tuple[str, float] | None = None
    #: Requests that have succeeded, by their numbers, and since when the message is postponed.
    done: tuple[int, ...] = ()
    postponed_since: float | None = None

    def is_suspect(self) -> bool:
        """Return whether the message has been cut short so often that it might be the reason."""
        delivery = self.delivery
        if self.cut and self.cut + delivery.times_returned() >= MANY:
            return True
        return delivery.redelivered and delivery.is_suspect()


def fresh(delivery: Delivery, exchange: str, key: str) -> Envelope:
    """Return the envelope of a message that is new here, published with that exchange and key."""
    due = as_number(delivery.headers.get(DUE), float)
    return Envelope(_id(delivery), None, exchange, key, delivery.queue, 1, None, None, 0, None, due, delivery)


def rung_of(delivery: Delivery, routes: Routes) -> Rung | None:
    """Return the rung that handed a message on; None: it comes from elsewhere."""
    death = last_death(delivery)
    return routes.rung(str(death.get("queue"))) if death else None


def came_from(delivery: Delivery) -> str:
    """Return the queue, by its broker name, that a message waited in before; empty: there is none."""
    return as_name((last_death(delivery) or {}).get("queue")) or ""


def waiting(delivery: Delivery, routes: Routes, event: str) -> Envelope:
    """Return the envelope of a message that lies on an event's own rung."""
    if "ebats-exchange" in delivery.headers:
        return from_headers(delivery, routes)
    return msgspec.structs.replace(fresh(delivery, delivery.exchange, delivery.key), event=event)


def from_rung(delivery: Delivery, event: str) -> Envelope:
    """Return the envelope of a message from an event's own rung: the broker tells where it came from."""
    death = last_death(delivery) or {}
    keys = death.get("routing-keys")
    key = as_name(keys[0]) if isinstance(keys, list) and keys else None
    envelope = fresh(delivery, as_name(death.get("exchange")) or "", key or "")
    return msgspec.structs.replace(envelope, event=event)


def held(envelope: Envelope, mark: str) -> Headers:
    """Return the headers of a message that is given back: by which version of the file, had since when."""
    if envelope.event is None or envelope.attempt > 1:
        return {}
    by, since = envelope.held or ("", 0.0)
    return {HELD_BY: mark, HELD_SINCE: since if by == mark else envelope.delivery.received}


def is_early(delivery: Delivery, rung: Rung) -> bool:
    """Return whether a message waited less than its rung's time, by an expiration of its own."""
    expiration = (last_death(delivery) or {}).get("original-expiration")
    if expiration is None:
        return False
    expiration_ms = as_number(expiration, int)
    return expiration_ms is None or expiration_ms < rung.delay_ms


def last_death(delivery: Delivery) -> dict[str, Any] | None:
    """Return what the broker says of a message's last death; None: it had none, or the header is odd."""
    deaths = delivery.headers.get("x-death")
    if isinstance(deaths, list) and deaths and isinstance(deaths[0], dict):
        return deaths[0]
    return None


def from_headers(delivery: Delivery, routes: Routes) -> Envelope:
    """Return the envelope that the headers of ours tell; without them it is a new message's."""
    headers = delivery.headers
    if not headers:
        return fresh(delivery, delivery.exchange, delivery.key)
    queue = as_name(headers.get("ebats-queue")) if delivery.queue == routes.suspects else None
    return Envelope(
        id=_id(delivery),
        event=as_name(headers.get("ebats-event")),
        exchange=as_name(headers.get("ebats-exchange"), delivery.exchange) or "",
        key=as_name(headers.get("ebats-key"), delivery.key) or "",
        queue=queue or delivery.queue,
        attempt=min(max(1, as_number(headers.get("ebats-attempt"), int) or 1), _MOST_ATTEMPTS),
        first=as_number(headers.get("ebats-first"), float),
        last=as_number(headers.get("ebats-last"), float),
        crashes=min(max(0, as_number(headers.get("ebats-crashes"), int) or 0), _MOST_ATTEMPTS),
        unknown_since=as_number(headers.get("ebats-unknown-since"), float),
        due=as_number(headers.get(DUE), float),
        delivery=delivery,
        held=_held(headers),
        cut=min(max(0, as_number(headers.get("ebats-cut"), int) or 0), _MOST_ATTEMPTS),
        done=_done(headers.get(DONE)),
        postponed_since=as_number(headers.get(POSTPONED_SINCE), float),
    )


def _held(headers: Headers) -> tuple[str, float] | None:
    by, since = as_name(headers.get(HELD_BY)), as_number(headers.get(HELD_SINCE), float)
    return None if by is None or since is None else (by, since)


def _done(numbers: object) -> tuple[int, ...]:
    if not isinstance(numbers, list):
        return ()
    found = (as_number(number, int) for number in numbers[:_MOST_REQUESTS])
    return tuple(sorted({number for number in found if number is not None and 0 < number <= _MOST_REQUESTS}))


def _id(delivery: Delivery) -> str:
    return delivery.properties.get("message_id") or new_id()
