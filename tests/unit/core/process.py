"""A worker between stand-ins."""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from ebats.pipelines.model import Pipeline
from ebats.pipelines.plan import consumers
from ebats.runner.execution.call import inspect_function
from ebats.runner.execution.journal import Journal
from ebats.runner.roles.worker import Worker
from tests.unit.core.shop import Acknowledged, Lines, Published, delivery, pipeline

#: For what never comes: a machine that does other things too may take its time.
DEADLINE_S = 100.0


class FakeIntake(Acknowledged):
    """An intake without a broker: the test gives it deliveries."""

    def __init__(self) -> None:
        super().__init__()
        self.failure: BaseException | None = None
        self.cancelled = threading.Event()
        self.taking = True

    def start(self) -> None:
        """Nothing to do."""

    def unsettled(self) -> int:
        """Nothing is counted."""
        return 0

    def stop_taking(self) -> None:
        """Take nothing more."""
        self.taking = False
        self.cancelled.set()

    def close(self, timeout_s: float) -> bool:
        """Be closed in time."""
        return True


class FakePublisher(Published):
    """A publisher whose broker confirms at once."""

    failure: BaseException | None = None

    def start(self) -> None:
        """Nothing to do."""

    def send(
        self, outgoing: Any, on_confirmed: Callable[[], None], on_unroutable: Callable[[], None]
    ) -> None:
        """Keep it and confirm it."""
        super().send(outgoing, on_confirmed, on_unroutable)
        self.confirm()

    def close(self, timeout_s: float) -> bool:
        """Be closed in time."""
        return True


class FakeParent:
    """A parent that says what the test wants, and remembers what it was told."""

    def __init__(self) -> None:
        self.stop = self.gone = False
        self.told: list[dict[str, Any]] = []

    def tell(self, **words: Any) -> None:
        """Remember it."""
        self.told.append(words)

    def listen(self, timeout_s: float) -> Iterable[str]:
        """Say nothing, quickly."""
        time.sleep(min(timeout_s, 0.01))
        return ()


class Process:
    """A worker between stand-ins."""

    def __init__(
        self, *tasks: Callable[..., Any], concurrency: int = 2, timeout: str = "30s", grace: str = "30s"
    ) -> None:
        entries = ", ".join(
            f'{task.__name__}: {{python: "a:b", queue: demo, timeout: {timeout}, retry: [1s]}}'
            for task in tasks
        )
        queues = "queues: {demo: {crashes: 3}}"
        text = f"{{version: 1, name: shop, grace: {grace}, {queues}, tasks: {{{entries}}}}}"
        self.shop: Pipeline = pipeline(text)
        (self.spec,) = consumers(self.shop)
        self.lines, self.parent = Lines(), FakeParent()
        journal = Journal(self.shop, "rest#1", self.lines, with_payload=False)
        self.worker = Worker(self.spec, {"shop.demo": 8}, concurrency, journal, self.parent)  # type: ignore[arg-type]
        self.intake, self.publisher = FakeIntake(), FakePublisher()
        self.worker.intake = self.intake  # type: ignore[assignment]
        self.worker.publisher = self.publisher  # type: ignore[assignment]
        self.worker.engine.connect(self.intake, self.publisher, self.worker.slots)
        for task in tasks:
            self.worker.functions._found[task.__name__] = inspect_function(task)

    def give(self, task: str, *numbers: int) -> None:
        """Deliver messages for a task."""
        for number in numbers:
            self.worker.engine.take(delivery("shop.tasks", task, message_id=f"m{number}", tag=number))

    def leaves(self) -> str:
        """Return why it left; it has to, in time."""
        deadline = time.monotonic() + DEADLINE_S
        return self.worker.run(lambda: "deadline" if time.monotonic() > deadline else None)

    def outcomes(self) -> list[str]:
        """Return how its runs ended."""
        return sorted(f"{record.id} {record.outcome}" for record in self.lines.executions())

    def handed_back(self) -> list[str]:
        """Return the ids of what went back to the queue."""
        messages = self.publisher.messages
        return sorted(m.properties["message_id"] for m in messages if m.key == "shop.demo")


def quick() -> None: ...
