"""A channel that the test plays the broker of."""

from collections.abc import Callable
from typing import Any

from amqp import Message

from ebats.runner.broker.confirming import Sending
from ebats.runner.execution.settle import Outgoing


def outgoing(number: int, exchange: str = "shop.tasks") -> Outgoing:
    return Outgoing(exchange, "ship", b"%d" % number, {}, {"message_id": f"m{number}"})


class FakeChannel:
    """Keeps what is published on it."""

    def __init__(self) -> None:
        self.events: dict[str, set[Callable[..., None]]] = {
            name: set() for name in ("basic_ack", "basic_nack", "basic_return")
        }
        self.published: list[Message] = []
        self.fails: Callable[[Message], None] = lambda _message: None

    def confirm_select(self) -> None:
        """Nothing to do."""

    def basic_publish(self, message: Message, exchange: str, routing_key: str, mandatory: bool) -> None:
        """Keep it."""
        assert mandatory
        self.fails(message)
        message.exchange, message.key = exchange, routing_key
        self.published.append(message)

    def tell(self, event: str, *arguments: Any) -> None:
        """Be the broker that says something."""
        for callback in self.events[event]:
            callback(*arguments)

    def bring_back(self, tag: int) -> None:
        """Be the broker that returns a message."""
        message = self.published[tag - 1]
        self.tell("basic_return", Exception("NO_ROUTE"), message.exchange, message.key, message)

    def bodies(self) -> list[bytes]:
        """Return what was published."""
        return [message.body for message in self.published]


class Fate:
    """What became of the messages of a test."""

    def __init__(self) -> None:
        self.confirmed: list[int] = []
        self.unroutable: list[int] = []

    def sending(self, number: int, exchange: str = "shop.tasks") -> Sending:
        """Return a message that tells here what becomes of it."""
        return Sending(outgoing(number, exchange), *self.callbacks(number))

    def callbacks(self, number: int) -> tuple[Callable[[], None], Callable[[], None]]:
        """Return what to call for a message."""
        return lambda: self.confirmed.append(number), lambda: self.unroutable.append(number)
