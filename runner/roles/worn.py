"""Deliveries that lost connections have brought again and again: they get a fresh count in time.

The broker counts each loss, and at its delivery limit writes a dead letter, though the run is at
work here and may take longer. So before the limit a copy with a count of its own takes the old one's
place: published, confirmed, then the old one is acknowledged.
"""

from typing import Protocol

from ebats.runner.execution.delivery import Delivery
from ebats.runner.execution.slots import Slots
from ebats.runner.roles.engine import Engine


class Detaches(Protocol):
    """Lets a delivery wait for its copy, and returns what stands for it under its tag meanwhile."""

    def detach(self, delivery: Delivery, key: tuple[str, str, int]) -> Delivery: ...


class Worn:
    """Replaces worn deliveries."""

    def __init__(self, engine: Engine, slots: Slots, intake: Detaches) -> None:
        self._engine = engine
        self._slots = slots
        self._intake = intake

    def replace(self, delivery: Delivery) -> None:
        """Give a delivery a fresh count, on the intake's thread: what hasn't begun goes back to its queue."""
        waiting, running = self._slots.take_runs(delivery)
        for run in waiting:
            self._engine.hand_back(run)
        # Two tasks of one event on one queue share a delivery: they are left to the broker's limit.
        if len(running) != 1 or delivery.runs > 1 or running[0].settled:
            return
        (run,) = running
        ghost = self._intake.detach(delivery, (run.envelope.id, run.task.name, run.envelope.attempt))
        self._engine.settler.pass_on(ghost, self._engine.return_message(run))
