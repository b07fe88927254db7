"""What the conformance tests do on a broker, at the level on which the runner does it: kombu's channels."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import kombu

from tests.waiting import wait_until

#: Properties that kombu takes by name and not among the others.
PREPARED = ("content_type", "content_encoding", "priority")
DURABLE = {"durable": True, "auto_delete": False}

#: The arguments of every queue of ours, from the section "On the broker" of the design.
QUORUM = {"x-queue-type": "quorum"}
AT_LEAST_ONCE = {"x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}
NO_DELIVERY_LIMIT = {"x-delivery-limit": 1_000_000}


def work_arguments(dead: str, limit: int = 20) -> dict[str, Any]:
    """Give the arguments of a work queue that dead-letters to an exchange."""
    return {**QUORUM, "x-delivery-limit": limit, "x-dead-letter-exchange": dead, **AT_LEAST_ONCE}


def rung_arguments(target: str, ttl_ms: int, key: str | None = None) -> dict[str, Any]:
    """Give the arguments of a rung that dead-letters to an exchange after a while."""
    arguments = {**QUORUM, "x-message-ttl": ttl_ms, "x-dead-letter-exchange": target, **AT_LEAST_ONCE}
    return arguments if key is None else {**arguments, "x-dead-letter-routing-key": key}


class Wire:
    """One connection with one channel, and what was delivered to it."""

    def __init__(self, url: str) -> None:
        """Connect."""
        self.connection = kombu.Connection(url)
        self.connection.connect()
        self.channel = self.new_channel()
        self.messages: list[Any] = []

    def new_channel(self) -> Any:
        """Open another channel, which leaves bodies as they are."""
        channel = self.connection.channel()
        channel.auto_decode = False
        return channel

    def close(self) -> None:
        """Close the connection, which hands back what was not acknowledged."""
        self.connection.close()

    def queue(self, name: str, arguments: Mapping[str, Any] | None = None, **options: Any) -> str:
        """Declare a durable queue, a quorum queue without other arguments."""
        what = QUORUM if arguments is None else dict(arguments)
        self.channel.queue_declare(name, **{**DURABLE, **options}, arguments=what)
        return name

    def exchange(self, name: str, kind: str, **arguments: Any) -> str:
        """Declare a durable exchange."""
        named = {key.replace("_", "-"): value for key, value in arguments.items()}
        self.channel.exchange_declare(name, kind, **DURABLE, arguments=named or None)
        return name

    def fanout_to_queue(self, name: str, arguments: Mapping[str, Any] | None = None) -> str:
        """Declare a fanout exchange in front of the queue of that name, as rungs and dead letters have it."""
        self.exchange(name, "fanout")
        self.queue(name, arguments)
        self.channel.queue_bind(name, name, "")
        return name

    def publish(
        self,
        body: bytes | str,
        exchange: str,
        key: str,
        headers: Mapping[str, Any] | None = None,
        mandatory: bool = False,
        **properties: Any,
    ) -> None:
        """Publish a persistent message."""
        named = {name: properties.pop(name, None) for name in PREPARED}
        message = self.channel.prepare_message(
            body, headers=headers, properties={"delivery_mode": 2, **properties}, **named
        )
        self.channel.basic_publish(message, exchange=exchange, routing_key=key, mandatory=mandatory)

    def send(self, queue: str, *bodies: str) -> None:
        """Publish bodies to a queue by its name and wait until they are there."""
        with self.connection.channel() as channel:
            confirmed = confirms_of(channel)
            for body in bodies:
                message = channel.prepare_message(body.encode(), properties={"delivery_mode": 2})
                channel.basic_publish(message, exchange="", routing_key=queue)
            self.drain_until(lambda: len(confirmed) == len(bodies), "the confirms")

    def consume(self, queue: str, prefetch: int = 100, channel: Any = None, **options: Any) -> str:
        """Collect what a queue delivers in `messages`."""
        channel = channel or self.channel
        channel.basic_qos(0, prefetch, False)
        tag: str = channel.basic_consume(queue, callback=self.messages.append, **options)
        return tag

    def drain_until(self, predicate: Callable[[], Any], what: str, deadline_s: float = 15) -> None:
        """Take events until something is so."""
        end = time.monotonic() + deadline_s
        while not predicate():
            assert time.monotonic() < end, f"not within {deadline_s} s: {what}; got {self.bodies}"
            self.drain(0.2)

    def drain(self, timeout_s: float) -> None:
        """Take one event, if one comes in time."""
        try:
            self.connection.drain_events(timeout=timeout_s)
        except TimeoutError:
            return

    def drain_for(self, seconds: float) -> None:
        """Take every event for a while: for what must not come."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.drain(left)

    def receive(self, count: int, deadline_s: float = 15) -> list[Any]:
        """Wait for a number of messages and hand them over."""
        self.drain_until(lambda: len(self.messages) >= count, f"{count} messages", deadline_s)
        taken = self.messages[:]
        self.messages.clear()  # the same list, to which the consumers append
        return taken

    def get(self, queue: str, deadline_s: float = 10) -> Any:
        """Take one message from a queue, which may be on its way there."""
        return wait_until(lambda: self.channel.basic_get(queue), deadline_s, f"nothing in {queue}")

    def ack(self, *messages: Any, multiple: bool = False) -> None:
        """Acknowledge messages."""
        for message in messages:
            message.channel.basic_ack(tag(message), multiple=multiple)

    def ready(self, queue: str) -> int:
        """Tell how many messages of a queue are ready."""
        with self.connection.channel() as channel:
            count: int = channel.queue_declare(queue, passive=True).message_count
            return count

    def wait_ready(self, queue: str, count: int, deadline_s: float = 15) -> None:
        """Wait until a queue has a number of ready messages."""
        wait_until(lambda: self.ready(queue) == count, deadline_s, lambda: f"{queue}: {self.ready(queue)}")

    @property
    def bodies(self) -> list[str]:
        """The bodies that were delivered and not handed over yet."""
        return bodies(self.messages)


def confirms_of(channel: Any) -> dict[int, bool]:
    """Put a channel into confirm mode and collect the tags that the broker acknowledged."""
    confirmed: dict[int, bool] = {}
    channel.confirm_select()
    highest = [0]

    def acknowledged(delivery_tag: int, multiple: bool) -> None:
        first = highest[0] + 1 if multiple else delivery_tag
        for number in range(first, delivery_tag + 1):
            confirmed[number] = True
        while highest[0] + 1 in confirmed:
            highest[0] += 1

    channel.events["basic_ack"].add(acknowledged)
    return confirmed


def bodies(messages: list[Any]) -> list[str]:
    """Give the bodies as text."""
    return [body(message).decode(errors="replace") for message in messages]


def body(message: Any) -> bytes:
    """Give a body as it was sent; py-amqp makes an empty one a str."""
    return message.body or b""


def tag(message: Any) -> int:
    """Give a message's delivery tag."""
    number: int = message.delivery_info["delivery_tag"]
    return number


def headers(message: Any) -> dict[str, Any]:
    """Give a message's headers."""
    return dict(message.properties.get("application_headers") or {})


def delivery_count(message: Any) -> int:
    """Tell how often a message came back before: RabbitMQ 4 leaves the header out the first time."""
    return int(headers(message).get("x-delivery-count", 0))
