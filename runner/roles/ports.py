"""What the engine needs of the world around it."""

from collections.abc import Callable
from typing import Protocol

from ebats.runner.execution.call import Function
from ebats.runner.execution.delivery import Delivery
from ebats.runner.execution.settle import Outgoing
from ebats.runner.execution.slots import Callback, Run
from ebats.runner.publishing.flight import Sends


class Acknowledges(Protocol):
    """Takes word that a delivery is done with."""

    def settled(self, delivery: Delivery) -> None: ...

    def acknowledge_first(self, delivery: Delivery, timeout_s: float) -> bool: ...


class Publishes(Sends, Protocol):
    """Publishes a message and calls back when its fate is known."""

    def send(
        self, outgoing: Outgoing, on_confirmed: Callable[[], None], on_unroutable: Callable[[], None]
    ) -> None: ...


class Submits(Protocol):
    """Starts runs; False: not any more."""

    def submit(self, run: Run) -> bool: ...


class Looks(Protocol):
    """Finds by its name what a task does."""

    def __getitem__(self, name: str, /) -> Function | Callback: ...
