"""Queues that aren't there, go, come back, or may not be read: the others go on meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from ebats.pipelines.model import Broker as Settings
from ebats.runner.broker.consume import Intake
from ebats.runner.execution.delivery import Delivery
from tests.conftest import Broker
from tests.integration.wire import QUORUM, Wire
from tests.waiting import wait_until

CLASSIC = {"x-queue-type": "classic"}


class Taker:
    """Takes from two queues, and keeps what comes and what is said."""

    def __init__(self, url: str, *queues: str) -> None:
        self.came: list[Delivery] = []
        self.said: list[str] = []
        settings = Settings(urls=(url,))
        self.intake = Intake(settings, dict.fromkeys(queues, 10), self.came.append, self._say)

    def _say(self, level: str, text: str) -> None:
        self.said.append(f"{level}: {text}")

    def bodies(self) -> list[str]:
        """Return what came, in order."""
        return [delivery.body.decode() for delivery in self.came]

    def wait_for(self, *bodies: str) -> None:
        """Wait until just these have come."""
        wait_until(lambda: len(self.came) >= len(bodies), 15, lambda: f"{self.bodies()} {self.said}")
        assert self.bodies() == list(bodies)

    def wait_said(self, text: str) -> None:
        """Wait until something was said, by a part of it."""
        wait_until(lambda: any(text in line for line in self.said), 15, lambda: f"{self.said}")

    def settle(self) -> None:
        """Have all that came acknowledged."""
        for delivery in self.came:
            self.intake.settled(delivery)


@contextmanager
def taking(url: str, *queues: str) -> Iterator[Taker]:
    """Take from queues until the end of the test, which the thread has to live to see."""
    taker = Taker(url, *queues)
    taker.intake.start()
    yield taker
    taker.settle()
    taker.intake.stop_taking()
    assert taker.intake.cancelled.wait(10)
    assert taker.intake.close(10)
    assert taker.intake.failure is None


def test_a_queue_that_is_missing_at_the_start_is_taken_from_once_it_is_there(
    broker: Broker, wire: Wire
) -> None:
    wire.queue("there")
    wire.send("there", "1")
    with taking(broker.url, "there", "missing") as taker:
        taker.wait_for("1")
        taker.wait_said("there is no queue missing on the broker; waiting for it, the other queues go on")
        wire.queue("missing", CLASSIC)
        wire.send("missing", "2")
        taker.wait_for("1", "2")
        taker.wait_said("info: takes from the queue missing again")
    assert len(taker.said) == 2


@pytest.mark.parametrize("arguments", [QUORUM, CLASSIC])
def test_a_deleted_queue_ends_nothing_else_and_is_taken_from_when_it_is_made_again(
    broker: Broker, wire: Wire, arguments: dict[str, str]
) -> None:
    wire.queue("there")
    wire.queue("theirs", arguments)
    with taking(broker.url, "there", "theirs") as taker:
        wire.send("theirs", "held")
        taker.wait_for("held")
        wire.channel.queue_delete("theirs")
        taker.wait_said("the queue theirs was deleted")
        taker.settle()
        wire.send("there", "1")
        taker.wait_for("held", "1")
        taker.settle()
        wire.wait_ready("there", 0)
        wire.queue("theirs", CLASSIC)
        wire.send("theirs", "2")
        taker.wait_for("held", "1", "2")
        wire.send("there", "3")
        taker.wait_for("held", "1", "2", "3")
        assert not any(delivery.redelivered for delivery in taker.came)
    assert len(taker.said) == 2
    wire.wait_ready("there", 0)
    wire.wait_ready("theirs", 0)


def test_taking_ends_at_once_where_all_queues_are_away(broker: Broker) -> None:
    with taking(broker.url, "missing") as taker:
        taker.wait_said("there is no queue missing")


def test_what_may_not_be_read_is_said_with_the_permission_and_taken_from_once_it_is_granted(
    each_rabbitmq: Broker,
) -> None:
    broker = each_rabbitmq
    url = broker.url_of_user(read="^there$")
    with closing(Wire(broker.url)) as wire:
        for queue in ("theirs", "there"):
            wire.queue(queue)
            wire.send(queue, queue)
        with taking(url, "theirs", "there") as taker:
            taker.wait_for("there")
            broker.url_of_user(read="^the")
            taker.wait_for("there", "theirs")
    assert taker.said == [
        f"error: the user '{broker.prefix}' may not read from the queue theirs: add ^theirs$ to its read"
        f" permission in the virtual host '{broker.vhost}'; waiting for it, the other queues go on",
        "info: takes from the queue theirs again",
    ]


def test_a_queue_that_somebody_has_for_himself_is_waited_for(
    broker: Broker, connect: Callable[[], Wire]
) -> None:
    holder, wire = connect(), connect()
    wire.queue("theirs", CLASSIC)
    wire.queue("there")
    holder.consume("theirs", exclusive=True)
    with taking(broker.url, "there", "theirs") as taker:
        taker.wait_said("nothing comes from the queue theirs")
        wire.send("there", "1")
        taker.wait_for("1")
        holder.close()
        wire.send("theirs", "2")
        taker.wait_for("1", "2")
    assert "exclusive" in taker.said[0]
