"""What a dead letter says: whose it is, why it is dead, since when. Pure.

A letter that the broker wrote has no headers of ours: its `x-death`, exchange and key tell.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from ebats.pipelines.model import Pipeline
from ebats.pipelines.routes import Routes
from ebats.runner.execution.delivery import Delivery
from ebats.runner.execution.envelope import last_death
from ebats.runner.execution.fields import as_name, as_number

#: No task, or no event, took what was published.
UNROUTED = "unrouted"


class Letter(msgspec.Struct, frozen=True):
    """A dead letter. What it doesn't tell is None."""

    id: str | None
    task: str | None
    event: str | None
    reason: str | None
    #: The number of the last attempt; None: it never ran.
    attempt: int | None
    #: The queue that it was worked off from, as the file calls it.
    queue: str | None
    #: How it was first published, as the broker calls it.
    exchange: str
    key: str
    #: When it died, and when its first attempt ended: Unix times in seconds.
    died: float | None
    first: float | None
    #: The exception's class, its text, and where it was raised.
    error: str | None
    text: str | None
    traceback: str | None
    crashes: int | None
    delivery: Delivery


class Reader:
    """Reads the dead letters of one pipeline."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._routes = Routes(pipeline)
        self._dead = pipeline.on_broker("dead")

    def read(self, delivery: Delivery) -> Letter:
        """Return what a dead letter says; its headers may hold anything."""
        headers = delivery.headers
        exchange, key = self._origin(delivery)
        attempt = as_number(headers.get("ebats-attempt"), int)
        crashes = as_number(headers.get("ebats-crashes"), int)
        message_id = delivery.properties.get("message_id")
        return Letter(
            id=str(message_id) if message_id else None,
            task=as_name(headers.get("ebats-task")) or self._task(delivery, exchange, key),
            event=as_name(headers.get("ebats-event")) or self._event(exchange, key),
            reason=as_name(headers.get("ebats-reason")) or self._reason(delivery),
            attempt=attempt,
            queue=self._queue(delivery),
            exchange=exchange,
            key=key,
            died=_died(delivery),
            first=as_number(headers.get("ebats-first"), float),
            error=_text(headers.get("ebats-error")),
            text=_text(headers.get("ebats-text")),
            traceback=_text(headers.get("ebats-traceback")),
            crashes=crashes,
            delivery=delivery,
        )

    def _by_broker(self, delivery: Delivery) -> Mapping[str, Any] | None:
        """Return the death that made a letter of a message; None: something else made it one."""
        is_ours = "ebats-reason" in delivery.headers
        return None if is_ours or delivery.exchange != self._dead else last_death(delivery)

    def _origin(self, delivery: Delivery) -> tuple[str, str]:
        exchange, key = delivery.exchange, delivery.key
        if death := self._by_broker(delivery):
            keys = death.get("routing-keys")
            exchange = as_name(death.get("exchange")) or ""
            key = (as_name(keys[0]) if isinstance(keys, list) and keys else None) or key
        return (
            as_name(delivery.headers.get("ebats-exchange"), exchange) or "",
            as_name(delivery.headers.get("ebats-key"), key) or "",
        )

    def _task(self, delivery: Delivery, exchange: str, key: str) -> str | None:
        tasks = self._routes.tasks_exchange
        # Back from a rung, it had been published elsewhere.
        if delivery.exchange == tasks and not delivery.key.startswith("@"):
            return delivery.key.partition("@")[0]
        if exchange == tasks and not key.startswith("@"):
            return key.partition("@")[0]
        death = self._by_broker(delivery)
        only = self._routes.only_task(str(death.get("queue"))) if death and not exchange else None
        return only.name if only else None

    def _event(self, exchange: str, key: str) -> str | None:
        found = self._routes.events_of(exchange, key)
        if len(found) == 1:
            return found[0].name
        return key or None if exchange == self._routes.events_exchange and not found else None

    def _reason(self, delivery: Delivery) -> str | None:
        if death := self._by_broker(delivery):
            return as_name(death.get("reason"))
        return UNROUTED if delivery.exchange not in ("", self._dead) else None

    def _queue(self, delivery: Delivery) -> str | None:
        name = as_name(delivery.headers.get("ebats-queue"))
        if name is None and (death := self._by_broker(delivery)):
            name = as_name(death.get("queue"))
        return self._pipeline.queue_name(name) if name else None


def _died(delivery: Delivery) -> float | None:
    """Return when a letter died, as far as it tells; at last the publisher's timestamp has to do."""
    last = as_number(delivery.headers.get("ebats-last"), float)
    if "ebats-reason" in delivery.headers and last is not None:
        return last
    death = last_death(delivery) or {}
    for moment in (death.get("time"), last, delivery.properties.get("timestamp")):
        if (time := _unix(moment)) is not None:
            return time
    return None


def _unix(moment: object) -> float | None:
    if isinstance(moment, datetime):
        # AMQP's times are UTC, and py-amqp gives them no zone.
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return None if moment is None else as_number(moment, float)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
