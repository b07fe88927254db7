"""Publishing in a rehearsal: by tasks, and by the case itself."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from ebats.pipelines.cases import CaseMessage
from ebats.pipelines.model import Format, Pipeline
from ebats.pipelines.problems import EbatsError, Place
from ebats.pipelines.wiring import wire
from ebats.runner.broker.confirming import Sending
from ebats.runner.broker.memory import MemoryBroker
from ebats.runner.execution.schemas import Schemas
from ebats.runner.execution.settle import Outgoing
from ebats.runner.publishing import messages
from ebats.runner.publishing.flight import Flight
from ebats.runner.publishing.names import ByFile
from ebats.runner.rehearsal.agenda import Agenda
from ebats.runner.rehearsal.notes import Notes
from ebats.runner.roles.outlet import TaskOutlet


class UnfitCase(EbatsError):
    """Raised when a case publishes what the pipeline has no address for."""

    def __init__(self, place: Place, text: str) -> None:
        super().__init__(text)
        self.place = place


class Sender:
    """Publishes what the engine and the tasks publish; confirmed at once. See `ports.Publishes`."""

    def __init__(self, broker: MemoryBroker) -> None:
        """Publish to a broker."""
        self._broker = broker
        #: What no queue takes, by exchange and key: its run is never settled.
        self.stuck: list[str] = []

    def send(
        self, outgoing: Outgoing, on_confirmed: Callable[[], None], on_unroutable: Callable[[], None]
    ) -> None:
        """Publish a message; `on_unroutable` isn't called: another try would come to the same."""
        del on_unroutable
        # Whoever waits for a reply has a queue of his own, which nobody declares here.
        if self._broker.publish(outgoing) or outgoing.optional:
            on_confirmed()
        else:
            self.stuck.append(outgoing.exchange or outgoing.key)

    def put(self, sending: Sending) -> None:
        """Publish a task's message."""
        if self._broker.publish(sending.outgoing):
            sending.on_confirmed()
        else:
            sending.on_unroutable()

    def withdraw(self, sending: Sending) -> bool:
        """Withdraw nothing: its fate is known."""
        del sending
        return False


class Outlet(TaskOutlet):
    """What `context.publish` and its like publish by; what they do is noted."""

    def __init__(
        self, pipeline: Pipeline, sender: Sender, notes: Notes, schemas: Schemas, agenda: Agenda
    ) -> None:
        """Publish by a sender, at the times of an agenda."""
        super().__init__(pipeline, sender, lambda _what: None, schemas)
        self._clock = agenda
        numbers = count(1)
        self._new_id = lambda: f"p{next(numbers)}"
        self._notes = notes

    def _event(self, name: str, payload: Any, **options: Any) -> list[Outgoing]:
        return _Named("event", name, super()._event(name, payload, **options))

    def _task(self, name: str, payload: Any, **options: Any) -> list[Outgoing]:
        return _Named("task", name, super()._task(name, payload, **options))

    def _send(self, flight: Flight, outgoing: list[Outgoing], ids: list[str]) -> None:
        super()._send(flight, outgoing, ids)
        if isinstance(outgoing, _Named) and not flight.has_failed:
            self._notes.publish(outgoing.kind, outgoing.name, ids[-1], outgoing[0].body)


class _Named(list[Outgoing]):
    """The messages of one call, and what it published: the name of an event, or of a task."""

    def __init__(self, kind: Any, name: str, found: list[Outgoing]) -> None:
        super().__init__(found)
        self.kind = kind
        self.name = name


class Publisher:
    """Publishes the messages of a case, as `ebats.Publisher` and others would."""

    def __init__(self, pipeline: Pipeline, broker: MemoryBroker, agenda: Agenda) -> None:
        """Publish to a broker, at the times of an agenda."""
        self._pipeline = pipeline
        self._broker = broker
        self._agenda = agenda
        self._names = ByFile(pipeline.name, wire(pipeline))

    def publish(self, message: CaseMessage, id_: str) -> None:
        """Publish a message of a case; `id_` is for one that has none.

        Raises:
            UnfitCase: the pipeline has no address for it.
        """
        for outgoing in self._outgoing(message, message.id or id_):
            outgoing.properties |= message.properties
            if not self._broker.publish(outgoing) and outgoing.exchange == "":
                raise UnfitCase(message.place, f"there is no queue {outgoing.key!r}")

    def _outgoing(self, message: CaseMessage, id_: str) -> Iterator[Outgoing]:
        now, delay_s = self._agenda.time(), message.delay_ms / 1000
        format_: Format = "json"
        try:
            if message.event is not None:
                found = self._names.event(message.event, now, delay_s, message.queue, message.key)
                format_ = self._names.format_of(message.event) or "json"
            elif message.task is not None:
                found = (self._names.task(message.task, now, delay_s, message.queue),)
            else:
                yield self._raw(message, id_)
                return
        except ValueError as error:
            raise UnfitCase(message.place, str(error)) from None
        for address in found:
            yield messages.message(address, message.body, format_, id_, now, message.headers)

    def _raw(self, message: CaseMessage, id_: str) -> Outgoing:
        properties = {"message_id": id_, "delivery_mode": 2}
        exchange, key = "", message.key or ""
        if message.exchange is not None:
            exchange = self._exchange(message.exchange, message.place)
        elif message.queue is not None:
            queue = self._pipeline.queues.get(message.queue)
            key = queue.broker_name if queue else message.queue
        return Outgoing(exchange, key, message.body, dict(message.headers), properties)

    def _exchange(self, name: str, place: Place) -> str:
        """Return the broker's name of an exchange: one of the file, or of those that ebats makes."""
        found = self._pipeline.exchanges.get(name)
        names = (found.broker_name,) if found else (name, self._pipeline.on_broker(name))
        for each in names:
            if self._broker.has_exchange(each):
                return each
        raise UnfitCase(place, f"there is no exchange {name!r}")
