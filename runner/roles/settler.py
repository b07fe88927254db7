"""What ends a delivery: messages are published in its place, confirmed, then it is acknowledged."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from ebats.runner.execution.delivery import Delivery
from ebats.runner.execution.journal import Journal
from ebats.runner.execution.seldom import Seldom
from ebats.runner.execution.settle import Outgoing
from ebats.runner.roles.ports import Acknowledges, Publishes

#: A message that no queue takes goes out again after so long.
_AGAIN_S = 5.0
#: An optional one that its queue refuses, being full, goes out again so many times, after so long.
_FULL_TIMES, _FULL_S = 5, 1.0


class Settler:
    """Settles the runs of deliveries. It owns no thread and no connection; any thread may call it."""

    def __init__(self, journal: Journal) -> None:
        #: `to_rungs`, `to_event_rungs`, `from_event_rungs`, `dead`, `handed_back`, `suspects`.
        self.counts: Counter[str] = Counter()
        self._journal = journal
        self._lock = threading.Lock()
        self._seldom = Seldom()

    def connect(self, intake: Acknowledges, publisher: Publishes) -> None:
        """Say where acknowledgements and messages go; before the first delivery."""
        self._intake = intake
        self._publisher = publisher

    def pass_on(
        self,
        delivery: Delivery,
        messages: Outgoing | Sequence[Outgoing],
        on_confirmed: Callable[[], None] | None = None,
    ) -> None:
        """Publish messages in place of one run of a delivery: published, all confirmed, then acknowledged.

        `on_confirmed` is called in between. What no queue takes goes out again until one does, and nothing
        is acknowledged before; an optional message is left out then.
        """
        if isinstance(messages, Outgoing):
            self._publish(messages, partial(self._passed_on, delivery, on_confirmed))
            return
        if not messages:
            self._passed_on(delivery, on_confirmed)
            return
        one_confirmed = partial(self._one_confirmed, Counter(open=len(messages)), delivery, on_confirmed)
        for message in messages:
            self._publish(message, one_confirmed)

    def settled(self, delivery: Delivery) -> None:
        """Say that one run of a delivery is done with: it is acknowledged when all of them are."""
        if delivery.on_settled:
            delivery.on_settled()
            return
        if delivery.runs > 1:
            with self._lock:
                delivery.pending -= 1
                if delivery.pending:
                    return
        self._intake.settled(delivery)

    def count(self, what: str, by: int = 1) -> None:
        """Raise a counter."""
        with self._lock:
            self.counts[what] += by

    def _publish(self, message: Outgoing, then: Callable[[], None], tried: int = 1) -> None:
        self._publisher.send(message, then, partial(self._unroutable, message, then, tried))

    def _passed_on(self, delivery: Delivery, on_confirmed: Callable[[], None] | None) -> None:
        if on_confirmed:
            on_confirmed()
        self.settled(delivery)

    def _one_confirmed(
        self, left: Counter[str], delivery: Delivery, on_confirmed: Callable[[], None] | None
    ) -> None:
        with self._lock:
            left["open"] -= 1
            if left["open"]:
                return
        self._passed_on(delivery, on_confirmed)

    def _unroutable(self, message: Outgoing, then: Callable[[], None], tried: int) -> None:
        where = message.exchange or message.key
        if message.optional:
            if message.refused and tried <= _FULL_TIMES:
                self._later(_FULL_S, message, then, tried + 1)
                return
            if self._seldom.may_say(where):
                state = "is full, and takes nothing" if message.refused else "is gone from the broker"
                self._journal.log.warning(f"{where!r} {state}: what should go there is dropped")
            then()
            return
        if self._seldom.may_say(where):
            self._journal.log.error(
                f"{where!r} takes nothing, or is gone: what should go there stays where it is"
            )
        # Neither lost nor settled: it goes out again until somebody has mended it.
        self._later(_AGAIN_S, message, then, tried + 1)

    def _later(self, wait_s: float, message: Outgoing, then: Callable[[], None], tried: int) -> None:
        timer = threading.Timer(wait_s, self._publish, (message, then, tried))
        timer.daemon = True
        timer.start()
