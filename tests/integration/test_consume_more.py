"""A process takes more messages at once while they are worked off in a moment, and no more when they last."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from ebats.pipelines.model import Broker as Settings
from ebats.runner.broker.consume import Intake
from ebats.runner.execution.delivery import Delivery
from tests.conftest import Broker
from tests.integration.wire import Wire
from tests.waiting import wait_until

USUAL, GROWTH = 10, 4


class Worker:
    """Holds what comes until its own thread settles it: all that is there, or one after the other."""

    def __init__(self, url: str, growth: int) -> None:
        self.held: deque[Delivery] = deque()
        #: The most that was held at once, since it was last set to 0.
        self.most = 0
        self.settled = 0
        #: Seconds for one message; 0: all that is held, two hundred times a second.
        self.each_s = 0.0
        self.intake = Intake(Settings(urls=(url,)), {"work": USUAL}, self._take, self._say, growth)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def _say(self, level: str, text: str) -> None:
        raise AssertionError(f"{level}: {text}")

    def _take(self, delivery: Delivery) -> None:
        self.held.append(delivery)
        self.most = max(self.most, len(self.held))

    def _work(self) -> None:
        while not self._over.wait(self.each_s or 0.005):
            for _ in range(1 if self.each_s else len(self.held)):
                if self.held:
                    self.intake.settled(self.held.popleft())
                    self.settled += 1

    def most_of(self, count: int) -> int:
        """Return the most that is held at once while so many more are settled."""
        self.most, before = 0, self.settled
        wait_until(lambda: self.settled >= before + count, 30, lambda: f"{self.settled - before} of {count}")
        return self.most

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Take, and work off what has been taken to the end."""
        self.intake.start()
        self._thread.start()
        try:
            yield
            self.intake.stop_taking()
            assert self.intake.cancelled.wait(10)
            wait_until(lambda: not self.held, 20, lambda: f"{len(self.held)} are held")
        finally:
            self._over.set()
            self._thread.join()
            assert self.intake.close(10)
        assert self.intake.failure is None


def backlog(wire: Wire) -> None:
    """Publish more than is worked off meanwhile."""
    wire.queue("work")
    for _ in range(5_000):
        wire.send("work", "1")


def test_more_is_taken_while_it_takes_a_moment_and_no_more_when_it_lasts(broker: Broker, wire: Wire) -> None:
    backlog(wire)
    worker = Worker(broker.url, GROWTH)
    with worker.at_work():
        wait_until(lambda: worker.most > USUAL, 30, lambda: f"at most {worker.most} at once")
        worker.each_s = 0.02
        # Fifty a second: what it has taken is worked off, and then no more than usual are out.
        wait_until(lambda: worker.most_of(3 * USUAL) <= USUAL, 30, lambda: f"{len(worker.held)} are held")
        assert worker.most > 0
        worker.each_s = 0.0


def test_as_many_as_the_file_says_are_taken_and_no_more(broker: Broker, wire: Wire) -> None:
    backlog(wire)
    worker = Worker(broker.url, 1)
    with worker.at_work():
        wait_until(lambda: worker.settled > 1_000, 30, lambda: f"{worker.settled}")
        assert worker.most <= USUAL
