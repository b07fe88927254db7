"""What follows from a message in an intake: one for each task of its event. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import structs

from ebats.pipelines.model import Event, Pipeline
from ebats.pipelines.topology import event_rung_name, task_key
from ebats.runner.execution import settle
from ebats.runner.execution.delivery import Delivery
from ebats.runner.execution.envelope import Envelope
from ebats.runner.execution.ids import new_id
from ebats.runner.execution.settle import Outgoing

_OURS = "ebats-"
#: The one header of ours that a publisher writes and that stays true.
_PUBLISHED = "ebats-published"


class _Way(NamedTuple):
    """Where a message for one task is published."""

    exchange: str
    key: str


class Arrivals:
    """The intakes of a pipeline, by the broker's names of their queues.

    A message in an intake may be anybody's: what headers of ours say in it was true elsewhere.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._ways: Mapping[str, tuple[str, tuple[_Way, ...]]] = {
            event.queue.broker_name: (event.name, _ways(pipeline, event))
            for event in pipeline.events.values()
            if event.queue
        }

    def of(self, delivery: Delivery) -> tuple[Outgoing, ...] | None:
        """Return what is published for a delivery, all under one id; None: it comes from no intake."""
        if delivery.queue not in self._ways:
            return None
        event, ways = self._ways[delivery.queue]
        envelope = _envelope(delivery, event)
        return tuple(settle.around(envelope, way.exchange, way.key) for way in ways)


def _ways(pipeline: Pipeline, event: Event) -> tuple[_Way, ...]:
    tasks = pipeline.on_broker("tasks")
    return tuple(
        # A rung of an event's own has no exchange in front.
        _Way("", event_rung_name(pipeline, event, item))
        if item.delay_ms
        else _Way(tasks, task_key(item.task, item.queue))
        for item in event.tasks
    )


def _envelope(delivery: Delivery, event: str) -> Envelope:
    headers = {name: value for name, value in delivery.headers.items() if not _is_stale(name)}
    return Envelope(
        id=delivery.properties.get("message_id") or new_id(),
        event=event,
        exchange=delivery.exchange,
        key=delivery.key,
        queue=delivery.queue,
        attempt=1,
        first=None,
        last=None,
        crashes=0,
        unknown_since=None,
        due=None,
        delivery=structs.replace(delivery, headers=headers),
    )


def _is_stale(name: object) -> bool:
    return isinstance(name, str) and name.startswith(_OURS) and name != _PUBLISHED
